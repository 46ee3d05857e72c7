"""exp, expm1, log, log1p, tanh and the normal distribution function: the specification, in readable NumPy.

Only operations that IEEE 754 rounds alike everywhere are used: + - * /, rounding to an integer, comparison, and
changing exponent bits; one NumPy call each, so nothing can be contracted into a fused multiply-add. Mathematical
libraries promise no such thing: their exp and tanh differ between releases and instruction sets in the last bit.
Arrays and results are float64; errors stay within a few units in the last place (tests measure them). The kernels
of `kernels.py` perform the same operations in the same order, so their bits are these.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# ln 2 in two parts; the first has 21 zero bits at its end, so k * LN2_HIGH is exact for every exponent k.
LN2_HIGH = float.fromhex("0x1.62e42fee00000p-1")
LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
LOG2_E = float.fromhex("0x1.71547652b82fep+0")
TO_INTEGER = 1.5 * 2.0**52
TO_INTEGER_BITS = 0x4338000000000000
SMALLEST_NORMAL = 2.0**-1022
MANTISSA = 0x000FFFFFFFFFFFFF
HALF_WORD = 0x3FE0000000000000
SQRT_HALF = float.fromhex("0x1.6a09e667f3bcdp-1")

# |r| <= ln(2)/2: the first omitted term r^14/14! is below 2^-57 of the result.
EXPM1_TERMS = tuple(1.0 / math.factorial(n) for n in range(13, 0, -1))
# |s| <= 0.1716: the first omitted term of atanh(s)/s, s^24/25, is below 2^-65.
LOG_TERMS = tuple(1.0 / n for n in range(23, 1, -2))

# Chebyshev coefficients of (1 + 2x) erfcx(x) in t = (x - 3.75)/(x + 3.75); printed by tools/fit_normal_cdf.py.
ERFCX_CENTRE = 3.75
ERFCX_TERMS = (
    1.1775789345674017,
    -0.004590054580646478,
    -0.08424913336651792,
    0.05920993999819189,
    -0.026658668435305753,
    0.009074997670705265,
    -0.002413163540417608,
    0.0004907758365258086,
    -6.916973302501207e-05,
    4.13902798607301e-06,
    7.74038306619849e-07,
    -2.1886401049234397e-07,
    1.076499946567091e-08,
    4.521959811218287e-09,
    -7.754400208831351e-10,
    -6.318088340886684e-11,
    2.86879501093067e-11,
    1.9455868545777347e-13,
    -9.65469674843344e-13,
    3.25254814814874e-14,
    3.3478119482868056e-14,
    -1.864562880419313e-15,
    -1.2507950530688648e-15,
    7.418235256624044e-17,
    5.068148904796111e-17,
    -2.2370566594359995e-18,
)


def exp(x: Array) -> Array:
    """Return e^x; 0 below the smallest float64, inf above the largest."""
    r, k = _reduce(x)
    return _times_power_of_two(1.0 + r * _horner(r, EXPM1_TERMS), k)


def expm1(x: Array) -> Array:
    """Return e^x - 1 without cancellation near 0: 2^k (e^r - 1) + (2^k - 1)."""
    r, k = _reduce(x)
    growth = r * _horner(r, EXPM1_TERMS)
    # From 2^60 on the 1 is below rounding; capping k there keeps the other branch finite.
    whole = _times_power_of_two(np.ones_like(r), np.minimum(k, 60.0))
    return np.where(k > 60.0, _times_power_of_two(1.0 + growth, k), whole * growth + (whole - 1.0))


def log(x: Array) -> Array:
    """Return the natural logarithm; -inf at 0 and nan below."""
    regular = (x > 0.0) & (x < np.inf)
    m, k = _mantissa(np.where(regular, x, 1.0))
    f = m - 1.0
    s = f / (m + 1.0)
    square = s * s
    # log(1 + f) = f - s (f - (tail of 2 atanh s)), so that the leading f carries no rounding.
    tail = 2.0 * square * _horner(square, LOG_TERMS)
    value = k * LN2_HIGH + (f - (s * (f - tail) - k * LN2_LOW))
    special = np.where(x == 0.0, -np.inf, np.where(x > 0.0, x, np.nan))
    return np.where(regular, value, special)


def log1p(x: Array) -> Array:
    """Return log(1 + x), exact to rounding also for tiny x."""
    whole = 1.0 + x
    finite = (whole > 0.0) & (whole < np.inf)
    safe = np.where(finite, whole, 1.0)
    # What rounding took from 1 + x, divided by the derivative's denominator.
    lost = np.where(finite, x - (safe - 1.0), 0.0) / safe
    return log(whole) + lost


def tanh(x: Array) -> Array:
    """Return the hyperbolic tangent; odd to the last bit."""
    e = expm1(-2.0 * np.abs(x))
    return np.copysign(-e / (e + 2.0), x)


def normal_cdf(x: Array) -> Array:
    """Return the standard normal distribution function, with full relative precision in the lower tail."""
    size = np.minimum(np.abs(x), 40.0)
    lower = 0.5 * _exp_of_minus_half_square(size) * _erfcx(size * SQRT_HALF)
    value = np.where(x <= 0.0, lower, 1.0 - lower)
    # At 0 the series is one rounding off; the true value is exact.
    return np.where(np.isnan(x), x, np.where(x == 0.0, 0.5, value))


def _reduce(x: Array) -> tuple[Array, Array]:
    """Write x = k ln 2 + r with |r| <= ln(2)/2; beyond the range of float64 the ends stand in."""
    clipped = np.clip(x, -760.0, 760.0)
    k = np.rint(clipped * LOG2_E)
    return (clipped - k * LN2_HIGH) - k * LN2_LOW, k


def _times_power_of_two(value: Array, k: Array) -> Array:
    """Return value * 2^k in two exact factors, for one alone may overflow or lose a subnormal result."""
    # Adding 1.5 * 2^52 leaves the integer k in the low bits of the sum: a conversion that nan cannot upset.
    whole = (k + TO_INTEGER).view(np.int64) - TO_INTEGER_BITS
    half = whole >> 1
    with np.errstate(over="ignore", under="ignore"):
        return (value * _power_of_two(half)) * _power_of_two(whole - half)


def _mantissa(x: Array) -> tuple[Array, Array]:
    """Write a positive x = m 2^k with m in [sqrt(1/2), sqrt(2))."""
    small = x < SMALLEST_NORMAL
    word = (x * np.where(small, 2.0**54, 1.0)).view(np.int64)
    k = (word >> 52) - 1022 - np.where(small, 54, 0)
    m = ((word & MANTISSA) | HALF_WORD).view(np.float64)
    low = m < SQRT_HALF
    return np.where(low, m + m, m), (k - low).astype(np.float64)


def _power_of_two(k: NDArray[np.int64]) -> Array:
    return ((k + 1023) << 52).view(np.float64)


def _horner(x: Array, coefficients: Sequence[float]) -> Array:
    """Evaluate the polynomial whose highest coefficient comes first."""
    total = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        total *= x
        total += coefficient
    return total


def _erfcx(x: Array) -> Array:
    """Return exp(x^2) erfc(x) for x >= 0 by Clenshaw's recurrence."""
    t = (x - ERFCX_CENTRE) / (x + ERFCX_CENTRE)
    twice = t + t
    one, two = np.zeros_like(t), np.zeros_like(t)
    for coefficient in reversed(ERFCX_TERMS[1:]):
        one, two = (twice * one - two) + coefficient, one
    return ((t * one - two) + ERFCX_TERMS[0]) / (1.0 + 2.0 * x)


def _exp_of_minus_half_square(x: Array) -> Array:
    """Return exp(-x^2/2) with x^2 split exactly: its rounding would cost as many digits as x^2 has."""
    high = np.rint(x * 16.0) * 0.0625
    return exp(-0.5 * high * high) * exp(-0.5 * (x - high) * (x + high))
