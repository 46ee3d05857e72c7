"""Gradient colour refinement: the coarsest pattern of tied, mirrored and frozen slices that training keeps.

Let F be a pattern: which slices of the parameters are equal up to sign, also across tensors, and which are zero; it is
a linear space. Training that starts at w and whose every update is c w + (an element of F) stays in the set of all
a w + f. So F is kept if the gradient lies in F at every point of that set. The refinement starts with F = {0}, looks at
the gradient at a random point of a w + F, and lets go of every tie and every zero that the gradient does not respect.

Coarsest: if F is contained in the pattern F* sought, the point lies in w + F*, so the gradient lies in F*, and what is
tied in F* is found tied. Kept: the part of the gradient outside F is an analytic function of the point, the input and
the direction, where the model is one; if it is not zero everywhere it is zero with probability 0 (Mityagin 2015).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.diagnosis.observation import Look, Parameter, Sight, Slices

Array = NDArray[Any]
Labels = NDArray[np.int64]
Progress = Callable[[int, int], None]

# Points without news before the pattern counts as kept. A piece of a model with kinks is met by chance.
QUIET = 3
MOST_POINTS = 12
# Points without ties at which something may be felt that is off for all samples at the first.
FREE_POINTS = 3
# Scales of the start, so that a tie that holds only for it is not taken for one that decay keeps.
SCALES = (0.7, 1.3)
STEP = 0.3
MOST_SWEEPS = 8


@dataclass(eq=False)
class Table:
    """Slices that could be tied: their classes, the signs between them, and which were ever different from zero.

    Attributes:
        places: for each tensor (or module), where its slices begin and end.
        label: class of each slice; slices that were never different from zero are in class 0.
        sign: of each slice relative to its class.
    """

    places: dict[Any, tuple[int, int]] = field(default_factory=dict)
    label: Labels = field(default_factory=lambda: np.zeros(0, np.int64))
    sign: Array = field(default_factory=lambda: np.ones(0))

    def add(self, key: Any, size: int) -> None:
        """Make room for a tensor's slices."""
        start = len(self.label)
        self.places[key] = (start, start + size)
        self.label = np.concatenate([self.label, np.zeros(size, np.int64)])
        self.sign = np.concatenate([self.sign, np.ones(size)])

    def of(self, key: Any) -> tuple[Labels, Array]:
        """Return the labels and signs of one tensor's slices."""
        start, stop = self.places[key]
        return self.label[start:stop], self.sign[start:stop]

    @property
    def classes(self) -> int:
        """How many classes there are, the zeros among them."""
        return len(np.unique(self.label))

    def learn(self, seen: Mapping[Any, tuple[Slices, float]], epsilon: float, reference: float) -> bool:
        """Let go of the ties and zeros that what was seen does not respect; tell whether there were any.

        Args:
            seen: slices by tensor, with the number of entries of each slice.
            epsilon: relative rounding.
            reference: root mean square of the largest slice of all; what is nothing beside it is rounding.
        """
        projections, norms = np.zeros((len(self.label), 2)), np.zeros(len(self.label))
        for key, (slices, entries) in seen.items():
            start, stop = self.places[key]
            projections[start:stop] = slices.projections / math.sqrt(max(entries, 1))
            norms[start:stop] = slices.norms / math.sqrt(max(entries, 1))
        alive = norms > reference * epsilon**0.75
        first = alive & (self.label == 0)
        self.sign[first] = signs(projections[first])
        before = self.label.copy()
        self.label[first] = self.label.max(initial=0) + 1
        moving = self.label > 0
        self.label[moving] = 1 + parted(
            self.label[moving], projections[moving] * self.sign[moving, None], norms[moving], epsilon, reference
        )
        return bool(first.any()) or len(np.unique(before)) < self.classes


def signs(projections: Array) -> Array:
    """Return the sign that makes the first projection positive."""
    return np.where(projections[:, 0] < 0, -1.0, 1.0)


def parted(label: Labels, projections: Array, norms: Array, epsilon: float, reference: float) -> Labels:
    """Part classes wherever the sorted values leave a gap that rounding cannot explain."""
    tolerance = math.sqrt(epsilon)
    scale = norms + 1e-3 * reference
    scale[scale == 0] = 1.0
    for column in (projections[:, 0] / scale, projections[:, 1] / scale, np.log(scale)):
        order = np.lexsort((column, label))
        fresh = (np.diff(label[order]) != 0) | ~(np.diff(column[order]) <= tolerance)
        label = np.empty_like(label)
        label[order] = np.concatenate([[0], np.cumsum(fresh)]) if len(order) else 0
    return label


