"""What a refined pattern says of a model: its units, its tensors, what never moves, what that wastes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from symbreak.diagnosis.certifying import proved_still, zeros
from symbreak.diagnosis.colours import Colours, Labels
from symbreak.diagnosis.model_certificate import ModelCertificate
from symbreak.diagnosis.observation import Observation
from symbreak.diagnosis.renaming import OPTIMIZERS

if TYPE_CHECKING:
    from symbreak.diagnosis.rules.rule import Context

KINKED = frozenset(("relu", "leaky_relu", "prelu", "relu6", "hardtanh", "hardswish", "hardsigmoid", "clamp"))
# Modules that give zeros if all of their parameters are zero.
SUMS = frozenset(("Linear", "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"))

Status = Literal["proved", "measured"]
Relation = Literal["same", "mirrored", "zero"]
Signed = tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
"""Groups of units with the signs of each."""


@dataclass(frozen=True)
class UnitTie:
    """Units of one module that are one unit for ever, up to sign, or zero for ever.

    Attributes:
        certificates: places of those that prove it, among the certificates of the whole finding.
    """

    units: tuple[int, ...]
    relation: Relation
    status: Status
    certificates: tuple[int, ...] = ()


@dataclass(frozen=True)
class ModuleUnits:
    """A module's units: how many there are, how many do their work, and which are tied."""

    module: str
    units: int
    effective: int
    ties: tuple[UnitTie, ...]


@dataclass(frozen=True)
class SliceTies:
    """Slices of one parameter along one axis that stay equal up to sign, or are never moved."""

    parameter: str
    axis: int
    slices: int
    effective: int
    ties: tuple[UnitTie, ...]


@dataclass(frozen=True)
class TensorTie:
    """Tensors that move as one in every entry, up to sign, or modules whose outputs are equal for ever.

    Attributes:
        equal: whether they are equal at the start, and so for ever.
        certificates: places of those that prove it, among the certificates of the whole finding.
    """

    names: tuple[str, ...]
    equal: bool
    status: Status
    certificates: tuple[int, ...] = ()


@dataclass(frozen=True)
class Frozen:
    """A parameter, or some of its slices along the first axis, that no gradient reaches.

    Attributes:
        kind: "lost" if it could matter elsewhere, "harmless" if no output depends on it wherever it is.
        why: the reason, as far as the operations tell.
        certificates: places of those that prove it, among the certificates of the whole finding.
    """

    parameter: str
    slices: int
    of: int
    kind: Literal["lost", "harmless"]
    why: str
    status: Status
    certificates: tuple[int, ...] = ()


@dataclass(frozen=True)
class Waste:
    """Parameters, and multiplications of one forward pass, and how many of them do no work of their own."""

    parameters: int
    wasted_parameters: int
    multiplications: int
    wasted_multiplications: int


# --- units ---


def modules(context: Context, colours: Colours, proofs: tuple[ModelCertificate, ...]) -> Iterator[ModuleUnits]:
    """Yield every module's units with their ties, and which of the certificates prove them."""
    for name, (label, sign) in units_of(colours).items():
        own = [(place, tuple(each.outputs(name))) for place, each in enumerate(proofs)]
        ties = [
            _zero(context, name, units, proofs) if relation == "zero" else _tie(units, relation, own)
            for units, relation in _grouped(label, sign)
        ]
        still = [tie for tie in ties if tie.relation == "zero"]
        yield ModuleUnits(name, len(label), len(np.unique(label)) - len(still), tuple(ties))


def _tie(units: tuple[int, ...], relation: Relation, proofs: list[tuple[int, Signed]]) -> UnitTie:
    """Return units with the certificates that together make them one."""
    parts = {unit: unit for unit in units}
    used: list[int] = []
    for place, groups in proofs:
        for group in _parted(groups) if relation == "same" else [group for group, _ in groups]:
            merged = {parts[u] for u in group if u in parts}
            if len(merged) > 1:
                parts = {unit: min(merged) if part in merged else part for unit, part in parts.items()}
                used.append(place)
        if len(set(parts.values())) == 1:
            return UnitTie(units, relation, "proved", tuple(dict.fromkeys(used)))
    return UnitTie(units, relation, "measured")


def _parted(groups: Signed) -> Iterator[tuple[int, ...]]:
    """Yield the units of each group that have one sign."""
    for units, signs in groups:
        yield from (tuple(u for u, own in zip(units, signs, strict=True) if own == sign) for sign in (1, -1))


