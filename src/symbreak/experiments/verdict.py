"""One sentence for each initialization, decided by what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from symbreak.experiments.proof import Proof
from symbreak.experiments.result import NetworkSummary, Run

# A final cost above this share of the base-rate cost counts as not having left the plateau: what is missing to 1 is
# what a model gains that has begun to tell the classes apart on one example in twenty.
PLATEAU = 0.95
# From this share on, saturation (or death) of the start is named as the reason; below, most gradients still pass.
MANY = 0.5


@dataclass(frozen=True)
class Facts:
    """What a verdict is drawn from: all runs of one initialization, and what is proved of each start (if looked at)."""

    runs: Sequence[Run]
    proofs: Sequence[Proof | None]
    network: NetworkSummary
    base_rate_cost: float


def verdict(facts: Facts) -> str:
    """Return the verdict in words."""
    for rule in (_overflow, _one_unit, _plateau):
        sentence = rule(facts)
        if sentence:
            return sentence
    return _learning(facts)


def status(facts: Facts) -> str:
    """Return "proved" if the verdict's first words rest on the symmetry theorem, else "measured"."""
    overflowed = any(run.overflowed_at is not None for run in facts.runs)
    return "proved" if _tied(facts) and not overflowed and _proved(facts) else "measured"


def _overflow(facts: Facts) -> str | None:
    overflowed = [run.overflowed_at for run in facts.runs if run.overflowed_at is not None]
    if not overflowed:
        return None
    where = f"from iteration {median(overflowed):.0f} on the cost is no longer a finite number"
    share = "" if len(overflowed) == len(facts.runs) else f" in {len(overflowed)} of {len(facts.runs)} runs"
    return f"overflows{share}: {where}; try a smaller learning rate"


def _one_unit(facts: Facts) -> str | None:
    sizes, tied = facts.network.sizes[1:-1], _tied(facts)
    if not tied:
        return None
    names = " and ".join(f"{sizes[layer]} units{_of_layer(layer, sizes)} are one unit" for layer in tied)
    if any((run.effective_units.end[layer] or 0) > 1 for run in facts.runs for layer in tied):
        return f"{names} at the start, and part during training"
    for_ever = ", for ever (proved)" if _proved(facts) else ""
    return f"{names}: identical in every forward and backward pass{for_ever}{_moving(facts) or _even_so(facts)}"


def _tied(facts: Facts) -> list[int]:
    """Hidden layers of several units that start as one unit in every run."""
    sizes = facts.network.sizes[1:-1]
    return [
        layer
        for layer, size in enumerate(sizes)
        if size > 1 and all(run.effective_units.start[layer] == 1 for run in facts.runs)
    ]


def _proved(facts: Facts) -> bool:
    return all(proof is not None and all(proof.one[layer] for layer in _tied(facts)) for proof in facts.proofs)


def _moving(facts: Facts) -> str:
    """Name what moves, if it is proved to be less than everything."""
    moving = {proof.moving for proof in facts.proofs if proof is not None}
    if len(moving) != 1 or len(arrays := moving.pop()) == 2 * (len(facts.network.sizes) - 1):
        return ""
    return f"; nothing but {' and '.join(arrays)} ever moves" if arrays else "; nothing ever moves"


def _even_so(facts: Facts) -> str:
    """Tied units are still a network: tell if it learns."""
    return "" if _plateau(facts) else f"; even so it {_learning(facts)}"


def _of_layer(layer: int, sizes: Sequence[int]) -> str:
    return f" of hidden layer {layer + 1}" if len(sizes) > 1 else ""


def _plateau(facts: Facts) -> str | None:
    final = median(run.final_cost for run in facts.runs if run.final_cost is not None)
    if final <= PLATEAU * facts.base_rate_cost:
        return None
    reasons = []
    saturated, dead, died = _worst(facts, "saturated"), _worst(facts, "dead"), _worst(facts, "dead", "end")
    if saturated >= MANY:
        reasons.append(f"{saturated:.0%} of a layer's activations start in a flat part of {facts.network.activation}")
    if dead >= MANY:
        reasons.append(f"{dead:.0%} of a layer's units start with slope 0 on all examples")
    elif died >= MANY:
        reasons.append(f"{died:.0%} of a layer's units die: their slope becomes 0 on all examples")
    if final > 1.05 * facts.base_rate_cost:
        return "; ".join([f"ends above the base rate ({final / facts.base_rate_cost:.3g} times its cost)", *reasons])
    return "; ".join([f"stays on the base-rate plateau for all {facts.network.iterations} iterations", *reasons])


def _worst(facts: Facts, name: str, when: str = "start") -> float:
    layers = zip(*(getattr(getattr(run, name), when) for run in facts.runs), strict=True)
    return max((median(share or 0.0 for share in shares) for shares in layers), default=0.0)


def _learning(facts: Facts) -> str:
    reached = [run.iterations_to_half_base_rate for run in facts.runs if run.iterations_to_half_base_rate is not None]
    final = median(run.final_cost for run in facts.runs if run.final_cost is not None)
    saturated = _worst(facts, "saturated")
    aside = f", although {saturated:.0%} of a layer's activations start saturated" if saturated >= MANY else ""
    if not reached:
        return f"learns slowly: {final / facts.base_rate_cost:.0%} of the base-rate cost at the end{aside}"
    runs = "" if len(reached) == len(facts.runs) else f" in {len(reached)} of {len(facts.runs)} runs"
    count = f"{median(reached):.0f} iteration{'s' * (round(median(reached)) != 1)}"
    return f"learns{runs}: half of the base-rate cost after {count}{aside}"
