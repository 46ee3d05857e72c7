"""exp and tanh of float32, computed in float32, with the same bits on every machine.

The formulas of `reference.py` a size smaller: only operations that IEEE 754 rounds alike everywhere, one NumPy call
each. Errors stay within a few units in the last place (tests measure all of them). `kernels_single.py` performs the
same operations in the same order on large arrays.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
f32 = np.float32

# ln 2 in two parts; the first has nine bits, so k * LN2_HIGH is exact for every exponent k.
LN2_HIGH = f32(0.693359375)
LN2_LOW = f32(math.log(2) - 0.693359375)
LOG2_E = f32(1 / math.log(2))
TO_INTEGER = f32(1.5 * 2.0**23)
TO_INTEGER_BITS = 0x4B400000
# e^x is 0 below and infinite above.
LEAST, MOST = f32(-104.0), f32(89.0)
# |r| <= ln(2)/2: the first omitted term r^8/8! is below 2^-27 of the result.
EXPM1_TERMS = tuple(f32(1.0 / math.factorial(n)) for n in range(7, 0, -1))
# tanh x = x P(x^2) / Q(x^2) up to FLAT, from where on it rounds to 1; lowest coefficient first, printed by
# tools/fit_tanh.py. All are positive, so nothing cancels; half the operations of a quotient of exponentials.
FLAT = f32(9.02)
TANH_TOP = tuple(
    map(f32, (1.0, 0.13382779063438047, 0.0034975630868382315, 2.0637418796085382e-05, 1.3386250615455925e-08))
)
TANH_BOTTOM = tuple(
    map(f32, (1.0, 0.46716100494292334, 0.025884771194210662, 0.0003288683708365066, 7.79110427825308e-07))
)

# Below this many elements loading Numba and its cached kernels costs more than NumPy's passes over the array.
KERNEL_SIZE = 2**10


def exp(x: Array) -> Array:
    """Return e^x; 0 below the smallest float32, inf above the largest.

    >>> exp(np.float32([0, -200, 200])).tolist()
    [1.0, 0.0, inf]
    """
    return _compiled("exp", x) if x.size >= KERNEL_SIZE else _exp(x)


def tanh(x: Array) -> Array:
    """Return the hyperbolic tangent; odd to the last bit, never beyond 1, and 1 from 9.02 on.

    >>> tanh(np.float32([-50, 0, 50])).tolist()
    [-1.0, 0.0, 1.0]
    """
    return _compiled("tanh", x) if x.size >= KERNEL_SIZE else _tanh(x)


def _exp(x: Array) -> Array:
    r, k = _reduce(np.clip(x, LEAST, MOST))
    whole = _whole(k)
    half = whole >> 1
    with np.errstate(over="ignore", under="ignore"):
        # Two factors, for one alone may overflow or lose a subnormal result.
        return ((1 + _growth(r)) * _power_of_two(half)) * _power_of_two(whole - half)


def _tanh(x: Array) -> Array:
    size = np.minimum(np.abs(x), FLAT)
    square = size * size
    value = size * (_quartic(square, TANH_TOP) / _quartic(square, TANH_BOTTOM))
    return np.asarray(np.copysign(np.minimum(value, 1), x))


def _quartic(s: Array, c: tuple[f32, ...]) -> Array:
    """Evaluate a polynomial by pairs of terms: fewer roundings one after the other than Horner's rule."""
    return np.asarray((c[0] + c[1] * s) + (s * s) * ((c[2] + c[3] * s) + c[4] * (s * s)))


def _reduce(x: Array) -> tuple[Array, Array]:
    """Write x = k ln 2 + r with |r| <= ln(2)/2."""
    k = np.rint(x * LOG2_E)
    return (x - k * LN2_HIGH) - k * LN2_LOW, k


def _growth(r: Array) -> Array:
    """Return e^r - 1."""
    value = np.full_like(r, EXPM1_TERMS[0])
    for term in EXPM1_TERMS[1:]:
        value = value * r + term
    return value * r


def _whole(k: Array) -> NDArray[np.int32]:
    # Adding 1.5 * 2^23 leaves the integer k in the low bits of the sum: a conversion that nan cannot upset.
    return (k + TO_INTEGER).view(np.int32) - np.int32(TO_INTEGER_BITS)


def _power_of_two(k: NDArray[np.int32]) -> Array:
    return ((k + np.int32(127)) << np.int32(23)).view(np.float32)


def _compiled(name: str, x: Array) -> Array:
    from symbreak.numerics import kernels_single

    flat = np.ascontiguousarray(x).reshape(-1)
    out = np.empty_like(flat)
    getattr(kernels_single, f"fill_{name}")(flat, out)
    return out.reshape(x.shape)
