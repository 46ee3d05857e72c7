"""Which slices stay equal and which parameters stay where they are, as far as gradients at several points tell.

Gradient descent starts on a set of points: those that differ from the start by moves along which every slice that is
tied now moves alike, and only parameters that a gradient has ever reached move at all. If at random points of that set
the gradient is tied in the same way, training never leaves it: for an analytic network with probability one, for one
with kinks in the regions that were tried. Where the gradient says otherwise, the set grows, and one looks again.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.diagnosis import values
from symbreak.diagnosis.invariance import Swap
from symbreak.diagnosis.observation import Gradient, Observation, Parameter

Array = NDArray[Any]
Key = tuple[str, int]

MOST_PROBES = 6
# Rounding leaves gradients of tied slices equal to about 1e-6 of their size in float32; two projections of unrelated
# slices come this close with a probability of about 1e-7.
SAME = 2e-4
# A slice whose gradient is this small beside the largest of its tensor is rounding, as for a bias before a batch norm.
NOTHING = 1e-7
# Where a normalization takes a gradient away, rounding leaves about 1e-7 of the others' in float32.
ROUNDING = 1e-5
# A gradient that cancels in float64 leaves about one unit of rounding of the largest gradient, seldom more than eight.
CANCELLED = 8 * float(np.finfo(np.float64).eps)
# Side of the cells in which slices count as one: twice the largest distance between slices that are the same.
CELL = 8 * SAME
STEP = 0.3
# Slices that differ at one of so many places are not looked at further; nearly all that differ do.
GLANCES = 8


@dataclass(eq=False)
class Classes:
    """Slices along one axis that are equal up to sign: the first of its class for each, and the sign between them."""

    first: NDArray[np.int64]
    sign: Array

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """Classes of two or more."""
        return values.groups(self.first.astype(np.uint64))


@dataclass(frozen=True, eq=False)
class Reach:
    """What stays tied and what stays put.

    Attributes:
        classes: by (parameter, axis), where some slices stay tied.
        stuck: parameters that no gradient ever reached.
        probes: how many further points were tried.
        copies: pairs of parameters that stay equal.
    """

    classes: Mapping[Key, Classes]
    stuck: tuple[str, ...]
    probes: int
    copies: frozenset[tuple[str, str]] = frozenset()


def reach(observation: Observation, pairs: Iterable[tuple[str, str]] = ()) -> Reach:
    """Find out by gradients; needs an observation with a backward pass.

    Pairs of parameters with equal values move alike as long as their gradients are equal.
    """
    moving = [p for p in observation.parameters if p.trainable and not p.buffer and p.gradient is not None]
    names = {p.name for p in moving}
    classes = {key: found for key, found in candidates(observation.parameters).items() if key[0] in names}
    alive: set[str] = set()
    wide = {p.name for p in moving if p.dtype == "float64"}
    start = {p.name: p.gradient for p in moving if p.gradient is not None}
    _look(classes, alive, start, wide)
    copies = {b: a for a, b in pairs if a in start and b in start and _agree(start[a], start[b], start)}
    probes = 0
    quiet = 0
    rng = np.random.default_rng(0)
    while observation.probe and probes < MOST_PROBES and quiet < 2 and (copies or _open(moving, classes, alive)):
        point = {p.name: _moved(p, classes, rng) for p in moving if p.name in alive}
        point |= {b: point[a] for b, a in copies.items() if a in point and b in point}
        axes = asked(classes)
        axes |= {name: (*{0, *axes.get(name, ())},) for pair in copies.items() for name in pair}
        seen = observation.probe(point, axes)
        apart = {b for b, a in copies.items() if not _agree(seen.get(a), seen.get(b), seen)}
        copies = {b: a for b, a in copies.items() if b not in apart}
        quiet = 0 if _look(classes, alive, seen, wide) or apart else quiet + 1
        probes += 1
    stuck = tuple(p.name for p in moving if p.name not in alive)
    return Reach(classes, stuck, probes, frozenset((a, b) for b, a in copies.items()))


def _agree(one: Gradient | None, other: Gradient | None, every: Mapping[str, Gradient]) -> bool:
    """Tell whether two gradients are equal up to rounding, as far as their sizes and projections tell."""
    if one is None or other is None:
        return False
    noise = ROUNDING * max(gradient.rms for gradient in every.values())
    if abs(one.rms - other.rms) > SAME * max(one.rms, other.rms) + noise:
        return False
    if 0 not in one.slices or 0 not in other.slices:
        return True
    first, second = one.slices[0], other.slices[0]
    size = np.maximum(first.norms, second.norms)[:, None]
    return bool((np.abs(first.projections - second.projections) <= CELL * size + CELL * size.max(initial=0.0)).all())


def harmless(observation: Observation, stuck: Iterable[str]) -> set[str]:
    """Return which stuck parameters have no gradient at a point far from the start either: no loss depends on them.

    All parameters are drawn anew there, so that a layer which is off at the start is on.
    """
    names = set(stuck)
    if not names or observation.probe is None:
        return set()
    rng = np.random.default_rng(1)
    point = {p.name: _drawn(p, rng) for p in observation.parameters if p.trainable and not p.buffer and p.floating}
    seen = observation.probe(point, {})
    return {name for name in names if name in seen and seen[name].zero}


def _drawn(parameter: Parameter, rng: np.random.Generator) -> Array:
    fan = parameter.summary.size // max(1, parameter.shape[0] if parameter.shape else 1)
    values = rng.standard_normal(parameter.shape) / np.sqrt(max(1, fan))
    return np.asarray(values, parameter.values().dtype)


def candidates(parameters: Iterable[Parameter]) -> dict[Key, Classes]:
    """Return, for every axis of every trainable parameter, which slices are equal up to sign to the last bit."""
    trainable = [p for p in parameters if p.trainable and not p.buffer and p.floating]
    return {(p.name, axis): found for p in trainable for axis in range(len(p.shape)) if (found := _equal(p, axis))}


def contradicted(observation: Observation, name: str, axis: int, groups: Iterable[tuple[int, ...]]) -> bool:
    """Tell whether the gradient on the batch parts slices that start as one and are said to be one for ever.

    It does where a model is not what its operations look like: hooks that change gradients, functions with a
    derivative of their own, penalties on single weights. Gradients that may be rounding tell nothing, nor do slices
    of zeros, which are their own mirror images.
    """
    parameter = observation.parameter(name)
    gradient = parameter.gradient
    if gradient is None or axis not in gradient.slices or not felt(observation, name):
        return False
    classes = _equal(parameter, axis)
    if classes is None:
        return False
    before = classes.first.copy()
    _split(classes, gradient, axis)
    norms = np.abs(np.moveaxis(parameter.values(), axis, 0)).reshape(len(before), -1).max(axis=1, initial=0.0)
    return any(
        norms[unit] > 0 and before[unit] == before[group[0]] and classes.first[unit] != classes.first[group[0]]
        for group in groups
        for unit in group[1:]
    )


def confirmed(observation: Observation, swap: Swap) -> bool:
    """Tell whether parameters that are said to change places have gradients of equal size, if any has one."""
    every = {p.name: p.gradient for p in observation.parameters if p.gradient is not None}
    used = [(a, b) for a, b in swap.pairs if a in every or b in every]
    return bool(used) and all(_agree(every.get(a), every.get(b), every) for a, b in used)


def felt(observation: Observation, name: str) -> bool:
    """Tell whether a parameter's gradient on the batch is more than rounding."""
    gradient = observation.parameter(name).gradient
    largest = max((p.gradient.rms for p in observation.parameters if p.gradient is not None), default=0.0)
    return gradient is not None and gradient.rms > ROUNDING * largest


