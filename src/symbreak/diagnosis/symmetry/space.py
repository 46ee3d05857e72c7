"""A layer's vectors that respect a grouping of its units: equal, mirrored, proportional, or zero.

The theory speaks of linear spaces of vectors over the units of a layer. All that are needed here have one form: units
fall into classes, unit i carries `scale[i]` times its class's value, and some units carry zero.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

Scale = int | Fraction


class Mode(Enum):
    """Which multiples of a value count as the same class: none, -1, any c > 0, any c != 0."""

    EQUAL = "equal"
    MIRRORED = "mirrored"
    POSITIVE = "positive"
    LINEAR = "linear"


@dataclass(frozen=True, eq=False)
class Space:
    """{f : f_i = scales_i * value(labels_i), and 0 where labels_i = -1}.

    Classes are numbered by their first unit, whose scale is 1, so that equal spaces have equal arrays.

    Attributes:
        labels: class of each unit, -1 for zero; int64.
        scales: int64 holding 1 and -1 (0 for zero), or objects (fractions).
    """

    labels: NDArray[np.int64]
    scales: NDArray[Any]

    @staticmethod
    @functools.cache
    def discrete(n: int) -> Space:
        """Return the space of all vectors."""
        return Space(np.arange(n, dtype=np.int64), np.ones(n, np.int64))

    @classmethod
    def zero(cls, n: int) -> Space:
        """Return the space that holds only 0."""
        return cls(np.full(n, -1, np.int64), np.zeros(n, np.int64))

    @functools.cached_property
    def classes(self) -> int:
        """How many classes carry a value: the space's dimension."""
        return int(self.labels.max(initial=-1)) + 1

    @functools.cached_property
    def is_discrete(self) -> bool:
        """Whether every unit is a class of its own."""
        return self.classes == self.labels.size

    @functools.cached_property
    def is_one(self) -> bool:
        """Whether there is one class with all units, all of scale 1: this space tells no two units apart."""
        return bool(self.classes == 1 and (self.labels == 0).all() and (self.scales == 1).all())

    @property
    def is_zero(self) -> bool:
        """Whether the space holds only 0."""
        return self.classes == 0

    @property
    def has_fractions(self) -> bool:
        """Whether units are tied by other factors than 1 and -1."""
        return self.scales.dtype == object

    def members(self) -> list[list[int]]:
        """Return the units of each class."""
        found: list[list[int]] = [[] for _ in range(self.classes)]
        for unit, label in enumerate(self.labels.tolist()):
            if label >= 0:
                found[label].append(unit)
        return found

    def without(self, dead: NDArray[np.bool_]) -> Space:
        """Return the space with these units set to zero."""
        if not dead.any():
            return self
        keys = [None if label < 0 else label for label in np.where(dead, -1, self.labels).tolist()]
        return from_keys(zip(keys, self.scales.tolist(), strict=True))

    def equals(self, other: Space) -> bool:
        """Whether both are the same set of vectors."""
        if self is other:
            return True
        return bool(np.array_equal(self.labels, other.labels) and np.array_equal(self.scales, other.scales))


def from_keys(keys: Iterable[tuple[Hashable, Scale]]) -> Space:
    """Return the space of units given as (class key, scale); the key None means zero."""
    first: dict[Hashable, tuple[int, Scale]] = {}
    labels: list[int] = []
    scales: list[Scale] = []
    for key, scale in keys:
        if key is None:
            labels.append(-1)
            scales.append(0)
            continue
        label, unit = first.setdefault(key, (len(first), scale))
        labels.append(label)
        scales.append(scale if unit == 1 else scale * unit if unit == -1 else Fraction(scale) / unit)
    return Space(np.array(labels, np.int64), _scales(scales))


