"""From random words to standard normal values: the inverse distribution function, without logarithm, cosine or
exponential.

Only +, -, *, / and sqrt are used, each rounded once by IEEE 754 and in the order written, so every machine makes the
same bits (no fused multiply-add). tools/fit_normal.py finds the coefficients; the literals here are the
specification.

A position X is a signed 64-bit integer that stands for x = (X + 1/2) / 2^63 in (-1, 1); the value is the z with P(|Z|
< z) = |x| and the sign of x. Where t = 1 - |x| is at least 2^-10 the upper 32 bits suffice (the centre, in float32);
below, all 64 are used (the tail, in float64), so values reach beyond 9 sigma.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Single = NDArray[np.float32]
Double = NDArray[np.float64]
Integer = NDArray[np.int64]

TAIL_BELOW = 2**21
"""The tail begins where the 31-bit integer m, with t = (m + 1/2) / 2^31, is below this: t < 2^-10, |z| > 3.297."""

CENTRE_ROOT = np.float32(1.2533141)  # sqrt(pi / 2), the slope of z at x = 0
CENTRE_SLOPE = np.float32(1.25)
CENTRE_P = tuple(map(np.float32, (2.8498871, 264.6261, 3121.2573, -1492.7655, -41808.06, -36681.29)))
CENTRE_Q = tuple(map(np.float32, (1.19, 195.42163, 5066.865, 33123.227, 61104.28, 29504.922)))

TAIL_P = (
    14.296405030962116,
    1839.2873591388743,
    36133.545212646764,
    119340.09955020213,
    -156363.86996164982,
    -158857.2843493848,
    193740.4381085626,
    -35607.12342306466,
)
TAIL_Q = (
    1.0,
    163.011939260409,
    4092.2453368388897,
    21514.076864796898,
    3394.911346110952,
    -39190.983279737324,
    11337.129320170803,
    2885.9326560123386,
)


def polynomial(
    coefficients: tuple[np.float32, ...] | tuple[float, ...], u: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Return c0 + c1 u + c2 u^2 + ... by Horner's rule, in the precision of u."""
    total = np.full_like(u, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total = total * u + u.dtype.type(coefficient)
    return total


def tail_integer(upper: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return m = 2^31 - 1 - |x|'s integer, for the upper 32 bits of a position: small m means an extreme value."""
    return (upper ^ (upper >> 31)) ^ np.int32(2**31 - 1)


def centre(upper: NDArray[np.int32]) -> Single:
    """Return z for the upper 32 bits v of positions with t >= 2^-10.

        x = (v + 1/2) / 2^31,  t = (m + 1/2) / 2^31,  u = sqrt(t (2 - t))
        z = x r0 + (x (1 - u)) (c + P(u) / Q(u))

    t comes from the complementary integer m and not from x, so it has no cancellation.
    """
    half, unit, one, two = map(np.float32, (0.5, 2.0**-31, 1, 2))
    x: NDArray[Any] = (upper.astype(np.float32) + half) * unit
    t = (tail_integer(upper).astype(np.float32) + half) * unit
    u = np.sqrt(t * (two - t))
    correction = CENTRE_SLOPE + polynomial(CENTRE_P, u) / polynomial(CENTRE_Q, u)
    value: Single = x * CENTRE_ROOT + (x * (one - u)) * correction
    return value


def tail(position: Integer) -> Single:
    """Return z for positions with t < 2^-10, as a rational function of the sixteenth root of t.

    With M = 2^63 - 1 - |X|: t = (M div 2^32 + (M mod 2^32 + 1/2) / 2^32) / 2^31.
    """
    complement = (position ^ (position >> 63)) ^ np.int64(2**63 - 1)
    upper, lower = (complement >> 32).astype(np.float64), (complement & 0xFFFFFFFF).astype(np.float64)
    t: Double = (upper + (lower + 0.5) * 2.0**-32) * 2.0**-31
    s = np.sqrt(np.sqrt(np.sqrt(np.sqrt(t))))
    size = (polynomial(TAIL_P, s) / polynomial(TAIL_Q, s)).astype(np.float32)
    return np.where(position < 0, -size, size)
