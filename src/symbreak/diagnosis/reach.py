"""Which slices stay equal and which parameters stay where they are, as far as gradients at several points tell.

Gradient descent starts on a set of points: those that differ from the start by moves along which every slice that is
tied now moves alike, and only parameters that a gradient has ever reached move at all. If at random points of that set
the gradient is tied in the same way, training never leaves it: for an analytic network with probability one, for one
with kinks in the regions that were tried. Where the gradient says otherwise, the set grows, and one looks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.diagnosis import values
from symbreak.diagnosis.observation import Gradient, Observation, Parameter

Array = NDArray[Any]
Key = tuple[str, int]

MOST_PROBES = 6
# Rounding leaves gradients of tied slices equal to about 1e-6 of their size in float32; two projections of unrelated
# slices come this close with a probability of about 1e-7.
SAME = 2e-4
# A slice whose gradient is this small beside the largest of its tensor is rounding, as for a bias before a batch norm.
NOTHING = 1e-7
STEP = 0.3


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
    """

    classes: Mapping[Key, Classes]
    stuck: tuple[str, ...]
    probes: int


def reach(observation: Observation) -> Reach:
    """Find out by gradients; needs an observation with a backward pass."""
    moving = [p for p in observation.parameters if p.trainable and not p.buffer and p.gradient is not None]
    names = {p.name for p in moving}
    classes = {key: found for key, found in candidates(observation.parameters).items() if key[0] in names}
    alive: set[str] = set()
    _look(classes, alive, {p.name: p.gradient for p in moving if p.gradient is not None})
    probes = 0
    quiet = 0
    rng = np.random.default_rng(0)
    while observation.probe and probes < MOST_PROBES and quiet < 2 and _open(moving, classes, alive):
        point = {p.name: _moved(p, classes, rng) for p in moving if p.name in alive}
        quiet = 0 if _look(classes, alive, observation.probe(point, asked(classes))) else quiet + 1
        probes += 1
    stuck = tuple(p.name for p in moving if p.name not in alive)
    return Reach(classes, stuck, probes)


def candidates(parameters: Iterable[Parameter]) -> dict[Key, Classes]:
    """Return, for every axis of every trainable parameter, which slices are equal up to sign to the last bit."""
    trainable = [p for p in parameters if p.trainable and not p.buffer and p.floating]
    return {(p.name, axis): found for p in trainable for axis in range(len(p.shape)) if (found := _equal(p, axis))}


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
    for group in values.groups(values.hashes(parameter.values(), axis, absolute=True)):
        members = np.array(group)
        block, head = array[members], array[group[0]]
        rest = tuple(range(1, array.ndim))
        equal, mirrored = (block == head).all(axis=rest), (block == -head).all(axis=rest)
        same = equal | mirrored
        first[members[same]] = group[0]
        sign[members[mirrored & ~equal]] = -1.0
    return Classes(first, sign) if (first != np.arange(len(array))).any() else None


def _look(classes: dict[Key, Classes], alive: set[str], gradients: Mapping[str, Gradient]) -> bool:
    """Split classes whose gradients differ, note which parameters have one; tell whether anything was new."""
    new = False
    for name, gradient in gradients.items():
        if name not in alive and not gradient.zero:
            alive.add(name)
            new = True
    for key, found in list(classes.items()):
        felt = gradients.get(key[0])
        if felt is not None and _split(found, felt, key[1]):
            new = True
            if not found.groups:
                del classes[key]
    return new


def _split(found: Classes, gradient: Gradient, axis: int) -> bool:
    slices = gradient.slices[axis]
    floor = NOTHING * float(slices.norms.max(initial=0.0))
    changed = False
    for group in found.groups:
        rest = np.array(group)
        while len(rest):
            head = rest[0]
            size = SAME * float(slices.norms[head]) + floor
            signed = slices.projections[rest] * (found.sign[rest] * found.sign[head])[:, None]
            apart = np.abs(signed - slices.projections[head]).max(axis=1)
            same = apart <= size * 4
            same[0] = True
            changed |= bool((found.first[rest[same]] != head).any())
            found.first[rest[same]] = head
            found.sign[rest[same]] *= found.sign[head]
            rest = rest[~same]
    return changed


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