def _zero(context: Context, module: str, units: tuple[int, ...], proofs: tuple[ModelCertificate, ...]) -> UnitTie:
    """Return units that are zero for ever with the certificates that prove it."""
    own = [p for p in context.observation.parameters if p.name.rpartition(".")[0] == module and not p.buffer]
    left, used = set(units), []
    for place, certificate in enumerate(proofs):
        chained = set(zeros(context, module)) if certificate.theorem == "balanced classes" else set()
        whole = own and all(p.module in SUMS and p.name in certificate.zeros for p in own)
        held = {unit for group, _ in certificate.outputs(module, zero=True) for unit in group} | chained
        if whole or left & held:
            left -= set(units) if whole else held
            used.append(place)
        if not left:
            return UnitTie(units, "zero", "proved", tuple(used))
    return UnitTie(units, "zero", "measured")


def units_of(colours: Colours) -> dict[str, tuple[Labels, NDArray[Any]]]:
    """Return labels and signs of every module's units; units of a module that ran often are tied in all its runs."""
    found: dict[str, tuple[Labels, NDArray[Any]]] = {}
    for key in colours.units.places:
        name = key.partition("#")[0]
        label, sign = colours.units.of(key)
        if name in found and len(found[name][0]) == len(label):
            before, first = found[name]
            pairs = np.stack([before, label, (sign * first * sign[0] * first[0]).astype(np.int64)])
            joined = np.unique(pairs, axis=1, return_inverse=True)[1].reshape(-1) + 1
            label, sign = np.where((before == 0) & (label == 0), 0, joined), first
        found[name] = (label, sign)
    return found


def _grouped(label: Labels, sign: NDArray[Any]) -> Iterator[tuple[tuple[int, ...], Relation]]:
    for each in dict.fromkeys(label.tolist()):
        units = np.flatnonzero(label == each)
        if each == 0:
            yield tuple(units.tolist()), "zero"
        elif len(units) > 1:
            yield tuple(units.tolist()), "same" if len(np.unique(sign[units])) == 1 else "mirrored"


# --- tensors ---


def slices(colours: Colours) -> Iterator[SliceTies]:
    """Yield the ties of every parameter's slices, along each axis that has some."""
    for name, parameter in colours.parameters.items():
        for axis in range(len(parameter.shape)):
            label, sign = colours.axis(name, axis)
            ties = tuple(UnitTie(units, relation, "measured") for units, relation in _grouped(label, sign))
            if ties:
                yield SliceTies(name, axis, len(label), len(set(label.tolist()) - {0}), ties)


def tensors(colours: Colours, proofs: tuple[ModelCertificate, ...]) -> Iterator[TensorTie]:
    """Yield groups of parameters that move as one in every entry, and which of the certificates prove it."""
    groups: dict[Any, list[str]] = {}
    for name, parameter in colours.parameters.items():
        if parameter.shape and not colours.frozen(name).any():
            groups.setdefault(colours.entries(name), []).append(name)
    for names in groups.values():
        if len(names) > 1:
            first, *others = (colours.parameters[name].values() for name in names)
            equal = all(np.array_equal(first, other) for other in others)
            used = exchanging(tuple(names), proofs) if equal else ()
            yield TensorTie(tuple(names), equal, "proved" if used else "measured", used)


def exchanging(names: tuple[str, ...], proofs: tuple[ModelCertificate, ...]) -> tuple[int, ...]:
    """Return places of certificates that exchange the first tensor with every other; none if one is missing."""
    pairs = {frozenset(pair): place for place, each in reversed(list(enumerate(proofs))) for pair in each.pairs}
    wanted = [frozenset((names[0], other)) for other in names[1:]]
    return tuple(pairs[pair] for pair in wanted) if all(pair in pairs for pair in wanted) else ()


def copies(colours: Colours) -> Iterator[TensorTie]:
    """Yield groups of modules whose outputs are equal in every unit."""
    groups: dict[bytes, list[str]] = {}
    for name, (label, _) in units_of(colours).items():
        if (label > 0).all():
            groups.setdefault(label.tobytes(), []).append(name)
    yield from (TensorTie(tuple(names), True, "measured") for names in groups.values() if len(names) > 1)


# --- frozen ---


