"""The reference: class sums of weights in whole numbers. Every float is a whole number times a power of two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.diagnosis.symmetry.space import Mode, Scale, Space, from_codes, from_keys, normalised

Array = NDArray[np.floating[Any]]
Whole = list[list[int]]


def whole_numbers(array: Array) -> Whole:
    """Return the matrix times the least power of two that makes all its entries whole.

    >>> whole_numbers(np.array([[0.5, -0.75], [0.0, -0.0]]))
    [[2, -3], [0, 0]]
    """
    ratios = [[float(value).as_integer_ratio() for value in row] for row in array.tolist()]
    unit = max((denominator for row in ratios for _, denominator in row), default=1)
    return [[numerator * (unit // denominator) for numerator, denominator in row] for row in ratios]


class ExactSums:
    """Groups the rows or columns of a matrix by their sums over the classes of the other side.

    Attributes:
        mode: which multiples of a row count as one class.
    """

    def __init__(self, weights: Array, mode: Mode) -> None:
        rows = whole_numbers(weights)
        self._sides = rows, [list(column) for column in zip(*rows, strict=True)]
        self.mode = mode

    def rows(self, over: Space, *, multisets: bool = False) -> Space:
        """Group the rows by their sums over the classes of columns, or by what they add up."""
        return grouped(self._sides[0], over, self.mode, multisets)

    def columns(self, over: Space, *, multisets: bool = False) -> Space:
        """Group the columns by their sums over the classes of rows, or by what they add up."""
        return grouped(self._sides[1], over, self.mode, multisets)

    def rows_not_positive(self, over: Space, sign: int) -> NDArray[np.bool_]:
        """Tell which rows have no positive class sum (no negative one, if sign is -1)."""
        members = over.members()
        scales = over.scales.tolist()
        sums = ([sign * sum(scales[j] * row[j] for j in units) for units in members] for row in self._sides[0])
        return np.array([all(total <= 0 for total in row) for row in sums], np.bool_)


def column_of_numbers(values: Array, mode: Mode) -> Space:
    """Group the entries of a bias (n, 1)."""
    if mode is Mode.MIRRORED:
        _, codes = np.unique(np.abs(values[:, 0]), return_inverse=True)
        signs = np.sign(values[:, 0]).astype(np.int64)
        return from_codes(np.where(signs == 0, -1, codes.reshape(-1)), signs)
    return from_keys(_scaled(normalised(row, mode)) for row in whole_numbers(values))


def grouped(rows: Whole, over: Space, mode: Mode, multisets: bool) -> Space:
    """Group rows of whole numbers by their class sums, or class by class by what they add up."""
    members, scales = over.members(), over.scales.tolist()
    if multisets:
        return from_keys(_multiset(row, members, scales) for row in rows)
    if over.is_discrete:
        return from_keys(_scaled(normalised(row, mode)) for row in rows)
    return from_keys(_scaled(normalised(_sums(row, members, scales), mode)) for row in rows)


def _sums(row: Sequence[int], members: list[list[int]], scales: list[Scale]) -> list[Scale]:
    return [sum(scales[j] * row[j] for j in units) for units in members]


def _scaled(pair: tuple[Scale, tuple[Scale, ...]]) -> tuple[Any, Scale]:
    return (pair[1], pair[0]) if pair[0] else (None, 0)


def _multiset(row: Sequence[int], members: list[list[int]], scales: list[Scale]) -> tuple[Any, Scale]:
    """Sorted weights, class by class, up to one sign; zero is only what has no weights at all.

    A list that equals its own negative adds up to 0 now, but an update that reads the weights changes w and -w by
    different amounts as soon as a gradient flows, so lists that cancel are not zero for ever and differ by their size.
    """
    plain = tuple(tuple(sorted(scales[j] * row[j] for j in units)) for units in members)
    if not any(any(values) for values in plain):
        return None, 0
    mirrored = tuple(tuple(-value for value in reversed(values)) for values in plain)
    return max((plain, 1), (mirrored, -1))
