"""What is counted in one pass over a tensor's values, and hashes of its slices; any size, no copy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Summary:
    """Statistics of a tensor.

    Attributes:
        size: number of entries.
        nan, infinite: how many are.
        zeros: how many are 0.
        denormal: how many are not 0 and below the smallest normal number of their type.
        mean, std: of the finite entries.
        low, high: the smallest and the largest finite entry.
        smallest, largest: absolute value of the finite entries that are not 0; 0 if there are none.
        piled: how many entries have the largest absolute value.
    """

    size: int
    nan: int
    infinite: int
    zeros: int
    denormal: int
    mean: float
    std: float
    low: float
    high: float
    smallest: float
    largest: float
    piled: int = 0

    @property
    def finite(self) -> bool:
        """Whether every entry is a number."""
        return self.nan + self.infinite == 0

    @property
    def constant(self) -> bool:
        """Whether all entries are one and the same finite number."""
        return self.size > 0 and self.finite and self.low == self.high

    @property
    def rms(self) -> float:
        """Root of the mean square of the finite entries."""
        return math.hypot(self.mean, self.std)


def summary(values: Array) -> Summary:
    """Return the statistics of an array of floats (float32, float64; others are converted).

    >>> found = summary(np.array([0.0, 1.0, -3.0, np.nan]))
    >>> found.zeros, found.nan, found.smallest, found.largest
    (1, 1, 1.0, 3.0)
    """
    from symbreak.diagnosis import kernels

    flat = _contiguous(values)
    if flat.size == 0:
        return Summary(0, 0, 0, 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    counts = np.zeros(5, np.int64)
    extremes = np.array([np.inf, -np.inf, np.inf, 0.0])
    moments = np.zeros(2)
    kernels.scan(flat, flat.dtype.type(np.finfo(flat.dtype).tiny), counts, extremes, moments)
    nan, infinite, zeros, denormal, piled = (int(n) for n in counts)
    finite = flat.size - nan - infinite
    if finite == 0:
        return Summary(flat.size, nan, infinite, 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    low, high, smallest, largest = (float(x) for x in extremes)
    mean, std = float(moments[0]), math.sqrt(max(0.0, float(moments[1]) / finite))
    smallest = smallest if largest > 0 else 0.0
    return Summary(flat.size, nan, infinite, zeros, denormal, mean, std, low, high, smallest, largest, piled)


def hashes(values: Array, axis: int, *, absolute: bool = False) -> NDArray[np.uint64]:
    """Return a hash of the bits of each slice along `axis`; equal slices have equal hashes, 0 and -0 are one.

    With `absolute`, slices that differ in signs only have equal hashes as well.

    >>> rows = hashes(np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0]]), 0)
    >>> bool(rows[0] == rows[2]), bool(rows[0] == rows[1])
    (True, False)
    """
    from symbreak.diagnosis import kernels

    flat = _contiguous(values)
    size = values.shape[axis]
    before, after = math.prod(values.shape[:axis]), math.prod(values.shape[axis + 1 :])
    out = np.zeros(size, np.uint64)
    bits = flat.view(np.uint32 if flat.dtype == np.float32 else np.uint64)
    sign = bits.dtype.type(1 << (8 * bits.itemsize - 1))
    kernels.hash_slices(bits.reshape(before, size, after), sign, absolute, out)
    return out


def groups(keys: NDArray[np.uint64]) -> tuple[tuple[int, ...], ...]:
    """Return the indices of equal keys, for every key that occurs more than once.

    >>> groups(np.array([5, 7, 5, 8, 7], np.uint64))
    ((0, 2), (1, 4))
    """
    order = np.argsort(keys, kind="stable")
    edges = np.flatnonzero(np.diff(keys[order]) != 0) + 1
    starts, stops = np.concatenate(([0], edges)), np.concatenate((edges, [len(keys)]))
    several = stops - starts > 1
    runs = zip(starts[several].tolist(), stops[several].tolist(), strict=True)
    return tuple(sorted(tuple(order[start:stop].tolist()) for start, stop in runs))


def _contiguous(values: Array) -> Array:
    array = np.asarray(values)
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float32 if array.dtype.itemsize < 4 else np.float64)
    return np.ascontiguousarray(array).reshape(-1)