def frozen(context: Context, colours: Colours, proofs: tuple[ModelCertificate, ...]) -> Iterator[Frozen]:
    """Yield parameters, or parts of them, that no gradient reaches; rows of tokens that did not occur are left out."""
    looked_up = {op.weight.parameter for op in context.observation.operations if op.kind == "embedding" and op.weight}
    anywhere = {name: (place,) for place, each in enumerate(proofs) for name in each.stuck if each.theorem == "shift"}
    proved = {name: (place,) for place, each in enumerate(proofs) for name in each.stuck if each.theorem != "shift"}
    for place in (place for place, each in enumerate(proofs) if each.theorem == "balanced classes"):
        proved |= {name: (place,) for name in proved_still(context) if name not in proved}
    for name in colours.parameters:
        put = colours.frozen(name)
        if not put.any() or (name in looked_up and not put.all()):
            continue
        felt = colours.generic.get(name, np.ones(len(put), bool))
        lost, harmless = int((put & felt).sum()), int((put & ~felt).sum())
        if lost:
            used = proved.get(name, ())
            why = _lost([proofs[place] for place in used])
            yield Frozen(name, lost, len(put), "lost", why, "proved" if used else "measured", used)
        if harmless:
            used = anywhere.get(name, ()) or proved.get(name, ())
            why = _irrelevance(context, name)
            yield Frozen(name, harmless, len(put), "harmless", why, "proved" if used else "measured", used)


def _lost(proofs: list[ModelCertificate]) -> str:
    """Tell why no gradient reaches a parameter that could matter elsewhere."""
    if not proofs:
        return "what comes back to it cancels, or meets something that stays zero"
    if proofs[0].theorem == "shift of equals":
        return "the gradients of its slices are equal, and add up to zero"
    return "its gradient is a product in which something that never moves is zero"


def _irrelevance(context: Context, name: str) -> str:
    """Tell why no output depends on a parameter."""
    observation = context.observation
    if name in observation.unused:
        return "the output is computed without it"
    for operation in observation.operations:
        if operation.bias == name and context.wires.followed_by(operation, "norm"):
            return "the norm behind it takes the mean away, and with it this bias"
    if any(op.kind in ("softmax", "attention") for op in observation.operations) and "bias" in name:
        return "it adds the same to all scores of a query, which softmax does not see"
    return "no output depends on it, wherever it is"


# --- waste ---


def effective_sizes(colours: Colours) -> dict[str, int]:
    """Return for each parameter how many numbers of its own it holds: blocks that no earlier tensor has, none at 0."""
    seen: dict[Any, set[int]] = {}
    sizes = {}
    for name, parameter in colours.parameters.items():
        size = int(not colours.frozen(name).all())
        new = not parameter.shape
        counts = []
        for axis in range(len(parameter.shape)):
            label = set(colours.axis(name, axis)[0].tolist()) - {0}
            known = seen.setdefault((axis, parameter.shape[:axis] + parameter.shape[axis + 1 :]), set())
            counts.append((len(label - known), len(label)))
            new = new or bool(label - known)
            known |= label
        # A tensor is old if all its slices along every axis are another's; else its blocks are its own.
        sizes[name] = size * (math.prod(whole for _, whole in counts) if new else 0)
    return sizes


def waste(observation: Observation, colours: Colours) -> Waste:
    """Return what the ties and zeros cost."""
    own = effective_sizes(colours)
    total = sum(p.summary.size for p in colours.parameters.values())
    work = wasted = 0
    for operation in observation.operations:
        weight = operation.weight
        if weight is not None and operation.kind != "embedding" and weight.parameter in own:
            size = colours.parameters[weight.parameter].summary.size
            done = math.prod(operation.shape) * weight.fan_in
            work += done
            wasted += round(done * (1 - own[weight.parameter] / size))
    return Waste(total, total - sum(own.values()), work, wasted)


def conditions(observation: Observation, colours: Colours) -> Iterator[str]:
    """Yield what the measured part does not prove."""
    yield "a measurement at random points, up to rounding; with probability one for models without kinks"
    names = {op.name.partition("(")[0] for op in observation.operations if op.kind in ("activation", "pool")}
    kinked = sorted(names & KINKED)
    if kinked:
        yield f"{', '.join(kinked)}: pieces of the model that no random point met"
    if any(op.kind == "embedding" for op in observation.operations):
        yield "tokens that are not in the batch"
    if observation.noise:
        yield f"noise in {', '.join(observation.noise) or 'the model'}: it was replaced by its mean, and may part units"
    yield "optimizers that treat tied tensors differently (groups of parameters, one rate for each layer)"
    meant = ", ".join(name for name in OPTIMIZERS if name != "adam_l2")
    yield f"optimizers whose step is not an odd function of each entry's gradients, plus decay; meant are {meant}"
    if not colours.kept:
        yield "that the pattern is at rest: the last point still brought news"
