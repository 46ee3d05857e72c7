"""One line on a network's start, cheap enough for every network of a comparison."""

from __future__ import annotations

from symbreak.diagnosis.symmetry.rules import Range
from symbreak.diagnosis.symmetry.symmetry import Symmetry, symmetry
from symbreak.network import Network
from symbreak.network.optimizers import Optimizer


def verdict_for(network: Network, *, optimizer: str | Optimizer = "gd", input_range: Range | None = None) -> str | None:
    """Return one line on the units that are one at the start, or None if no two are; no counterexample is computed.

    >>> verdict_for(Network.initialize((2, 4, 1), "zeros", seed=0, activation="sigmoid"))
    '4 units are one unit for ever, proved'
    >>> verdict_for(Network.initialize((2, 4, 1), "zeros", seed=0, activation="tanh"))
    '4 units are zero for ever, proved; only b2 ever moves'
    >>> verdict_for(Network.initialize((2, 4, 1), ["ones", "he"], seed=0))
    '4 units are one unit at the start and part at step 1'
    >>> verdict_for(Network.initialize((2, 4, 1), "he", seed=0))
    """
    found = symmetry(network, optimizer=optimizer, input_range=input_range)
    parts = [part for layer in range(1, len(found.layers) + 1) for part in _of_layer(found, layer)]
    if not parts:
        return None
    if len(found.moving) < 2 * len(network.weights):
        parts.append(f"only {', '.join(found.moving)} ever move{'s' * (len(found.moving) == 1)}")
    return "; ".join(parts)


def _of_layer(found: Symmetry, index: int) -> list[str]:
    from symbreak.diagnosis.symmetry.relations import first_apart, groups, same

    layer = found.layers[index - 1]
    where = f" of hidden layer {index}" if len(found.layers) > 1 else ""
    status = "proved" if found.family.kind != "unknown" else "undecided for this optimizer"
    zero = sum(len(c.units) for c in layer.classes if c.zero)
    parts = (
        [f"{zero} unit{'s' * (zero > 1)}{where} {'are' if zero > 1 else 'is'} zero for ever, {status}"] if zero else []
    )
    tied = [c for c in layer.classes if not c.zero and len(c.units) > 1]
    if tied:
        units = sum(len(c.units) for c in tied)
        one = "one unit" if len(tied) == 1 else f"{len(tied)} units"
        parts.append(f"{units} units{where} are {one} for ever, {status}")
    now, last = found.rounds[0].active[index], found.rounds[-1].active[index]
    for group in groups(now):
        others = [u for u in group[1:] if not same(last, group[0], u)]
        if others:
            step = min(first_apart(found, index, group[0], other) for other in others)
            parts.append(f"{len(group)} units{where} are one unit at the start and part at step {step}")
    return parts
