"""What is counted in one pass over a tensor's values, and hashes of its slices; any size, no copy."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.random.sharing import cores, share

Array = NDArray[Any]

# Entries that one thread scans in a millisecond or so; where the cuts are depends on nothing else, so no result
# depends on how many cores there are.
PIECE = 2**20


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
    flat = _contiguous(values)
    if flat.size == 0:
        return Summary(0, 0, 0, 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    counts, extremes, moments = _scanned(flat)
    nan, infinite, zeros, denormal, piled = (int(n) for n in counts)
    finite = flat.size - nan - infinite
    if finite == 0:
        return Summary(flat.size, nan, infinite, 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    low, high, smallest, largest = (float(x) for x in extremes)
    mean, std = float(moments[0]), math.sqrt(max(0.0, float(moments[1]) / finite))
    smallest = smallest if largest > 0 else 0.0
    return Summary(flat.size, nan, infinite, zeros, denormal, mean, std, low, high, smallest, largest, piled)


def _scanned(flat: Array) -> tuple[Array, Array, Array]:
    """Return counts, extremes and moments of a flat array, as the kernel names them; all cores scan its pieces."""
    from symbreak.diagnosis import kernels

    pieces = range(0, flat.size, PIECE)
    counts = np.zeros((len(pieces), 5), np.int64)
    extremes = np.tile([np.inf, -np.inf, np.inf, 0.0], (len(pieces), 1))
    moments = np.zeros((len(pieces), 2))
    tiny = flat.dtype.type(np.finfo(flat.dtype).tiny)

    def scan(queue: Iterator[int]) -> None:
        for n in queue:
            kernels.scan(flat[n * PIECE : (n + 1) * PIECE], tiny, counts[n], extremes[n], moments[n])

    share(scan, range(len(pieces)), min(cores(), len(pieces)))
    sizes = np.array([min(PIECE, flat.size - start) for start in pieces]) - counts[:, :2].sum(axis=1)
    return _all_counts(counts, extremes), _all_extremes(extremes), _all_moments(sizes, moments)


def _all_counts(counts: Array, extremes: Array) -> Array:
    largest = extremes[:, 3]
    piled = counts[largest == largest.max(), 4].sum()
    return np.array([*counts[:, :4].sum(axis=0), piled])


def _all_extremes(extremes: Array) -> Array:
    return np.array([extremes[:, 0].min(), extremes[:, 1].max(), extremes[:, 2].min(), extremes[:, 3].max()])


def _all_moments(sizes: Array, moments: Array) -> Array:
    """Return mean and sum of squares around it of the whole, from those of its parts, always in the same order."""
    total, mean, squares = 0, 0.0, 0.0
    for size, (part, within) in zip(sizes.tolist(), moments.tolist(), strict=True):
        if total and size:
            # Chan, Golub, LeVeque 1983.
            offset, share_of_part = part - mean, size / (total + size)
            squares += within + offset * offset * total * share_of_part
            mean += offset * share_of_part
        elif size:
            mean, squares = part, within
        total += size
    return np.array([mean, squares])


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
    blocks = bits.reshape(before, size, after)
    threads = min(cores(), size, 1 + flat.size // PIECE)
    edges = [size * n // threads for n in range(threads + 1)] if threads else []

    def add(queue: Iterator[tuple[int, int]]) -> None:
        for first, last in queue:
            kernels.hash_slices(blocks, sign, absolute, first, last, out)

    share(add, itertools.pairwise(edges), threads)
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
