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
# So many layers, or findings, are told one by one in a verdict; it is one sentence.
MOST_NAMED = 3


@dataclass(frozen=True)
class Facts:
    """What a verdict is drawn from: all runs of one initialization, and what is proved of each start (if looked at).

    `base` and `score` are those of the `DataSummary`.
    """

    runs: Sequence[Run]
    proofs: Sequence[Proof | None]
    network: NetworkSummary
    base_rate_cost: float
    base: str = "base-rate"
    score: str = "accuracy"


def verdict(facts: Facts) -> str:
    """Return the verdict in words."""
    for rule in (_overflow, _one_unit, _partly, _plateau):
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
    tied = _tied(facts)
    if not tied:
        return None
    names = _named(facts, tied)
    if any((run.effective_units.end[layer] or 0) > 1 for run in facts.runs for layer in tied):
        if not _proved(facts):
            return f"{names} at the start, and part during training"
        return f"{names}, for ever in exact arithmetic (proved): it is rounding that parts them{_even_so(facts)}"
    for_ever = ", for ever (proved)" if _proved(facts) else ""
    return f"{names}: identical in every forward and backward pass{for_ever}{_moving(facts) or _even_so(facts)}"


def _named(facts: Facts, tied: Sequence[int]) -> str:
    sizes = facts.network.hidden
    if len(tied) > MOST_NAMED:
        which = f"all {len(sizes)}" if len(tied) == len(sizes) else f"{len(tied)} of {len(sizes)}"
        return f"in {which} hidden layers the units are one unit"
    return " and ".join(f"{sizes[layer]} units{_of_layer(facts, layer)} are one unit" for layer in tied)


def _tied(facts: Facts) -> list[int]:
    """Hidden layers of several units that start as one unit in every run."""
    return [
        layer
        for layer, size in enumerate(facts.network.hidden)
        if size > 1 and all(run.effective_units.start[layer] == 1 for run in facts.runs)
    ]


def _proved(facts: Facts) -> bool:
    return all(proof is not None and all(proof.one[layer] for layer in _tied(facts)) for proof in facts.proofs)


def _moving(facts: Facts) -> str:
    """Name what moves, if it is proved to be less than everything; or tell what else is known."""
    moving = {proof.moving for proof in facts.proofs if proof is not None}
    arrays = moving.pop() if len(moving) == 1 else None
    if arrays is None:
        return "".join(f"; {told}" for told in _told(facts))
    if len(arrays) == 2 * (len(facts.network.sizes) - 1):
        return ""
    return f"; nothing but {' and '.join(arrays)} ever moves" if arrays else "; nothing ever moves"


def _partly(facts: Facts) -> str | None:
    """Tell of ties and of what never moves in a model whose layers are not one unit each."""
    told = _told(facts)
    return f"{'; '.join(told)}{_even_so(facts)}" if told else None


def _told(facts: Facts) -> list[str]:
    """Return what is known of every start."""
    known = [proof.told if proof is not None else () for proof in facts.proofs]
    return [told for told in (known[0] if known else ()) if all(told in each for each in known)][:MOST_NAMED]


def _even_so(facts: Facts) -> str:
    """Tied units are still a network: tell if it learns."""
    return "" if _plateau(facts) else f"; even so it {_learning(facts)}"


def _of_layer(facts: Facts, layer: int) -> str:
    if facts.network.layers:
        return f" behind {facts.network.layers[layer]}"
    return f" of hidden layer {layer + 1}" if len(facts.network.hidden) > 1 else ""


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
        above = {"base-rate": "base rate", "starting": "best start"}[facts.base]
        return "; ".join([f"ends above the {above} ({final / facts.base_rate_cost:.3g} times its cost)", *reasons])
    where = {"base-rate": "on the base-rate plateau", "starting": "at the starting cost"}[facts.base]
    return "; ".join([f"stays {where} for all {facts.network.iterations} iterations", *reasons])


def _worst(facts: Facts, name: str, when: str = "start") -> float:
    layers = zip(*(getattr(getattr(run, name), when) for run in facts.runs), strict=True)
    return max((median(share or 0.0 for share in shares) for shares in layers), default=0.0)


def _learning(facts: Facts) -> str:
    reached = [run.iterations_to_half_base_rate for run in facts.runs if run.iterations_to_half_base_rate is not None]
    final = median(run.final_cost for run in facts.runs if run.final_cost is not None)
    saturated = _worst(facts, "saturated")
    aside = f", although {saturated:.0%} of a layer's activations start saturated" if saturated >= MANY else ""
    if not reached:
        return f"learns slowly: {final / facts.base_rate_cost:.0%} of the {facts.base} cost at the end{aside}"
    runs = "" if len(reached) == len(facts.runs) else f" in {len(reached)} of {len(facts.runs)} runs"
    count = f"{median(reached):.0f} iteration{'s' * (round(median(reached)) != 1)}"
    return f"learns{runs}: half of the {facts.base} cost after {count}{aside}"
