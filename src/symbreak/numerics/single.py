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
# e^x is 0 below and infinite above; tanh x is 1 beyond 20 whatever the rounding.
LEAST, MOST, FLAT = f32(-104.0), f32(89.0), f32(-40.0)
# |r| <= ln(2)/2: the first omitted term r^8/8! is below 2^-27 of the result.
EXPM1_TERMS = tuple(f32(1.0 / math.factorial(n)) for n in range(7, 0, -1))

# Below this many elements loading Numba and its cached kernels costs more than NumPy's passes over the array.
KERNEL_SIZE = 2**10


def exp(x: Array) -> Array:
    """Return e^x; 0 below the smallest float32, inf above the largest.

    >>> exp(np.float32([0, -200, 200])).tolist()
    [1.0, 0.0, inf]
    """
    return _compiled("exp", x) if x.size >= KERNEL_SIZE else _exp(x)


def tanh(x: Array) -> Array:
    """Return the hyperbolic tangent; odd to the last bit.

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
    """Return -e / (e + 2) with e = expm1(-2|x|) = 2^k (e^r - 1) + (2^k - 1)."""
    r, k = _reduce(np.maximum(-2 * np.abs(x), FLAT))
    power = _power_of_two(_whole(k))
    e = power * _growth(r) + (power - 1)
    return np.copysign(-e / (e + 2), x)


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