@dataclass(eq=False)
class Colours:
    """The pattern, as far as it was refined.

    Attributes:
        parameters: those that take part, by name.
        tables: the slices that could be tied with each other: by axis and by the shape of a slice.
        units: units of all modules.
        points: at how many points it was looked.
        kept: whether the last points brought no news.
        epsilon: relative rounding of the numbers in which it was computed.
        generic: slices along each parameter's first axis that have a gradient at a point without any ties.
        free: at how many such points it was looked.
        scalars: parameters without axes that a gradient reached.
    """

    parameters: dict[str, Parameter]
    tables: dict[Any, Table]
    units: Table = field(default_factory=Table)
    points: int = 0
    kept: bool = False
    epsilon: float = 0.0
    generic: Mapping[str, Array] = field(default_factory=dict)
    free: int = 0
    scalars: set[str] = field(default_factory=set)

    def axis(self, name: str, axis: int) -> tuple[Labels, Array]:
        """Return labels and signs of the slices of a parameter along an axis."""
        return self.tables[kind(self.parameters[name], axis)].of((name, axis))

    def entries(self, name: str) -> Any:
        """Return what two tensors share if they are tied in every entry."""
        axes = range(len(self.parameters[name].shape))
        return tuple((kind(self.parameters[name], axis), self.axis(name, axis)[0].tobytes()) for axis in axes)

    def frozen(self, name: str) -> Array:
        """Return along the first axis which slices no gradient reached; of a single number, whether none reached it."""
        rank = len(self.parameters[name].shape)
        if rank == 0:
            return np.array([name not in self.scalars])
        if any((self.axis(name, axis)[0] == 0).all() for axis in range(1, rank)):
            return np.ones(self.parameters[name].shape[0], bool)
        return np.asarray(self.axis(name, 0)[0] == 0)

    def learn(self, sight: Sight) -> bool:
        """Refine all tables by what was seen; tell whether anything was new."""
        self.points += 1
        self.epsilon = max(self.epsilon, sight.epsilon)
        sizes = {name: found.rms for name, found in sight.gradients.items() if name in self.parameters}
        reference = max(sizes.values(), default=0.0)
        felt = {n for n, size in sizes.items() if size > reference * sight.epsilon**0.75}
        reached = {n for n in felt if not self.parameters[n].shape} - self.scalars
        self.scalars |= reached
        news = bool(reached)
        for table in self.tables.values():
            seen = {
                (name, axis): (sight.gradients[name].slices[axis], _entries(self.parameters[name], axis))
                for name, axis in table.places
                if name in sight.gradients
            }
            news = table.learn(seen, sight.epsilon, reference) or news
        return self._learn_units(sight) or news

    def _learn_units(self, sight: Sight) -> bool:
        for name, slices in sight.units.items():
            if name not in self.units.places:
                self.units.add(name, len(slices.norms))
        largest = max((float(s.norms.max(initial=0)) for s in sight.units.values()), default=0.0)
        return self.units.learn({name: (s, 1) for name, s in sight.units.items()}, sight.epsilon, largest)


def _entries(parameter: Parameter, axis: int) -> float:
    return math.prod(parameter.shape) / max(1, parameter.shape[axis])


def kind(parameter: Parameter, axis: int) -> Any:
    """Return what slices must share to be comparable: the axis that they lie along, and their own shape."""
    return axis, parameter.shape[:axis] + parameter.shape[axis + 1 :]


def refine(
    parameters: tuple[Parameter, ...], look: Look, *, seed: int = 0, progress: Progress | None = None
) -> Colours:
    """Return the pattern; at most `MOST_POINTS` + `FREE_POINTS` forward and backward passes."""
    moving = {p.name: p for p in parameters if p.trainable and not p.buffer and p.floating and p.summary.size}
    found = Colours(moving, {})
    for name, parameter in moving.items():
        for axis in range(len(parameter.shape)):
            found.tables.setdefault(kind(parameter, axis), Table()).add((name, axis), parameter.shape[axis])
    rng = np.random.default_rng(seed)
    quiet = 0
    while found.points < MOST_POINTS and quiet < QUIET:
        point = point_of(found, rng)
        news = found.learn(look(point, seed + found.points))
        quiet = 0 if news else quiet + 1
        if progress is not None:
            progress(found.points, MOST_POINTS)
    found.kept = quiet >= QUIET
    found.generic, found.free = _felt(found, look, rng, seed + found.points)
    return found


def _felt(found: Colours, look: Look, rng: np.random.Generator, seed: int) -> tuple[dict[str, Array], int]:
    """Return which slices have a gradient at points without ties, and at how many points that was looked at.

    A unit with a kink may be off at one such point on all samples: what no gradient reached gets further chances.
    """
    felt: dict[str, Array] = {}
    for points in range(1, FREE_POINTS + 1):
        for name, own in _felt_at(found, look(_generic(found, rng), seed + points - 1)).items():
            felt[name] = felt.get(name, False) | own
        if not any((found.frozen(name) & ~felt[name]).any() for name in found.parameters):
            break
    return felt, points