def normalised(values: Sequence[Scale], mode: Mode) -> tuple[Scale, tuple[Scale, ...]]:
    """Write a tuple as scale times a representative, the same for all tuples that `mode` counts as one.

    A tuple of zeros has scale 0.
    """
    first: Scale = next((value for value in values if value), 0)
    if not first or mode is Mode.EQUAL:
        return (1 if first else 0), tuple(values)
    if mode is Mode.MIRRORED:
        return (1, tuple(values)) if first > 0 else (-1, tuple(-value for value in values))
    if all(type(value) is int for value in values):
        # The same as below without fractions: divided by their common divisor, multiples become equal.
        divisor = math.gcd(*values)  # type: ignore[arg-type]
        whole = -divisor if mode is Mode.LINEAR and first < 0 else divisor
        return whole, tuple(value // whole for value in values)
    scale = first if mode is Mode.LINEAR or first > 0 else -first
    return scale, tuple(Fraction(value) / scale for value in values)


def joined(spaces: Sequence[Space], mode: Mode) -> Space:
    """Return the smallest space of the mode's form that holds all vectors of all these spaces.

    Two units stay in one class if no space tells them apart and one factor serves them all; a unit is zero if it is
    zero in all.
    """
    if any(space.is_discrete for space in spaces):
        return Space.discrete(spaces[0].labels.size)
    if all(space.is_one for space in spaces):
        return spaces[0]
    if any(space.has_fractions for space in spaces):
        return _joined_fractions(spaces, mode)
    # Where all factors are 1 and -1, to allow every positive factor is to allow 1 alone.
    mode = Mode.MIRRORED if mode in (Mode.MIRRORED, Mode.LINEAR) else Mode.EQUAL
    return functools.reduce(lambda low, high: _joined_signs(low, high, mode), spaces[1:], _as_mode(spaces[0], mode))


def _joined_signs(low: Space, high: Space, mode: Mode) -> Space:
    zero = (low.labels < 0) & (high.labels < 0)
    sign = np.where(low.scales != 0, low.scales, high.scales) if mode is Mode.MIRRORED else np.ones_like(low.scales)
    # One number for each combination of two classes and two signs, the signs taken relative to `sign`.
    code = ((low.labels + 1) * (high.classes + 1) + high.labels + 1) * 9
    code += (low.scales * sign + 1) * 3 + high.scales * sign + 1
    return from_codes(np.where(zero, -1, code), np.where(zero, 0, sign))


def _as_mode(space: Space, mode: Mode) -> Space:
    if mode is Mode.MIRRORED or not (space.scales == -1).any():
        return space
    code = np.where(space.labels < 0, -1, space.labels * 2 + (space.scales < 0))
    return from_codes(code, (code >= 0).astype(np.int64))


def from_codes(codes: NDArray[np.int64], signs: NDArray[np.int64]) -> Space:
    """Return the space of units given as (class code, sign); the code -1 means zero."""
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    inverse = inverse.reshape(-1)
    zero = codes < 0
    start = np.where(codes[first] < 0, codes.size, first)
    rank = np.empty(first.size, np.int64)
    rank[np.argsort(start, kind="stable")] = np.arange(first.size)
    scales = signs * signs[first[inverse]]
    return Space(np.where(zero, -1, rank[inverse]), np.where(zero, 0, scales).astype(np.int64))


def _joined_fractions(spaces: Sequence[Space], mode: Mode) -> Space:
    rows = zip(*(zip(s.labels.tolist(), s.scales.tolist(), strict=True) for s in spaces), strict=True)
    return from_keys(_key(row, mode) for row in rows)


def _key(row: tuple[tuple[int, Scale], ...], mode: Mode) -> tuple[Hashable, Scale]:
    scale, rest = normalised([scale for _, scale in row], mode)
    return (None, 0) if not scale else ((tuple(label for label, _ in row), rest), scale)


def _scales(scales: list[Scale]) -> NDArray[Any]:
    if all(scale in (-1, 0, 1) for scale in scales):
        return np.array([int(scale) for scale in scales], np.int64)
    array = np.empty(len(scales), object)
    array[:] = scales
    return array
