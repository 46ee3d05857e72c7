"""What is drawn: a law turns a key and flat indices into values, one for each index. This is the readable reference.

Where a law is scaled, the order is fixed: z in float32; times float32(scale), rounded; plus float32(mean), rounded.
Both steps are always done, also for scale 1 and mean 0 (so a product that underflows to -0 becomes +0).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symbreak.random.keys import Key
from symbreak.random.philox import words
from symbreak.random.transform import TAIL_BELOW, centre, tail, tail_integer
from symbreak.random.truncation import Plan

Single = NDArray[np.float32]
Flat = NDArray[np.int64]


@dataclass(frozen=True)
class Bits:
    """The 32-bit words themselves."""

    def values(self, key: Key, flat: Flat) -> NDArray[np.uint32]:
        """Return one word for each flat index."""
        return words(key, flat)


@dataclass(frozen=True)
class Uniform:
    """low + (word + 1/2) / 2^32 * (high - low) in float64, rounded to float32, then kept in [least, most]."""

    low: float
    high: float
    least: np.float32
    most: np.float32

    def values(self, key: Key, flat: Flat) -> Single:
        """Return one value for each flat index."""
        part = (words(key, flat).astype(np.float64) + 0.5) * 2.0**-32
        value = (self.low + part * (self.high - self.low)).astype(np.float32)
        return np.minimum(np.maximum(value, self.least), self.most)


@dataclass(frozen=True)
class Normal:
    """mean + scale z for a standard normal z."""

    mean: np.float32
    scale: np.float32

    def values(self, key: Key, flat: Flat) -> Single:
        """Return one value for each flat index."""
        value: Single = standard_normal(key, flat) * self.scale + self.mean
        return value


@dataclass(frozen=True)
class Truncated:
    """mean + scale z for a standard normal z that is known to lie in the plan's interval; then kept in [least,
    most]."""

    plan: Plan
    mean: np.float32
    scale: np.float32
    least: np.float32
    most: np.float32

    def values(self, key: Key, flat: Flat) -> Single:
        """Return one value for each flat index."""
        value: Single = self.plan.values(key, flat) * self.scale + self.mean
        return np.minimum(np.maximum(value, self.least), self.most)


Law = Bits | Uniform | Normal | Truncated


def standard_normal(key: Key, flat: Flat) -> Single:
    """Return the standard normal values of these flat indices. The word is the upper half of a position, as a signed
    integer."""
    upper = words(key, flat).view(np.int32)
    value = centre(upper)
    extreme = np.flatnonzero(tail_integer(upper) < TAIL_BELOW)
    if len(extreme):
        second = words(key, flat[extreme], plane=1).astype(np.int64)
        value[extreme] = tail((upper[extreme].astype(np.int64) << 32) | second)
    return value