def asked(classes: Mapping[Key, Classes]) -> dict[str, tuple[int, ...]]:
    """Return the axes of each parameter whose gradient's slices decide about these classes."""
    axes: dict[str, tuple[int, ...]] = {}
    for name, axis in classes:
        axes[name] = (*axes.get(name, ()), axis)
    return axes


def _open(moving: list[Parameter], classes: Mapping[Key, Classes], alive: set[str]) -> bool:
    """Tell whether something is left to decide: a matrix with tied slices, or a parameter without a gradient."""
    matrices = {p.name for p in moving if len(p.shape) > 1}
    return any(name in matrices for name, _ in classes) or any(p.name not in alive for p in moving)


def _equal(parameter: Parameter, axis: int) -> Classes | None:
    """Return the classes of slices that are equal up to sign to the last bit; None if there are none."""
    if parameter.shape[axis] < 2 or not parameter.summary.finite:
        return None
    array = np.moveaxis(parameter.values(), axis, 0)
    first = np.arange(len(array))
    sign = np.ones(len(array))
    for group in _suspects(array):
        members = np.array(group)
        block, head = array[members], array[group[0]]
        rest = tuple(range(1, array.ndim))
        equal, mirrored = (block == head).all(axis=rest), (block == -head).all(axis=rest)
        same = equal | mirrored
        first[members[same]] = group[0]
        sign[members[mirrored & ~equal]] = -1.0
    return Classes(first, sign) if (first != np.arange(len(array))).any() else None


