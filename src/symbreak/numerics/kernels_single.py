"""The functions of `single.py`, compiled: the same operations in the same order, so the same bits.

Constants are typed, for a Python number would turn float32 into float64. This module loads Numba.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symbreak.compiling import compiled, inlined
from symbreak.numerics import single as s

LN2_HIGH, LN2_LOW, LOG2_E, TO_INTEGER = s.LN2_HIGH, s.LN2_LOW, s.LOG2_E, s.TO_INTEGER
LEAST, MOST, EXPM1_TERMS = s.LEAST, s.MOST, s.EXPM1_TERMS
FLAT, TANH_TOP, TANH_BOTTOM = s.FLAT, s.TANH_TOP, s.TANH_BOTTOM
TO_INTEGER_BITS, BIAS, MANTISSA_BITS = np.int32(s.TO_INTEGER_BITS), np.int32(127), np.int32(23)
ONE = np.float32(1)


@inlined
def _power_of_two(k: Any) -> Any:
    return np.int32((k + BIAS) << MANTISSA_BITS).view(np.float32)


@inlined
def _whole(k: Any) -> Any:
    return np.int32(np.float32(k + TO_INTEGER).view(np.int32) - TO_INTEGER_BITS)


@inlined
def _growth(r: Any) -> Any:
    value = EXPM1_TERMS[0]
    for n in range(1, len(EXPM1_TERMS)):
        value = value * r + EXPM1_TERMS[n]
    return value * r


@inlined
def exp(x: Any) -> Any:
    """Return e^x of one float32."""
    clipped = LEAST if x < LEAST else x
    clipped = MOST if clipped > MOST else clipped
    k = np.rint(clipped * LOG2_E)
    r = (clipped - k * LN2_HIGH) - k * LN2_LOW
    whole = _whole(k)
    half = np.int32(whole >> np.int32(1))
    return ((ONE + _growth(r)) * _power_of_two(half)) * _power_of_two(np.int32(whole - half))


@inlined
def _quartic(s: Any, c: Any) -> Any:
    return (c[0] + c[1] * s) + (s * s) * ((c[2] + c[3] * s) + c[4] * (s * s))


@inlined
def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent of one float32."""
    size = np.abs(x)
    size = FLAT if size > FLAT else size
    square = size * size
    value = size * (_quartic(square, TANH_TOP) / _quartic(square, TANH_BOTTOM))
    return np.copysign(ONE if value > ONE else value, x)


@compiled
def fill_exp(x: Any, out: Any) -> None:
    """Fill `out` with e^x, both flat float32."""
    for i in range(x.size):
        out[i] = exp(x[i])


@compiled
def fill_tanh(x: Any, out: Any) -> None:
    """Fill `out` with tanh x, both flat float32."""
    for i in range(x.size):
        out[i] = tanh(x[i])
