"""Kernels of one pass over a tensor's values. Numba is loaded here, and only when needed."""

from __future__ import annotations

from typing import Any

import numpy as np

from symbreak.compiling import compiled

# Entries whose squares are added up before the sums are carried over: rounding grows with the block, not the tensor.
BLOCK = 8192
# Running sums and extremes side by side, so that no step waits for the one before; the sums' order is the same on
# every machine.
LANES = 128


@compiled
def scan(flat: Any, tiny: Any, counts: Any, extremes: Any, moments: Any) -> None:
    """Fill what is counted of all entries.

    Args:
        flat: entries.
        tiny: the smallest normal number of their type.
        counts: nan, inf, zeros, denormal, and how many have the largest absolute value.
        extremes: low, high, smallest but 0, largest; the last two of absolute values.
        moments: mean, and the sum of squares around it.
    """
    total = 0.0
    sums = np.empty(LANES), np.empty(LANES)
    lanes = (np.empty(LANES, flat.dtype), np.empty(LANES, flat.dtype), np.empty(LANES, flat.dtype),
             np.empty(LANES, flat.dtype), np.empty(LANES, flat.dtype), np.empty(LANES, flat.dtype))  # fmt: skip
    if flat.size and abs(flat[0]) < np.inf:
        moments[0] = flat[0]  # an origin among the numbers, so that squares of their mean do not drown their spread
    block = np.empty(3)
    for start in range(0, flat.size, BLOCK):
        part = flat[start : start + BLOCK]
        block[:] = 0
        if part.size == BLOCK:
            _sums(part, moments[0], *sums)
            block[0], block[1], block[2] = BLOCK, sums[0].sum(), sums[1].sum()
        if part.size == BLOCK and block[2] < np.inf:
            _extremes(part, tiny, *lanes)
            _carry(part, lanes, counts, extremes)
        else:
            block[:] = 0
            _one_by_one(part, tiny, moments[0], block, counts, extremes)
        count, first, second = block
        if count:
            # Chan, Golub, LeVeque 1983: the moments of two parts make those of the whole.
            offset = first / count
            within = second - count * offset * offset
            moments[1] += within + offset * offset * total * count / (total + count)
            moments[0] += offset * count / (total + count)
            total += count


@compiled
def _sums(part: Any, origin: Any, first: Any, second: Any) -> None:
    """Fill the lanes' sums of differences from an origin, and of their squares."""
    first[:], second[:] = 0, 0
    for start in range(0, BLOCK, LANES):
        row = part[start : start + LANES]
        for lane in range(LANES):
            difference = np.float64(row[lane]) - origin
            first[lane] += difference
            second[lane] += difference * difference


@compiled
def _extremes(part: Any, tiny: Any, low: Any, high: Any, smallest: Any, largest: Any, zeros: Any, below: Any) -> None:
    """Fill the lanes' extremes, and count zeros and what is below the smallest normal number; all is finite.

    The counts are of the entries' type, which keeps all lanes of one width.
    """
    none, one = low.dtype.type(0), low.dtype.type(1)
    low[:], high[:], smallest[:], largest[:], zeros[:], below[:] = np.inf, -np.inf, np.inf, 0, 0, 0
    for start in range(0, BLOCK, LANES):
        row = part[start : start + LANES]
        for lane in range(LANES):
            x = row[lane]
            size = abs(x)
            low[lane] = x if x < low[lane] else low[lane]
            high[lane] = x if x > high[lane] else high[lane]
            largest[lane] = size if size > largest[lane] else largest[lane]
            zeros[lane] += one if size == 0 else none
            below[lane] += one if size < tiny else none
            size = size if size > 0 else low.dtype.type(np.inf)
            smallest[lane] = size if size < smallest[lane] else smallest[lane]


@compiled
def _carry(part: Any, lanes: Any, counts: Any, extremes: Any) -> None:
    """Add the lanes to the whole."""
    low, high, smallest, largest, zeros, below = lanes
    counts[2] += np.int64(zeros.sum())
    counts[3] += np.int64(below.sum()) - np.int64(zeros.sum())
    extremes[0], extremes[1] = min(extremes[0], low.min()), max(extremes[1], high.max())
    extremes[2] = min(extremes[2], smallest.min())
    most = largest.max()
    if most > extremes[3]:
        extremes[3], counts[4] = most, 0
    if most == extremes[3] and most > 0:
        for x in part:
            counts[4] += abs(x) == most


@compiled
def _one_by_one(part: Any, tiny: Any, origin: Any, block: Any, counts: Any, extremes: Any) -> None:
    """Count a block that is not full, or holds nan or inf."""
    for x in part:
        size = abs(x)
        if not size < np.inf:
            counts[int(x == x)] += 1
            continue
        difference = np.float64(x) - origin
        block[0] += 1
        block[1] += difference
        block[2] += difference * difference
        extremes[0], extremes[1] = min(extremes[0], x), max(extremes[1], x)
        if size == 0:
            counts[2] += 1
            continue
        if size > extremes[3]:
            extremes[3], counts[4] = size, 0
        counts[4] += size == extremes[3]
        extremes[2] = min(extremes[2], size)
        counts[3] += size < tiny


@compiled
def hash_slices(bits: Any, sign: Any, absolute: Any, first: Any, last: Any, out: Any) -> None:
    """Add, for slices first to last - 1, the bits times odd multipliers of their places, in whatever order."""
    before, _, after = bits.shape
    for b in range(before):
        for s in range(first, last):
            total = out[s]
            for a in range(after):
                word = bits[b, s, a]
                if absolute or word == sign:
                    word = word & ~sign
                # A sign that is the top bit would cancel with another one; here it counts at two places.
                word = word ^ (word >> np.uint64(31))
                # Splitmix64's finalizer (Steele, Lea, Flood 2014) spreads the place over 64 bits.
                z = np.uint64(b * after + a + 1) * np.uint64(0x9E3779B97F4A7C15)
                z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
                z = z ^ (z >> np.uint64(27))
                total += (np.uint64(word) + np.uint64(1)) * (z | np.uint64(1))
            out[s] = total
