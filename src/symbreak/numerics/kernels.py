"""The functions of `reference.py`, compiled: the same operations in the same order, so the same bits.

One scalar function per formula; the loops below them are what runs. Fast-math stays off: it would let the compiler
reorder or contract operations. This module loads Numba and is imported only where arrays are large.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symbreak.compiling import compiled, inlined
from symbreak.numerics import reference as r
from symbreak.numerics.kernels_choice import nearest, pick, scaled, signed, size

LN2_HIGH, LN2_LOW, LOG2_E, SQRT_HALF = r.LN2_HIGH, r.LN2_LOW, r.LOG2_E, r.SQRT_HALF
EXPM1_TERMS, LOG_TERMS, ERFCX_TERMS = r.EXPM1_TERMS, r.LOG_TERMS, r.ERFCX_TERMS
ERFCX_CENTRE, SMALLEST_NORMAL = r.ERFCX_CENTRE, r.SMALLEST_NORMAL
MANTISSA, HALF_WORD = np.int64(r.MANTISSA), np.int64(r.HALF_WORD)


@inlined
def _reduce(x: Any) -> Any:
    clipped = pick(x < -760.0, -760.0, x)
    clipped = pick(clipped > 760.0, 760.0, clipped)
    k = nearest(clipped * LOG2_E)
    return (clipped - k * LN2_HIGH) - k * LN2_LOW, k


@inlined
def _growth(x: Any) -> Any:
    total = x * EXPM1_TERMS[0] + EXPM1_TERMS[1]
    for n in range(2, len(EXPM1_TERMS)):
        total = total * x + EXPM1_TERMS[n]
    return x * total


@inlined
def _exp(x: Any) -> Any:
    rest, k = _reduce(x)
    return scaled(1.0 + _growth(rest), k)


@inlined
def _expm1(x: Any) -> Any:
    rest, k = _reduce(x)
    growth = _growth(rest)
    whole = scaled(1.0, pick(k < 60.0, k, 60.0))
    small = whole * growth + (whole - 1.0)
    return pick(k > 60.0, scaled(1.0 + growth, k), small)


@inlined
def _tanh(x: Any) -> Any:
    # expm1 of -2|x|, without the branch for large arguments: it would keep the loop from being vectorised.
    rest, k = _reduce(-2.0 * size(x))
    whole = scaled(1.0, k)
    e = whole * _growth(rest) + (whole - 1.0)
    return signed((0.0 - e) / (e + 2.0), x)


@inlined
def _log(x: Any) -> Any:
    regular = (x > 0.0) and (x < np.inf)
    safe = x if regular else 1.0
    small = safe < SMALLEST_NORMAL
    word = np.float64(safe * 2.0**54 if small else safe).view(np.int64)
    k = np.float64((word >> np.int64(52)) - np.int64(1022) - np.int64(54 if small else 0))
    m = np.int64((word & MANTISSA) | HALF_WORD).view(np.float64)
    low = m < SQRT_HALF
    m = m + m if low else m
    k = k - 1.0 if low else k
    f = m - 1.0
    s = f / (m + 1.0)
    square = s * s
    total = LOG_TERMS[0]
    for n in range(1, len(LOG_TERMS)):
        total = total * square + LOG_TERMS[n]
    tail = 2.0 * square * total
    value = k * LN2_HIGH + (f - (s * (f - tail) - k * LN2_LOW))
    special = -np.inf if x == 0.0 else (x if x > 0.0 else np.nan)
    return value if regular else special


@inlined
def _log1p(x: Any) -> Any:
    whole = 1.0 + x
    finite = (whole > 0.0) and (whole < np.inf)
    safe = whole if finite else 1.0
    lost = (x - (safe - 1.0) if finite else 0.0) / safe
    return _log(whole) + lost


@inlined
def _erfcx(x: Any) -> Any:
    t = (x - ERFCX_CENTRE) / (x + ERFCX_CENTRE)
    twice = t + t
    one, two = 0.0, 0.0
    for n in range(len(ERFCX_TERMS) - 1, 0, -1):
        one, two = (twice * one - two) + ERFCX_TERMS[n], one
    return ((t * one - two) + ERFCX_TERMS[0]) / (1.0 + 2.0 * x)


@inlined
def _normal_cdf(x: Any) -> Any:
    far = np.abs(x)
    far = 40.0 if far > 40.0 else far
    high = np.rint(far * 16.0) * 0.0625
    density = _exp(-0.5 * high * high) * _exp(-0.5 * (far - high) * (far + high))
    lower = 0.5 * density * _erfcx(far * SQRT_HALF)
    value = lower if x <= 0.0 else 1.0 - lower
    return 0.5 if x == 0.0 else value


@compiled
def exp(x: Any, out: Any) -> None:
    """Fill `out` with e^x, both flat float64."""
    for i in range(x.size):
        out[i] = _exp(x[i])


@compiled
def expm1(x: Any, out: Any) -> None:
    """Fill `out` with e^x - 1, both flat float64."""
    for i in range(x.size):
        out[i] = _expm1(x[i])


@compiled
def log(x: Any, out: Any) -> None:
    """Fill `out` with the natural logarithm of x, both flat float64."""
    for i in range(x.size):
        out[i] = _log(x[i])


@compiled
def log1p(x: Any, out: Any) -> None:
    """Fill `out` with log(1 + x), both flat float64."""
    for i in range(x.size):
        out[i] = _log1p(x[i])


@compiled
def tanh(x: Any, out: Any) -> None:
    """Fill `out` with tanh x, both flat float64."""
    for i in range(x.size):
        out[i] = _tanh(x[i])


@compiled
def normal_cdf(x: Any, out: Any) -> None:
    """Fill `out` with the normal distribution function of x, both flat float64."""
    for i in range(x.size):
        out[i] = _normal_cdf(x[i])
