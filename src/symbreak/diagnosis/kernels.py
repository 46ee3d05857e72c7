"""Kernels of one pass over a tensor's values. Numba is loaded here, and only when needed."""

from __future__ import annotations

from typing import Any

import numpy as np

from symbreak.compiling import compiled

# Entries whose squares are added up before the sums are carried over: rounding grows with the block, not the tensor.
BLOCK = 4096


@compiled
def scan(flat: Any, tiny: Any, counts: Any, extremes: Any, moments: Any) -> None:
    """Fill counts (nan, inf, zeros, denormal), extremes (low, high, smallest, largest) and moments (mean, squares)."""
    total, mean, squares = 0.0, 0.0, 0.0
    low, high, smallest, largest = extremes[0], extremes[1], extremes[2], extremes[3]
    nan, infinite, zeros, denormal = 0, 0, 0, 0
    for start in range(0, flat.size, BLOCK):
        stop = min(start + BLOCK, flat.size)
        count, first, second = 0, 0.0, 0.0
        for i in range(start, stop):
            x = flat[i]
            size = abs(x)
            if not size < np.inf:
                if x != x:
                    nan += 1
                else:
                    infinite += 1
                continue
            value = float(x)
            count += 1
            first += value
            second += (value - mean) * (value - mean)
            low, high = min(low, value), max(high, value)
            if size == 0:
                zeros += 1
            else:
                largest = max(largest, float(size))
                smallest = min(smallest, float(size))
                if size < tiny:
                    denormal += 1
        if count:
            # Chan, Golub, LeVeque 1983: the moments of two parts make those of the whole.
            offset = first / count - mean
            within = second - count * offset * offset
            squares += within + offset * offset * total * count / (total + count)
            mean += offset * count / (total + count)
            total += count
    counts[0], counts[1], counts[2], counts[3] = nan, infinite, zeros, denormal
    extremes[0], extremes[1], extremes[2], extremes[3] = low, high, smallest, largest
    moments[0], moments[1] = mean, squares


@compiled
def hash_slices(bits: Any, sign: Any, absolute: Any, out: Any) -> None:
    """Add, for each slice, its bits times an odd multiplier made from their place; order of places does not matter."""
    before, size, after = bits.shape
    for b in range(before):
        for s in range(size):
            total = out[s]
            for a in range(after):
                word = bits[b, s, a]
                if absolute or word == sign:
                    word = word & ~sign
                # Splitmix64's finalizer (Steele, Lea, Flood 2014) spreads the place over 64 bits.
                z = np.uint64(b * after + a + 1) * np.uint64(0x9E3779B97F4A7C15)
                z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
                z = z ^ (z >> np.uint64(27))
                total += (np.uint64(word) + np.uint64(1)) * (z | np.uint64(1))
            out[s] = total
