"""The functions of `single.py`, compiled: the same operations in the same order, so the same bits.

Constants are typed, for a Python number would turn float32 into float64. This module loads Numba.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symbreak.compiling import compiled, inlined
from symbreak.numerics import single as s
from symbreak.numerics.kernels_choice import nearest, pick, scaled, signed, size

LN2_HIGH, LN2_LOW, LOG2_E = s.LN2_HIGH, s.LN2_LOW, s.LOG2_E
LEAST, MOST, EXPM1_TERMS = s.LEAST, s.MOST, s.EXPM1_TERMS
FLAT, TANH_TOP, TANH_BOTTOM = s.FLAT, s.TANH_TOP, s.TANH_BOTTOM
ONE = np.float32(1)


@inlined
def _growth(r: Any) -> Any:
    value = r * EXPM1_TERMS[0] + EXPM1_TERMS[1]
    for n in range(2, len(EXPM1_TERMS)):
        value = value * r + EXPM1_TERMS[n]
    return value * r


@inlined
def exp(x: Any) -> Any:
    """Return e^x of float32: of one number, or of a vector of them."""
    clipped = pick(x < LEAST, LEAST, x)
    clipped = pick(clipped > MOST, MOST, clipped)
    k = nearest(clipped * LOG2_E)
    r = (clipped - k * LN2_HIGH) - k * LN2_LOW
    return scaled(ONE + _growth(r), k)


@inlined
def _quartic(s: Any, c: Any) -> Any:
    return (c[0] + c[1] * s) + (s * s) * ((c[2] + c[3] * s) + c[4] * (s * s))


@inlined
def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent of float32: of one number, or of a vector of them."""
    most = size(x)
    most = pick(most > FLAT, FLAT, most)
    square = most * most
    value = most * (_quartic(square, TANH_TOP) / _quartic(square, TANH_BOTTOM))
    return signed(pick(value > ONE, ONE, value), x)


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
