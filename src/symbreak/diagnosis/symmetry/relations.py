"""How two units stand to each other, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from symbreak.diagnosis.symmetry import classes as names
from symbreak.diagnosis.symmetry import witness as witnesses
from symbreak.diagnosis.symmetry.classes import listed
from symbreak.diagnosis.symmetry.space import Space
from symbreak.diagnosis.symmetry.witness import Witness
from symbreak.errors import InvalidInput

if TYPE_CHECKING:
    from symbreak.diagnosis.symmetry.symmetry import Symmetry


@dataclass(frozen=True)
class Relation:
    """How units of a layer stand to each other.

    Attributes:
        layer, units: the pair that was asked about, or the group of which the first pair was looked at.
        kind: "same for ever", "same now, parts at step k", "distinct", "mirrored", "dead by sign", "collinear", "near".
        status: whether the units are one for ever: "proved" by the theorem, "refuted" by a counterexample with proved
            bounds, "measured" to differ in float64, or "undecided".
        step: the update after which they part; 0 if they differ now; None if they never do.
        factor: the second unit is this multiple of the first, where they are one for ever.
        reason: the hypothesis that holds, or the one that fails.
        witness: the counterexample.
        gap: for "near", by how much the two units' weights differ at most.
    """

    layer: int
    units: tuple[int, ...]
    kind: str
    status: str
    reason: str
    step: int | None = None
    factor: Fraction | int | None = None
    witness: Witness | None = None
    gap: float | None = None

    def __str__(self) -> str:
        text = f"hidden layer {self.layer}, {listed(self.units)}: {self.kind}, {self.status}: {self.reason}"
        return f"{text}\n{_told(self.witness, self.layer)}" if self.witness else text

    def to_json(self) -> dict[str, Any]:
        """Return the relation as JSON values."""
        values = asdict(self)
        return {**values, "units": list(self.units), "factor": None if self.factor is None else str(self.factor)}


def relation(found: Symmetry, layer: int, i: int, j: int, *, eps: float | None = None) -> Relation:
    """Return how units i and j of a hidden layer stand to each other.

    Args:
        found: what `symmetry` returned.
        layer: counted from 1. i, j: counted from 0.
        eps: if given, units that are not one but whose weights and biases differ by at most eps are "near".

    Raises:
        InvalidInput: a layer or a unit that does not exist, or an eps that is no number >= 0.
    """
    check_units(found, layer, i, j)
    last = found.rounds[-1]
    one, other = found.layers[layer - 1].class_of(i), found.layers[layer - 1].class_of(j)
    if one.zero and other.zero:
        kind = names.DEAD if one.dead and other.dead else names.SAME
        return _for_ever(found, layer, (i, j), kind, 1, "both answer 0 on every input")
    if one is other:
        factor = _ratio(last.active[layer], i, j)
        kind = names.SAME if factor == 1 else names.MIRRORED if factor == -1 else names.COLLINEAR
        return _for_ever(found, layer, (i, j), kind, factor, REASONS[kind])
    apart = _apart(found, layer, (i, j), first_apart(found, layer, i, j))
    gap = _weight_gap(found, layer, i, j)
    if eps is not None and gap <= _checked_eps(eps):
        reason = f"no weight or bias of the two differs by more than {gap:.3g}; {apart.reason}"
        return replace(apart, kind=names.NEAR, reason=reason, gap=gap)
    return apart


REASONS = {
    names.SAME: "equal bias, equal sums of incoming and of outgoing weights over every class",
    names.MIRRORED: "bias, incoming and outgoing weights of the one are the other's times -1, the activation is odd",
    names.COLLINEAR: "bias, incoming and outgoing weights of the one are a multiple of the other's, "
    "the activation is homogeneous and the update linear in the gradients",
}


def partings(found: Symmetry) -> tuple[Relation, ...]:
    """Return one relation for each group of units that are equal now and not for ever."""
    return tuple(_partings(found))


# Counterexamples are computed for so many groups; the others are counted, with the step that the theorem tells.
MOST_WITNESSES = 8


def _partings(found: Symmetry) -> Iterator[Relation]:
    shown = 0
    for layer in range(1, len(found.layers) + 1):
        now, last = found.rounds[0].active[layer], found.rounds[-1].active[layer]
        for units in groups(now):
            others = [u for u in units[1:] if not same(last, units[0], u)]
            if not others:
                continue
            # The first to leave tells the group's step; two that stay longer are a group of their own by then.
            step, other = min((first_apart(found, layer, units[0], u), u) for u in others)
            shown += 1
            pair = _apart(found, layer, (units[0], other), step, look=shown <= MOST_WITNESSES)
            yield Relation(layer, tuple(units), pair.kind, pair.status, pair.reason, step, None, pair.witness)


def groups(space: Space) -> list[list[int]]:
    """Return the units that answer alike: same class, same factor; the zero ones are one group."""
    found: dict[tuple[int, Any], list[int]] = {}
    for unit, key in enumerate(zip(space.labels.tolist(), space.scales.tolist(), strict=True)):
        found.setdefault(key, []).append(unit)
    return [units for units in found.values() if len(units) > 1]


def same(space: Space, i: int, j: int) -> bool:
    """Whether every vector of the space is equal at the two units."""
    return bool(space.labels[i] == space.labels[j] and space.scales[i] == space.scales[j])


def _ratio(space: Space, i: int, j: int) -> Fraction | int:
    ratio = Fraction(_number(space.scales[j])) / Fraction(_number(space.scales[i]))
    return int(ratio) if ratio.denominator == 1 else ratio


def _number(scale: Any) -> Any:
    return int(scale) if isinstance(scale, np.integer) else scale


def first_apart(found: Symmetry, layer: int, i: int, j: int) -> int:
    """Return after how many updates the theorem no longer holds two units together."""
    return next(step for step, r in enumerate(found.rounds) if not same(r.active[layer], i, j))


def _for_ever(found: Symmetry, layer: int, units: tuple[int, int], kind: str, factor: Any, reason: str) -> Relation:
    update = found.family
    if update.kind == "unknown":
        reason = f"{reason}; but nothing is known of the update {update.text}, the hypothesis that fails"
        return Relation(layer, units, kind, "undecided", reason, factor=factor)
    return Relation(layer, units, kind, "proved", f"{reason}, in exact arithmetic", factor=factor)


def _apart(found: Symmetry, layer: int, units: tuple[int, int], step: int, *, look: bool = True) -> Relation:
    kind = names.PARTS.format(step=step) if step else names.DISTINCT
    example = None
    if look:
        example = witnesses.find(found.network, found.optimizer, found.input_range, layer=layer, units=units, step=step)
    status = "undecided" if example is None else "refuted" if example.proved else "measured"
    return Relation(layer, units, kind, status, _why(found, layer, units, step, example), step, None, example)


def _why(found: Symmetry, layer: int, units: tuple[int, int], step: int, example: Witness | None) -> str:
    failing = failing_lemma(found, layer, units, step)
    if example is not None:
        return failing
    return f"{failing}, which the theorem needs; but no data were found that tell them apart"


def failing_lemma(found: Symmetry, layer: int, units: tuple[int, int], step: int) -> str:
    """Tell which hypothesis of the induction fails first for two units that part after `step` updates."""
    if step == 0:
        return "their biases or their sums of incoming weights differ"
    if not found.family.keeps_sums and _sums_hold(found, layer, units):
        return f"their weights have equal sums but differ one by one, and {found.optimizer.text} changes them unequally"
    if not same(found.rounds[step - 1].delta[layer - 1], *units):
        return f"their outgoing weights differ in sum, so that their deltas differ in update {step}"
    return f"their incoming weights differ in sum over units below that part in update {step}"


def _sums_hold(found: Symmetry, layer: int, units: tuple[int, int]) -> bool:
    """Whether the pair would stay one if the decay were not coupled to the gradient."""
    from symbreak.diagnosis.symmetry.symmetry import symmetry

    plain = symmetry(found.network, optimizer="adam", input_range=found.input_range)
    return same(plain.rounds[-1].active[layer], *units)


def _told(witness: Witness, layer: int) -> str:
    first, second = (f"{answer:.9g}" for answer in witness.answers)
    when = "at the start" if not witness.step else f"after {witness.step} update{'s' * (witness.step > 1)}"
    column = [row[witness.example] for row in witness.x]
    sure = "proved bounds" if witness.proved else "float64"
    lines = [f"  {when}, on x = {column}, they answer {first} and {second} ({sure})"]
    if witness.step:
        lines.append(f"  trained on X = {_matrix(witness.x)}, Y = {_matrix(witness.y)}, rate {witness.learning_rate:g}")
        lines += [f"  gradient in update {witness.step}: {entry}" for entry in witness.entries[:4]]
    return "\n".join(lines)


def _matrix(rows: tuple[tuple[float, ...], ...]) -> str:
    return str([list(row) for row in rows])


def _weight_gap(found: Symmetry, layer: int, i: int, j: int) -> float:
    w, b, out = found.network.weights[layer - 1], found.network.biases[layer - 1], found.network.weights[layer]
    pairs = ((w[i], w[j]), (b[i], b[j]), (out[:, i], out[:, j]))
    return max(float(np.abs(one.astype(np.float64) - other).max()) for one, other in pairs)


def _checked_eps(eps: float) -> float:
    if isinstance(eps, (int, float)) and not isinstance(eps, bool) and eps >= 0:
        return float(eps)
    raise InvalidInput("eps must not be negative", got=eps, allowed="a number >= 0", hint="1e-6")


def check_units(found: Symmetry, layer: int, *units: int) -> None:
    """Refuse a hidden layer or a unit that the network does not have."""
    hidden = len(found.layers)
    if not (isinstance(layer, (int, np.integer)) and 1 <= layer <= hidden):
        raise InvalidInput(
            "there is no such hidden layer",
            got=layer,
            allowed=f"1 to {hidden}" if hidden else "none: the network has no hidden layer",
            hint="1",
        )
    n = found.network.sizes[layer]
    for unit in units:
        if not (isinstance(unit, (int, np.integer)) and not isinstance(unit, bool) and 0 <= unit < n):
            raise InvalidInput("there is no such unit", got=unit, allowed=f"0 to {n - 1}", hint="0")
