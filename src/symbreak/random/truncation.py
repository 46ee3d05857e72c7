"""The normal law cut to an interval: exact, one word (or two) for each value, never a rejection.

`plan` looks at the interval once and chooses one of three ways; all of them map the uniform into the interval first.

    Wide    at least 2^-8 of the probability: fixed point positions, then the transform of the plain normal.
    Narrow  less, and not far out: the same with all 64 bits for every element, in float64.
    Tail    wholly beyond 2.5 sigma on one side: Newton steps in the logarithm of the tail's probability, in float64.

The constants of a plan are defined as correctly rounded values; they are found with decimal numbers of growing
precision (`exact.py`), so they are the same on every machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symbreak.random import exact
from symbreak.random.keys import Key
from symbreak.random.philox import words
from symbreak.random.transform import (
    CENTRE_P,
    CENTRE_Q,
    CENTRE_ROOT,
    CENTRE_SLOPE,
    TAIL_BELOW,
    centre,
    polynomial,
    tail,
    tail_integer,
)

Single = NDArray[np.float32]
Double = NDArray[np.float64]
Flat = NDArray[np.int64]

TAIL_FROM = 2.5
NEWTON_STEPS = 6

# z times Mills' ratio (1 - Phi(z)) / phi(z), as a rational function of 1 / z^2, for z >= 2.5 (tools/fit_normal.py).
MILLS_P = (
    0.9999999999992863,
    31.270283984892078,
    301.5693698272267,
    1027.8101937931865,
    1035.0407275075831,
    135.70392702302655,
)
MILLS_Q = (
    1.0,
    32.27028398276055,
    330.8396548362736,
    1276.8388026530852,
    1698.434475288857,
    521.5689974992287,
)

LOG_TWO = 0.6931471805599453
ROOT_HALF = 0.7071067811865476


@dataclass(frozen=True)
class Wide:
    """Positions start + word * width, in units of 2^-63."""

    start: int
    width: int

    def values(self, key: Key, flat: Flat) -> Single:
        """Return the float32 values of these elements."""
        first = words(key, flat).astype(np.uint64)
        width = np.uint64(self.width)
        middle = (first * (width >> np.uint64(32))) + ((first * (width & np.uint64(0xFFFFFFFF))) >> np.uint64(32))
        position = (np.uint64(self.start % 2**64) + middle + (width >> np.uint64(33))).view(np.int64)
        upper = (position >> 32).astype(np.int32)
        value = centre(upper)
        extreme = np.flatnonzero(tail_integer(upper) < TAIL_BELOW)
        if len(extreme):
            second = words(key, flat[extreme], plane=1)
            value[extreme] = tail(scaled(self.start, self.width, first[extreme], second))
        return value


@dataclass(frozen=True)
class Narrow:
    """Positions from both words; or, when even they are too coarse, values straight on the line (the density is
    flat)."""

    low: float
    high: float
    start: int
    width: int

    def values(self, key: Key, flat: Flat) -> Single:
        """Return the float32 values of these elements."""
        first, second = words(key, flat), words(key, flat, plane=1)
        if self.width < 2**24:
            return (self.low + unit(first, second) * (self.high - self.low)).astype(np.float32)
        x = (scaled(self.start, self.width, first, second).astype(np.float64) + 0.5) * 2.0**-63
        u = np.sqrt((1.0 - x) * (1.0 + x))
        correction = float(CENTRE_SLOPE) + polynomial(CENTRE_P, u) / polynomial(CENTRE_Q, u)
        return (x * float(CENTRE_ROOT) + (x * (1.0 - u)) * correction).astype(np.float32)


@dataclass(frozen=True)
class Tail:
    """From `near` outwards on the side of `sign`; `ratio` = P(Z > far) / P(Z > near); `mills` belongs to `near`."""

    near: float
    sign: int
    ratio: float
    mills: float

    def values(self, key: Key, flat: Flat) -> Single:
        """Return the float32 values of these elements: near + d, where P(Z > near + d) / P(Z > near) is uniform."""
        first, second = words(key, flat), words(key, flat, plane=1)
        if self.sign > 0:  # so that the value grows with the word on either side
            first, second = ~first, ~second
        v = self.ratio + (1.0 - self.ratio) * unit(first, second)
        beyond = -log(v)
        d = 2.0 * beyond / (self.near + np.sqrt(self.near * self.near + 2.0 * beyond))
        for _ in range(NEWTON_STEPS):
            m = mills_ratio(self.near + d)
            d = d - m * (d * (self.near + 0.5 * d) + log(v * (self.mills / m)))
        return (self.sign * (self.near + d)).astype(np.float32)


Plan = Wide | Narrow | Tail


def plan(low: float, high: float) -> Plan:
    """Choose the way for the interval from low to high, in sigmas; -inf < high, low < inf, low < high.

    >>> [type(plan(*interval)).__name__ for interval in [(-2, 2), (0, 1e-6), (5, 6), (0, math.inf)]]
    ['Wide', 'Narrow', 'Tail', 'Wide']
    """
    near = max(low, -high)
    if near >= TAIL_FROM:
        far = high if low > 0 else -low
        return Tail(near, 1 if low > 0 else -1, exact.tail_ratio(near, far), exact.mills(near))
    start = exact.position(low)
    width = min(exact.position(high) - start, 2**64 - 1)
    return Wide(start, width) if width >= 2**56 else Narrow(low, high, start, width)


def scaled(start: int, width: int, first: NDArray[np.unsignedinteger], second: NDArray[np.uint32]) -> Flat:
    """Return start + floor(W width / 2^64) for the 64-bit numbers W = first 2^32 + second, without overflow."""
    half, low = np.uint64(32), np.uint64(0xFFFFFFFF)
    a, b = first.astype(np.uint64), second.astype(np.uint64)
    upper, lower = np.uint64(width) >> half, np.uint64(width) & low
    cross, crossed = a * lower, b * upper
    carry = ((cross & low) + (crossed & low) + ((b * lower) >> half)) >> half
    offset = a * upper + (cross >> half) + (crossed >> half) + carry
    position: Flat = (np.uint64(start % 2**64) + offset).view(np.int64)
    return position


def unit(first: NDArray[np.uint32], second: NDArray[np.uint32]) -> Double:
    """Return (first 2^32 + second + 1/2) / 2^64 in float64; it can round to 1."""
    result: Double = (first.astype(np.float64) * 2.0**32 + (second.astype(np.float64) + 0.5)) * 2.0**-64
    return result


def mills_ratio(z: Double) -> Double:
    """Return (1 - Phi(z)) / phi(z) for z >= 2.5."""
    w = 1.0 / (z * z)
    result: Double = polynomial(MILLS_P, w) / polynomial(MILLS_Q, w) / z
    return result


def log(v: Double) -> Double:
    """Return the natural logarithm of positive numbers, by the series of artanh: the same bits on every machine."""
    fraction, exponent = np.frexp(v)
    small = fraction < ROOT_HALF
    fraction = np.where(small, fraction * 2.0, fraction)
    exponent = np.where(small, exponent - 1, exponent).astype(np.float64)
    s = (fraction - 1.0) / (fraction + 1.0)
    series = polynomial(tuple(1.0 / (2 * k + 1) for k in range(11)), s * s)
    result: Double = exponent * LOG_TWO + (2.0 * s) * series
    return result


def standard_deviation(low: float, high: float) -> float:
    """Return the standard deviation of the standard normal law cut to [low, high], correctly rounded.

    >>> round(standard_deviation(-2, 2), 6)
    0.879626
    """
    if math.isinf(low) and math.isinf(high):
        return 1.0
    return exact.standard_deviation(low, high)
