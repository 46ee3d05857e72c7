"""Float fingerprints of rows with a bound on their rounding, and the rows that are equal entry by entry.

A gap between two fingerprints above their bounds proves that the rows differ. That they agree proves nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.diagnosis.symmetry.space import Space, from_codes, from_keys

Array = NDArray[np.floating[Any]]
Index = NDArray[np.int64]

PREFIX = 16
# A smaller matrix is read by NumPy, with copies of the rows in question: loading the kernels would take longer.
COMPILED = 2**22


@dataclass(frozen=True)
class Print:
    """Fingerprints of rows, each with a bound on its rounding."""

    value: Array
    error: Array


@dataclass(frozen=True)
class Groups:
    """Rows that may agree: `rows` group after group, ascending in each; `starts` is where each group begins."""

    rows: Index
    starts: Index

    @property
    def sizes(self) -> Index:
        """How many rows each group has."""
        return np.diff(self.starts, append=self.rows.size)

    def __iter__(self) -> Iterator[Index]:
        return iter(np.split(self.rows, self.starts[1:])) if self.starts.size else iter(())

    def of(self, rows: Index) -> Groups:
        """Return the groups of other rows that stand at these places."""
        return Groups(rows[self.rows], self.starts)


def bound(size: Array, terms: int) -> Array:
    """Return the rounding bound of a float64 sum of so many products, in any order: (terms + 2) 2^-52 sum |product|."""
    return np.asarray(size * ((terms + 2) * 2.0**-52))


def by_size(prints: Print, *, zeros: bool = True) -> Groups:
    """Group rows whose fingerprints agree, up to the sign, within twice the largest bound; drop those surely alone.

    With `zeros`, a row whose fingerprint may be 0 is kept even if it is alone.
    """
    error = 2 * float(prints.error.max(initial=0.0))
    value = np.abs(prints.value)
    order = np.argsort(value, kind="stable")
    apart = ~(np.diff(value[order]) <= error)
    zero = zeros and bool(value.size) and bool(value[order[0]] <= error)
    if apart.all() and not zero:
        return Groups(order[:0], order[:0])
    return _chosen(order, np.flatnonzero(apart) + 1, zero)


def small(one: Print, other: Print) -> NDArray[np.bool_]:
    """Tell which pairs of fingerprints have no direction: they may be 0."""
    return np.asarray(~(np.hypot(one.value, other.value) > 4 * (one.error + other.error)))


def by_angle(one: Print, other: Print) -> Groups:
    """Group rows whose two fingerprints may be in one ratio, and may not be 0; drop those surely alone."""
    chosen = np.flatnonzero(~small(one, other))
    error = (one.error + other.error)[chosen] / np.hypot(one.value, other.value)[chosen]
    angle = np.arctan2(one.value, other.value)[chosen] % np.pi
    widest = 2 * (2 * float(error.max(initial=0.0)) + 2.0**-48)
    order = np.argsort(angle, kind="stable")
    if order.size > 1 and angle[order[0]] + np.pi - angle[order[-1]] <= widest:
        # Directions just above 0 and just below pi are neighbours: begin the circle at a gap.
        gap = np.flatnonzero(np.diff(angle[order]) > widest)
        order = np.roll(order, -(int(gap[0]) + 1)) if gap.size else order
    steps = np.diff(angle[order]) % np.pi
    return _chosen(order, np.flatnonzero(steps > widest) + 1, False).of(chosen)


def _chosen(order: Index, cuts: Index, first_alone: bool) -> Groups:
    starts = np.concatenate([[0], cuts]).astype(np.int64)
    sizes = np.diff(starts, append=order.size)
    kept = sizes > 1
    if first_alone:
        kept[0] = True
    number = np.repeat(np.arange(starts.size), sizes)
    picked = kept[number]
    # Ascending inside each group.
    rows, number = order[picked], number[picked]
    rows = rows[np.lexsort((rows, number))]
    return Groups(rows, np.concatenate([[0], np.cumsum(sizes[kept])[:-1]]).astype(np.int64)[: kept.sum()])


@functools.cache
def factors(n: int, seed: int) -> Array:
    """Fixed numbers in [1, 2) without pattern: a fingerprint may collide, and then costs time; it proves nothing."""
    rng = np.random.Generator(np.random.PCG64([n, seed]))
    return 1 + rng.random(max(n, 1))


def whole_rows(weights: Array, side: str, rows: Index, spread: Array) -> tuple[Array, Array]:
    """Return the sum of each of these rows (or columns) times `spread`, and the same of absolute values."""
    if weights.size < COMPILED:
        some = (weights[rows] if side == "rows" else weights[:, rows].T).astype(np.float64)
        return some @ spread, np.abs(some) @ np.abs(spread)
    from symbreak.diagnosis.symmetry import kernels

    value, size = np.zeros(rows.size), np.zeros(rows.size)
    if side == "rows":
        kernels.hash_rows(weights, rows, spread, value, size)
    elif rows.size < weights.shape[1]:
        kernels.hash_some_columns(weights, np.flatnonzero(spread), rows, spread, value, size)
    else:
        kernels.hash_columns(weights, np.flatnonzero(spread), spread, value, size)
    return value, size


@dataclass(frozen=True)
class Ties:
    """Rows that are equal entry by entry, up to a sign.

    Attributes:
        firsts: one row of each kind, the first.
        member: to which of `firsts` each row belongs, and `signs` with which sign.
        read: how many entries were looked at.
    """

    firsts: Index
    member: Index
    signs: Index
    read: int

    def expanded(self, space: Space) -> Space:
        """Return the space of all rows, given that of the distinct ones."""
        if self.firsts.size == self.member.size:
            return space
        labels, scales = space.labels[self.member], space.scales[self.member] * self.signs
        if space.has_fractions:
            keys = [None if label < 0 else label for label in labels.tolist()]
            return from_keys(zip(keys, scales.tolist(), strict=True))
        return from_codes(labels, np.where(labels < 0, 0, scales).astype(np.int64))


def ties(weights: Array, side: str, others: Index) -> Ties:
    """Find equal rows (or columns) of a row-major matrix, looking at these places of the other side only."""
    matrix = weights if side == "rows" else weights.T
    n = matrix.shape[0]
    complete = others.size == matrix.shape[1]
    short = matrix[:, slice(PREFIX) if complete else others[:PREFIX]].astype(np.float64)
    chosen = factors(short.shape[1], 7)
    value = short @ chosen
    groups = by_size(Print(value, bound(np.abs(short) @ chosen, short.shape[1])), zeros=False)
    # The sign that the fingerprint suggests is tried first.
    guess = np.where(value < 0, -1, 1)
    first, signs, read = np.arange(n), np.ones(n, np.int64), short.size
    while groups.rows.size:
        read += groups.rows.size * others.size
        groups = _matched(weights, side, others, groups, first, signs, guess)
    firsts = np.flatnonzero(first == np.arange(n))
    place = np.zeros(n, np.int64)
    place[firsts] = np.arange(firsts.size)
    return Ties(firsts, place[first], signs, int(read))


def _matched(
    weights: Array, side: str, others: Index, groups: Groups, first: Index, signs: Index, guess: Index
) -> Groups:
    """Compare each group with its first row; return what is left, grouped by fingerprints of whole rows."""
    heads = np.repeat(groups.rows[groups.starts], groups.sizes)
    rest = groups.rows != heads
    # In the order of memory: near rows and columns are read together.
    order = np.argsort(groups.rows[rest])
    rows, heads = groups.rows[rest][order], heads[rest][order]
    for turn in (1, -1):
        sign = turn * guess[rows] * guess[heads]
        equal = _equal(weights, side, others, rows, heads, sign)
        first[rows[equal]], signs[rows[equal]] = heads[equal], sign[equal]
        rows, heads = rows[~equal], heads[~equal]
    left = rows
    if left.size < 2:
        return Groups(left[:0], left[:0])
    n = weights.shape[1] if side == "rows" else weights.shape[0]
    value, size = whole_rows(weights, side, left, factors(n, 8))
    return by_size(Print(value, bound(size, n)), zeros=False).of(left)


def _equal(weights: Array, side: str, others: Index, rows: Index, heads: Index, sign: Index) -> NDArray[np.bool_]:
    """Tell which rows are their head's entries times the sign."""
    if weights.size < COMPILED:
        one, other = (weights[k] if side == "rows" else weights[np.ix_(others, k)].T for k in (rows, heads))
        return np.asarray((one == other * sign[:, None].astype(weights.dtype)).all(1))
    from symbreak.diagnosis.symmetry import kernels

    differ, factor = np.zeros(rows.size, np.uint8), sign.astype(weights.dtype)
    # Unsigned, so that the kernels need not ask whether an index counts from the end.
    unsigned = rows.astype(np.uint32), heads.astype(np.uint32), factor
    if side == "rows":
        kernels.compare_rows(weights, *unsigned, differ)
    else:
        kernels.compare_columns(weights, others.astype(np.uint32), *unsigned, differ)
    return np.asarray(differ == 0)