def _felt_at(found: Colours, sight: Sight) -> dict[str, Array]:
    """Return for each parameter which slices along its first axis have a gradient that is more than rounding."""
    floor = max((g.rms for g in sight.gradients.values()), default=0.0) * sight.epsilon**0.75
    felt = {}
    for name, parameter in found.parameters.items():
        gradient = sight.gradients.get(name)
        if gradient is None or not parameter.shape:
            felt[name] = np.full(parameter.shape[0] if parameter.shape else 1, gradient is not None)
        else:
            felt[name] = gradient.slices[0].norms > floor * math.sqrt(_entries(parameter, 0))
    return felt


def _generic(found: Colours, rng: np.random.Generator) -> Callable[[str], Array | None]:
    """Return a point without ties: what has no gradient even here, no output depends on."""

    def point(name: str) -> Array | None:
        parameter = found.parameters.get(name)
        if parameter is None:
            return None
        values = np.asarray(parameter.values(), np.float64)
        return values + spread(parameter) * rng.standard_normal(values.shape)

    return point


def spread(parameter: Parameter) -> float:
    """Return the size of moves: in proportion to the values, or to what an initializer would give for zeros."""
    fan = parameter.summary.size // max(1, parameter.shape[0] if parameter.shape else 1)
    return STEP * (parameter.summary.rms or 1.0 / math.sqrt(max(1, fan)))


def point_of(found: Colours, rng: np.random.Generator) -> Callable[[str], Array | None]:
    """Return a random point of a w + F; each parameter's values are handed out once."""
    scale = rng.uniform(*SCALES)
    moves = _moves(found, rng) if found.points else {}

    def point(name: str) -> Array | None:
        parameter = found.parameters.get(name)
        if parameter is None:
            return None
        move = moves.pop(name, None)
        # In float64: rounding a multiple of float32 weights would part units that only have equal sums.
        start = np.multiply(parameter.values(), scale, dtype=np.float64)
        return start if move is None else np.add(start, move, out=move)

    return point


def _moves(found: Colours, rng: np.random.Generator) -> dict[str, Array]:
    """Draw an element of F. Tied entries get the smallest draw among them, hashed to a number that is uniform again."""
    moving = {name: p for name, p in found.parameters.items() if not found.frozen(name).all()}
    draws = {name: np.asarray(rng.random(p.shape)) for name, p in moving.items()}
    tables = [table for table in found.tables.values() if len(np.unique(table.label)) < len(table.label)]
    for sweep in range(MOST_SWEEPS):
        changed = [_level(table, draws) for table in tables]
        if not any(changed) or (sweep == 1 and not any(map(_crosses, tables))):
            break
    sizes = _sizes(found)
    for name, draw in draws.items():
        if tables:
            draw *= 2.0**30
            np.fmod(draw, 1.0, out=draw)
        draw -= 0.5
        draw *= math.sqrt(12) * sizes[name]
        for axis in range(draw.ndim):
            label, sign = found.axis(name, axis)
            factor = np.where(label == 0, 0.0, sign)
            if (factor != 1).any():
                draw *= factor.reshape([-1 if place == axis else 1 for place in range(draw.ndim)])
    return draws


def _sizes(found: Colours) -> dict[str, float]:
    """Return the size of moves; tensors that share a class move alike, so one size goes for each kind of tensor."""
    sizes: dict[Any, float] = {}
    for parameter in found.parameters.values():
        size = spread(parameter)
        sizes[parameter.shape] = max(size, sizes.get(parameter.shape, 0.0))
    return {name: sizes[p.shape] for name, p in found.parameters.items()}


def _crosses(table: Table) -> bool:
    """Whether a class has slices in two tensors."""
    owners = [np.unique(table.label[start:stop]) for start, stop in table.places.values()]
    every = np.concatenate([owner[owner > 0] for owner in owners])
    return len(np.unique(every)) < len(every)


def _level(table: Table, draws: dict[str, Array]) -> bool:
    """Give tied slices the smallest of their draws, entry by entry; tell whether that changed anything."""
    labels, counts = np.unique(table.label, return_counts=True)
    shared = labels[(counts > 1) & (labels > 0)]
    parts = list(_parts(table, shared, draws))
    if not parts:
        return False
    lowest = np.full((len(shared), *parts[0][1].shape[1:]), np.inf)
    for cells, view, where in parts:
        order = np.argsort(cells, kind="stable")
        starts = np.concatenate([[0], np.flatnonzero(np.diff(cells[order])) + 1])
        own = cells[order][starts]
        lowest[own] = np.minimum(lowest[own], np.minimum.reduceat(view[where[order]], starts, axis=0))
    changed = False
    for cells, view, where in parts:
        changed = changed or not np.array_equal(view[where], lowest[cells])
        view[where] = lowest[cells]
    return changed


def _parts(table: Table, shared: Labels, draws: dict[str, Array]) -> Iterator[tuple[Labels, Array, Labels]]:
    for (name, axis), (start, stop) in table.places.items():
        if name in draws:
            label = table.label[start:stop]
            where = np.flatnonzero(np.isin(label, shared))
            if len(where):
                yield np.searchsorted(shared, label[where]), np.moveaxis(draws[name], axis, 0), where
