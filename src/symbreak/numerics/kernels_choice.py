"""What the compiled formulas need beside + - * /, for one number and, where somebody says how, for a vector of them.

A formula that is written with these and with operators can be compiled for both: `network.kernels_lanes` adds vectors.
This module loads Numba.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from symbreak.compiling import WITHIN
from symbreak.numerics import reference, single

SINGLE_TO_INTEGER, DOUBLE_TO_INTEGER = single.TO_INTEGER, reference.TO_INTEGER
SINGLE_BITS, DOUBLE_BITS = np.int32(single.TO_INTEGER_BITS), np.int64(reference.TO_INTEGER_BITS)


def pick(condition: Any, one: Any, other: Any) -> Any:
    """Return `one` where the condition holds, else `other`; both are evaluated."""


def size(x: Any) -> Any:
    """Return |x|."""


def nearest(x: Any) -> Any:
    """Return the whole number nearest to x, the even one if two are."""


def signed(value: Any, sign: Any) -> Any:
    """Return `value` with the sign of `sign`."""


def scaled(value: Any, k: Any) -> Any:
    """Return value * 2^k for a whole k, in two factors: one alone may overflow, or lose a subnormal result."""


@overload(pick, strict=False, jit_options=WITHIN)
def _pick(condition: Any, one: Any, other: Any) -> Any:
    return (lambda condition, one, other: one if condition else other) if _number(one, other) else None


@overload(size, strict=False, jit_options=WITHIN)
def _size(x: Any) -> Any:
    return (lambda x: np.abs(x)) if _number(x) else None


@overload(nearest, strict=False, jit_options=WITHIN)
def _nearest(x: Any) -> Any:
    return (lambda x: np.rint(x)) if _number(x) else None


@overload(signed, strict=False, jit_options=WITHIN)
def _signed(value: Any, sign: Any) -> Any:
    return (lambda value, sign: np.copysign(value, sign)) if _number(value, sign) else None


@overload(scaled, strict=False, jit_options=WITHIN)
def _scaled(value: Any, k: Any) -> Any:
    if not _number(value, k):
        return None
    return _scaled_single if k == types.float32 else _scaled_double


def _scaled_single(value: Any, k: Any) -> Any:
    whole = np.int32(np.float32(k + SINGLE_TO_INTEGER).view(np.int32) - SINGLE_BITS)
    half = np.int32(whole >> np.int32(1))
    low = np.int32((half + np.int32(127)) << np.int32(23)).view(np.float32)
    high = np.int32((np.int32(whole - half) + np.int32(127)) << np.int32(23)).view(np.float32)
    return (value * low) * high


def _scaled_double(value: Any, k: Any) -> Any:
    whole = np.float64(k + DOUBLE_TO_INTEGER).view(np.int64) - DOUBLE_BITS
    half = whole >> np.int64(1)
    low = np.int64((half + np.int64(1023)) << np.int64(52)).view(np.float64)
    high = np.int64((whole - half + np.int64(1023)) << np.int64(52)).view(np.float64)
    return (value * low) * high


def _number(*kinds: Any) -> bool:
    return all(isinstance(kind, types.Number) for kind in kinds)