def _suspects(array: Array) -> tuple[tuple[int, ...], ...]:
    """Return groups of slices along the first axis whose sizes agree: at a few places, and then in a hash of all."""
    if array.size == 0:
        return ()
    some = np.linspace(0, array[0].size - 1, min(array[0].size, GLANCES)).astype(np.int64)
    places: Any = (slice(None), *(np.unravel_index(some, array.shape[1:]) if array.ndim > 1 else ()))
    glance = np.abs(array[places]).reshape(len(array), -1)
    doubtful = np.array([unit for group in values.groups(values.hashes(glance, 0)) for unit in group], np.int64)
    found = values.groups(values.hashes(array[doubtful], 0, absolute=True)) if len(doubtful) else ()
    return tuple(tuple(doubtful[list(group)].tolist()) for group in found)


def _look(
    classes: dict[Key, Classes], alive: set[str], gradients: Mapping[str, Gradient], wide: Collection[str] = ()
) -> bool:
    """Split classes whose gradients differ, note which parameters have one; tell whether anything was new.

    A gradient that cancels leaves rounding, which parts slices on one processor and not on another: in float64 it parts
    none here. In float32 gradients that small may be real, as behind a gate that is nearly closed.
    """
    new = False
    largest = max((gradient.rms for gradient in gradients.values()), default=0.0)
    for name, gradient in gradients.items():
        if name not in alive and not gradient.zero:
            alive.add(name)
            new = True
    for key, found in list(classes.items()):
        own = gradients.get(key[0])
        noise = largest * CANCELLED if key[0] in wide else 0.0
        if own is not None and not own.rms < noise and _split(found, own, key[1]):
            new = True
            if not found.groups:
                del classes[key]
    return new


def _split(found: Classes, gradient: Gradient, axis: int) -> bool:
    """Part the classes whose gradients differ; tell whether any did."""
    slices = gradient.slices[axis]
    groups = found.groups
    members = np.array([unit for group in groups for unit in group])
    kin = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    signs = found.sign[members]
    first = members[_alike(kin, slices.projections[members] * signs[:, None], slices.norms[members], slices.norms)]
    changed = bool((found.first[members] != first).any())
    found.first[members] = first
    found.sign[members] = signs * found.sign[first]
    return changed


def _alike(kin: Array, projections: Array, norms: Array, every: Array) -> NDArray[np.int64]:
    """Return for each slice the place of the first one that it equals up to rounding, among those of its kin.

    Values that differ by rounding share a cell in at least one of two grids, half a cell apart; so along every
    coordinate. What shares cells is one class.
    """
    usable = np.isfinite(norms) & np.isfinite(projections).all(axis=1)
    largest = float(every[np.isfinite(every)].max(initial=0.0)) or 1.0
    scale = np.where(usable, norms, 0.0).astype(np.float64) + NOTHING / SAME * largest
    points = np.column_stack([np.where(usable[:, None], projections, 0.0) / scale[:, None], np.log(scale)]) / CELL
    own = np.where(usable, kin, len(kin) + np.arange(len(kin)))
    grids = [_cells(own, points + np.array(shift)) for shift in itertools.product((0.0, 0.5), repeat=3)]
    labels = np.arange(len(kin))
    while True:
        before = labels
        for cell in grids:
            lowest = np.full(len(kin), len(kin))
            np.minimum.at(lowest, cell, labels)
            labels = lowest[cell]
        if (labels == before).all():
            return labels


def _cells(kin: Array, points: Array) -> NDArray[np.int64]:
    """Number the cells of a grid that points of the same kin share."""
    keys = kin.astype(np.uint64)
    for column in np.floor(points).T:
        # Splitmix64's multiplier spreads the sums, so that two cells get one key with a probability near 1e-19.
        keys = (keys ^ (keys >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9) + column.astype(np.int64).view(
            np.uint64
        )
    keys = (keys ^ (keys >> np.uint64(29))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(np.unique(keys, return_inverse=True)[1], np.int64).reshape(-1)


def _moved(parameter: Parameter, classes: Mapping[Key, Classes], rng: np.random.Generator) -> Array:
    """Return the parameter after a random move that keeps its ties."""
    start = parameter.values()
    size = parameter.summary.rms or 0.1 / np.sqrt(max(1, start.size // max(1, start.shape[0] if start.ndim else 1)))
    move = STEP * size * rng.standard_normal(start.shape)
    for axis in range(start.ndim):
        found = classes.get((parameter.name, axis))
        if found is not None:
            shape = [1] * start.ndim
            shape[axis] = -1
            move = np.take(move, found.first, axis=axis) * found.sign.reshape(shape)
    return np.asarray(start + move, start.dtype)
