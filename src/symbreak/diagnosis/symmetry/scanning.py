"""The fast version of `exact.py`: the same groups, with as little reading of large matrices as a proof allows.

1. Rows that may be equal by a fingerprint of their first few entries are compared entry by entry. Equality proves
   sameness over any classes of the other side. Random weights have no such rows, and over a discrete side end here.
2. Rows that differ may still have equal class sums: a fingerprint of the sums over a few classes, then over all.
3. What is still open is added up exactly: in float64, where all partial sums are sure to be exact, else in whole
   numbers.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.diagnosis.symmetry.exact import grouped, whole_numbers
from symbreak.diagnosis.symmetry.fingerprints import (
    PREFIX,
    Array,
    Groups,
    Index,
    Print,
    Ties,
    bound,
    by_angle,
    by_size,
    factors,
    small,
    ties,
    whole_rows,
)
from symbreak.diagnosis.symmetry.space import Mode, Scale, Space, from_codes, from_keys

# A matrix with fewer entries is added up in whole numbers at once.
SCANNED = 2**14
# A short fingerprint looks at the smallest classes, as long as they have together no more units than this.
SHORT = 64
# So few classes are added up one after the other, by the fingerprint's own pass.
FEW = 4


class ScannedSums:
    """Groups the rows or columns of a large matrix by their sums over the classes of the other side.

    Attributes:
        mode: which multiples of a row count as one class.
        read: how many entries were looked at, counted again each time.
    """

    def __init__(self, weights: Array, mode: Mode) -> None:
        self.weights = np.ascontiguousarray(weights)
        self.mode = mode
        self.read = 0
        self._known: dict[tuple[str, bool], tuple[Space, Space]] = {}

    def rows(self, over: Space, *, multisets: bool = False) -> Space:
        """Group the rows by their sums over the classes of columns, or by what they add up."""
        return self._remembered("rows", over, multisets)

    def columns(self, over: Space, *, multisets: bool = False) -> Space:
        """Group the columns by their sums over the classes of rows, or by what they add up."""
        return self._remembered("columns", over, multisets)

    def rows_not_positive(self, over: Space, sign: int) -> NDArray[np.bool_]:
        """Tell which rows have no positive class sum (no negative one, if sign is -1)."""
        low = np.ones(self.weights.shape[0], np.bool_)
        if over.is_discrete:
            low[:] = ~((self.weights[:, :PREFIX] * self.weights.dtype.type(sign)) > 0).any(1)
        members = over.members()
        for row in np.flatnonzero(low):
            w = self.weights[row] * self.weights.dtype.type(sign)
            low[row] = not (w > 0).any() if over.is_discrete else _low(w, over, members)
        return low

    def _remembered(self, side: str, over: Space, multisets: bool) -> Space:
        before = self._known.get((side, multisets))
        if before is None or not before[0].equals(over):
            before = over, self._groups(side, over, multisets)
            self._known[side, multisets] = before
        return before[1]

    def _groups(self, side: str, over: Space, multisets: bool) -> Space:
        if over.has_fractions:
            return grouped(whole_numbers(self._side(side)), over, self.mode, multisets)
        tied = self._row_ties if side == "rows" else self._column_ties
        return tied.expanded(self._over_classes(side, over, tied.firsts, multisets))

    def _side(self, side: str) -> Array:
        return self.weights if side == "rows" else self.weights.T

    @functools.cached_property
    def _row_ties(self) -> Ties:
        return self._counted(ties(self.weights, "rows", np.arange(self.weights.shape[1])))

    @functools.cached_property
    def _column_ties(self) -> Ties:
        # Rows that repeat others say nothing new about columns.
        return self._counted(ties(self.weights, "columns", self._row_ties.firsts))

    def _counted(self, found: Ties) -> Ties:
        self.read += found.read
        return found

    def _over_classes(self, side: str, over: Space, firsts: Index, multisets: bool) -> Space:
        """Group rows of which no two are equal entry by entry, up to the sign."""
        if over.is_zero:
            return Space.zero(firsts.size)
        if over.is_discrete and self.mode is not Mode.LINEAR:
            return _discrete_but_zero(self._side(side), firsts)
        keys: list[tuple[Hashable, Scale]] | None = None
        for number, group in enumerate(self._open(side, over, firsts)):
            keys = keys or [(("alone", k), 1) for k in range(firsts.size)]
            part = self._exactly(side, over, firsts[group], multisets)
            for unit, label, scale in zip(group.tolist(), part.labels.tolist(), part.scales.tolist(), strict=True):
                keys[unit] = (None, 0) if label < 0 else ((number, label), scale)
        return Space.discrete(firsts.size) if keys is None else from_keys(keys)

    def _open(self, side: str, over: Space, firsts: Index) -> list[Index]:
        """Return the groups that fingerprints cannot settle: two or more rows that may agree, or one that may be 0."""
        if self.mode is Mode.LINEAR:
            return self._open_up_to_factors(side, over, firsts)
        groups = Groups(np.arange(firsts.size), np.zeros(1, np.int64))
        for places in (self._few(over), None):
            if groups.rows.size and (places is None or places.size):
                rows = np.sort(groups.rows)
                groups = by_size(self._print(side, over, firsts[rows], 0, places)).of(rows)
        return list(groups)

    def _open_up_to_factors(self, side: str, over: Space, firsts: Index) -> list[Index]:
        few = self._few(over)
        one, other = (self._print(side, over, firsts, seed, few if few.size else None) for seed in (0, 1))
        if few.size and small(one, other).any():
            one, other = (self._print(side, over, firsts, seed, None) for seed in (0, 1))
        none = np.flatnonzero(small(one, other))
        if none.size and not self._exactly(side, over, firsts[none], multisets=False).is_zero:
            return [np.arange(firsts.size)]
        return [none] * bool(none.size) + list(by_angle(one, other))

    @staticmethod
    def _few(over: Space) -> Index:
        """Return the units of the smallest classes of the other side, together at most `SHORT`."""
        labels = over.labels[over.labels >= 0]
        sizes = np.bincount(labels, minlength=over.classes)
        order = np.argsort(sizes, kind="stable")
        fitting = order[np.cumsum(sizes[order]) <= SHORT][:PREFIX]
        # One place more than there are classes, for the label -1 of units that are zero.
        chosen = np.zeros(over.classes + 1, np.bool_)
        chosen[fitting] = True
        return np.flatnonzero(chosen[over.labels])

    def _print(self, side: str, over: Space, rows: Index, seed: int, places: Index | None) -> Print:
        """Return fingerprints of class sums: over the classes at these places of the other side, or over all."""
        spread = np.where(over.labels < 0, 0.0, factors(over.classes, seed)[over.labels] * over.scales)
        if places is None:
            self.read += rows.size * over.labels.size
            value, size = whole_rows(self.weights, side, rows, spread)
            return Print(value, bound(size, over.labels.size))
        self.read += rows.size * places.size
        some = self._side(side)[np.ix_(rows, places)].astype(np.float64)
        return Print(some @ spread[places], bound(np.abs(some) @ np.abs(spread[places]), places.size))

    def _exactly(self, side: str, over: Space, rows: Index, multisets: bool) -> Space:
        if rows.size == 1 and not self._side(side)[rows[0]].any():
            return Space.zero(1)
        plain = not multisets and not over.is_discrete and self.mode is not Mode.LINEAR
        sums = self._float_sums(side, rows, over) if plain else None
        if sums is None:
            return grouped(whole_numbers(self._side(side)[rows]), over, self.mode, multisets)
        return _by_equal_sums(sums)

    def _float_sums(self, side: str, rows: Index, over: Space) -> Array | None:
        """Return the class sums in float64 if every partial sum is sure to be exact, else None."""
        parts = [
            np.where(over.labels == c, over.scales, 0).astype(np.float64) for c in range(min(over.classes, FEW + 1))
        ]
        if len(parts) <= FEW:
            found = [whole_rows(self.weights, side, rows, part) for part in parts]
            return np.stack([value for value, _ in found], 1) if self._is_exact(sum(s for _, s in found)) else None
        _, size = whole_rows(self.weights, side, rows, np.where(over.labels < 0, 0.0, 1.0))
        if not self._is_exact(size):
            return None
        return _class_sums(self.weights, side, rows, over)

    def _is_exact(self, size: Any) -> bool:
        """Whether sums of weights, of which `size` is the sum of absolute values, are exact in float64 in any order.

        They are if all weights are multiples of one power of two and 2^52 of it are not exceeded.
        """
        largest = float(np.max(size)) * 1.01
        if not 0 < largest < 2.0**900:
            return False
        return self._multiples_of(math.frexp(largest)[1] - 52)

    @functools.lru_cache(maxsize=64)  # noqa: B019
    def _multiples_of(self, exponent: int) -> bool:
        from symbreak.diagnosis.symmetry import kernels

        self.read += self.weights.size
        return bool(kernels.are_multiples(self.weights, 2.0**-exponent)) if -900 < exponent < 900 else False


def _class_sums(weights: Array, side: str, rows: Index, over: Space) -> Array:
    from symbreak.diagnosis.symmetry import kernels

    sums = np.zeros((rows.size, over.classes) if side == "rows" else (over.classes, rows.size))
    add: Callable[..., None] = kernels.row_sums if side == "rows" else kernels.column_sums
    add(weights, rows, over.labels, over.scales, sums)
    return sums if side == "rows" else sums.T


def _discrete_but_zero(matrix: Array, firsts: Index) -> Space:
    """Distinct rows over a discrete side are distinct; at most one of them holds only zeros."""
    maybe = np.flatnonzero(~np.asarray(matrix[:, :PREFIX].any(axis=1))[firsts])
    zero = [unit for unit in maybe if not matrix[firsts[unit]].any()]
    if not zero:
        return Space.discrete(firsts.size)
    codes = np.arange(firsts.size)
    codes[zero] = -1
    return from_codes(codes, (codes >= 0).astype(np.int64))


def _by_equal_sums(sums: Array) -> Space:
    """Group rows of exact sums that are equal up to the sign."""
    if sums.shape[1] == 1:
        _, codes = np.unique(np.abs(sums[:, 0]), return_inverse=True)
        signs = np.sign(sums[:, 0]).astype(np.int64)
        return from_codes(np.where(signs == 0, -1, codes.reshape(-1)), signs)
    lead = np.zeros(sums.shape[0])
    for column in range(sums.shape[1]):
        lead = np.where(lead == 0, np.sign(sums[:, column]), lead)
    turned = sums * lead[:, None] + 0.0
    keys = (row.tobytes() if sign else None for row, sign in zip(turned, lead, strict=True))
    return from_keys(zip(keys, lead.astype(np.int64).tolist(), strict=True))


def _low(row: Array, over: Space, members: list[list[int]]) -> bool:
    """Whether no class sum is positive; a float sum beyond its bound settles most rows, the others are exact."""
    scales = over.scales.tolist()
    if not over.has_fractions:
        signed = row.astype(np.float64) * np.where(over.labels < 0, 0, over.scales)
        if not (signed > 0).any():
            return True
        sums = np.bincount(over.labels[over.labels >= 0], signed[over.labels >= 0], minlength=over.classes)
        if (sums > np.abs(signed).sum() * (row.size + 2) * 2.0**-52).any():
            return False
    whole = whole_numbers(row[None])[0]
    return all(sum(scales[j] * whole[j] for j in units) <= 0 for units in members)
