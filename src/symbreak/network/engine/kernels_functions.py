"""Activations, compiled: the formulas of `numerics.activations` on flat arrays.

Each function of one number is written once for float32 and float64; where the reference widens float32 (all but exp
and tanh do), so do these, and the result is rounded where it is stored. This module loads Numba.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from symbreak.compiling import inlined
from symbreak.network.kernels_lanes import in_widest_vectors
from symbreak.numerics import kernels as double
from symbreak.numerics import kernels_single as single
from symbreak.numerics.activations import SELU_ALPHA, SELU_SCALE
from symbreak.numerics.kernels_choice import pick, size

DENSITY_AT_ZERO = 1 / math.sqrt(2 * math.pi)
expm1, log1p, normal_cdf = double._expm1, double._log1p, double._normal_cdf


def exp(x: Any) -> Any:
    """Return e^x in the dtype of x."""


def tanh(x: Any) -> Any:
    """Return tanh x in the dtype of x."""


def as_is(value: Any, x: Any) -> Any:
    """Return the constant in the dtype of x, as NumPy reads a Python number beside an array."""


def _is_single(x: Any) -> bool:
    return bool(getattr(x, "dtype", x) == types.float32)


@overload(exp, strict=False)
def _exp(x: Any) -> Any:
    family = single.exp if _is_single(x) else double._exp
    return lambda x: family(x)


@overload(tanh, strict=False)
def _tanh(x: Any) -> Any:
    family = single.tanh if _is_single(x) else double._tanh
    return lambda x: family(x)


@overload(as_is, strict=False)
def _as_is(value: Any, x: Any) -> Any:
    return (lambda value, x: np.float32(value)) if _is_single(x) else (lambda value, x: np.float64(value))


@inlined
def wide(z: Any) -> Any:
    """Return the number as float64."""
    return np.float64(z)


# One activation is a pair: (z, c) -> g(z) and (z, a, c) -> g'(z), with a = g(z) and the activation's parameter c.


@inlined
def _identity(z: Any, c: Any) -> Any:
    return z


@inlined
def _identity_slope(z: Any, a: Any, c: Any) -> Any:
    return as_is(1, z)


@inlined
def sigmoid(z: Any, c: Any) -> Any:
    """Return 1 / (1 + e^-z)."""
    e, one = exp(as_is(-1, z) * size(z)), as_is(1, z)
    return pick(z >= as_is(0, z), one, e) / (one + e)


@inlined
def _sigmoid_slope(z: Any, a: Any, c: Any) -> Any:
    return a * (as_is(1, a) - a)


@inlined
def _tanh_value(z: Any, c: Any) -> Any:
    return tanh(z)


@inlined
def _tanh_slope(z: Any, a: Any, c: Any) -> Any:
    return (as_is(1, a) - a) * (as_is(1, a) + a)


@inlined
def _relu(z: Any, c: Any) -> Any:
    return pick(z <= as_is(0, z), as_is(0, z), z)


@inlined
def _relu_slope(z: Any, a: Any, c: Any) -> Any:
    zero = as_is(0, z)
    return pick(z > zero, as_is(1, z), pick(z == zero, as_is(c, z), zero))


@inlined
def _leaky_relu(z: Any, c: Any) -> Any:
    return pick(z > as_is(0, z), z, as_is(c, z) * z)


@inlined
def _leaky_relu_slope(z: Any, a: Any, c: Any) -> Any:
    return pick(z > as_is(0, z), as_is(1, z), as_is(c, z))


@inlined
def _elu(z: Any, c: Any) -> Any:
    return wide(z) if z > 0 else c * expm1(wide(z))


@inlined
def _elu_slope(z: Any, a: Any, c: Any) -> Any:
    return as_is(1, a) if z > 0 else a + as_is(c, a)


@inlined
def _selu(z: Any, c: Any) -> Any:
    return SELU_SCALE * _elu(z, SELU_ALPHA)


@inlined
def _selu_slope(z: Any, a: Any, c: Any) -> Any:
    return as_is(SELU_SCALE, a) if z > 0 else a + as_is(SELU_SCALE * SELU_ALPHA, a)


@inlined
def _gelu(z: Any, c: Any) -> Any:
    return wide(z) * normal_cdf(wide(z))


@inlined
def _gelu_slope(z: Any, a: Any, c: Any) -> Any:
    bump = z * exp(as_is(-0.5, z) * z * z) * as_is(DENSITY_AT_ZERO, z)
    return normal_cdf(wide(z)) + wide(bump)


@inlined
def _silu(z: Any, c: Any) -> Any:
    return z * sigmoid(z, c)


@inlined
def _silu_slope(z: Any, a: Any, c: Any) -> Any:
    s, one = sigmoid(z, c), as_is(1, z)
    return s * (one + z * (one - s))


@inlined
def softplus(z: Any, c: Any) -> Any:
    """Return log(1 + e^z), not rounded to float32 yet: mish goes on from here."""
    return wide(as_is(0, z) if z <= 0 else z) + log1p(wide(exp(-np.abs(z))))


@inlined
def _softplus_slope(z: Any, a: Any, c: Any) -> Any:
    return sigmoid(z, c)


@inlined
def _mish(z: Any, c: Any) -> Any:
    return wide(z) * double._tanh(softplus(z, c))


@inlined
def _mish_slope(z: Any, a: Any, c: Any) -> Any:
    t = double._tanh(softplus(z, c))
    return t + wide(z * sigmoid(z, c)) * ((1.0 - t) * (1.0 + t))


# In the order of `codes.ACTIVATIONS`.
VALUES = (_identity, sigmoid, _tanh_value, _relu, _leaky_relu, _elu, _selu, _gelu, _silu, softplus, _mish)
SLOPES = (
    _identity_slope, _sigmoid_slope, _tanh_slope, _relu_slope, _leaky_relu_slope, _elu_slope, _selu_slope,
    _gelu_slope, _silu_slope, _softplus_slope, _mish_slope,
)  # fmt: skip


def activate(kind: Any, c: Any, z: Any, a: Any) -> None:
    """Fill the beginning of `a` with g(z), both flat; the length of the tuple `kind` is the activation's code."""


def multiply_by_slopes(kind: Any, c: Any, z: Any, a: Any, out: Any) -> None:
    """Multiply `out` by g'(z), all flat; a is g(z)."""


@overload(activate, strict=False)
def _activate(kind: Any, c: Any, z: Any, a: Any) -> Any:
    value = VALUES[kind.count]

    def fill(kind, c, z, a):  # type: ignore[no-untyped-def]
        in_widest_vectors()
        for i in range(z.size):
            a[i] = value(z[i], c)

    return fill


@overload(multiply_by_slopes, strict=False)
def _multiply_by_slopes(kind: Any, c: Any, z: Any, a: Any, out: Any) -> Any:
    slope = SLOPES[kind.count]

    def multiply(kind, c, z, a, out):  # type: ignore[no-untyped-def]
        in_widest_vectors()
        for i in range(z.size):
            out[i] = out[i] * as_is(slope(z[i], a[i], c), z[i])

    return multiply
