"""Checks of what callers give; every function returns the value in the form the laws use, or raises InvalidInput."""

from __future__ import annotations

import math
import numbers
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from symbreak.errors import InvalidInput

Array = NDArray[np.generic]

FLOATS = tuple(np.dtype(kind) for kind in (np.float32, np.float64, np.float16, ml_dtypes.bfloat16))
LARGEST = {"float16": 65504.0, "bfloat16": 255 * 2.0**120}

FARTHEST_SIGMA = 10.0
"""No normal value lies as far out as this (the farthest is at 9.2)."""


def checked_number(label: str, value: object, *, infinite: bool = False) -> float:
    """Return a real number as a float; infinities only where they mean something, never nan."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise InvalidInput(
            f"{label} is a real number",
            got=f"{value!r} ({type(value).__name__})",
            allowed="a float",
            hint=f"{label}=1.0",
        )
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isnan(number) or (math.isinf(number) and not infinite):
        allowed = "a number or an infinity" if infinite else "a finite number"
        raise InvalidInput(f"{label} must be {allowed}", got=value, allowed=allowed, hint=f"{label}=1.0")
    return number + 0.0  # -0 counts as +0


def checked_scale(value: object) -> float:
    """Return a scale: finite and not negative."""
    scale = checked_number("scale", value)
    if scale < 0:
        raise InvalidInput("scale must not be negative", got=value, allowed="a number >= 0", hint=f"scale={-scale}")
    return scale


def checked_order(low: float, high: float) -> None:
    """Raise unless low < high."""
    if not low < high:
        raise InvalidInput(
            "low must be less than high", got=f"low={low}, high={high}", allowed="low < high", hint="swap them"
        )


def checked_dtype(dtype: object) -> np.dtype[np.generic]:
    """Return one of float32, float64, float16, bfloat16."""
    try:
        kind: Any = ml_dtypes.bfloat16 if isinstance(dtype, str) and dtype == "bfloat16" else dtype
        found: Any = None if kind is None else np.dtype(kind)
    except TypeError:
        found = None
    if found is None or found not in FLOATS:
        raise InvalidInput(
            "this type of number cannot be drawn",
            got=repr(dtype),
            allowed="float32, float64, float16, bfloat16 (of the machine's byte order)",
            hint="dtype=np.float32",
        )
    result: np.dtype[np.generic] = found
    return result


def checked_threads(threads: object) -> int | None:
    """Return a number of threads, or None for all cores."""
    if threads is None:
        return None
    if isinstance(threads, (bool, np.bool_)) or not isinstance(threads, (int, np.integer)) or threads < 1:
        raise InvalidInput(
            "threads is a number of threads", got=repr(threads), allowed="None or an int >= 1", hint="threads=2"
        )
    return int(threads)


def checked_out(out: object, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Array:
    """Return the array to fill: a new one, or the caller's if it fits exactly."""
    if out is None:
        return np.empty(shape, dtype)
    fault = _fault(out, shape, dtype)
    if fault:
        raise InvalidInput(
            f"out does not fit: {fault}",
            got=f"shape {getattr(out, 'shape', None)}, dtype {getattr(out, 'dtype', None)}",
            allowed=f"a writeable array of shape {shape} and dtype {dtype}",
            hint=f"np.empty({shape}, {dtype.name!r})",
        )
    assert isinstance(out, np.ndarray)
    return out


def _fault(out: object, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> str:
    if not isinstance(out, np.ndarray):
        return f"it is a {type(out).__name__}"
    if out.dtype != dtype:
        return "another dtype"
    if out.shape != shape:
        return "another shape"
    if not out.flags.writeable:
        return "it is read-only"
    # Broadcast views show one number in many places.
    return (
        "its elements share memory"
        if any(s == 0 and n > 1 for s, n in zip(out.strides, out.shape, strict=True))
        else ""
    )


def checked_reach(dtype: np.dtype[np.generic], farthest: float) -> None:
    """Raise if values of this size would overflow the dtype (or float32, in which all values are made)."""
    largest = LARGEST.get(dtype.name, float(np.finfo(np.float32).max))
    if not farthest <= largest:
        raise InvalidInput(
            f"values this large overflow {dtype.name}",
            got=f"{farthest:g}",
            allowed=f"up to {largest:g}",
            hint="scale=1.0",
        )


def inside(low: float, high: float, dtype: np.dtype[np.generic], *, open_end: bool) -> tuple[np.float32, np.float32]:
    """Return the least and the greatest value of the dtype (at most float32) in [low, high], or [low, high) if
    `open_end`."""
    kind = np.dtype(np.float32) if dtype == np.float64 else dtype
    least = _step(kind, low, up=True) if _rounded(kind, low) < low else _rounded(kind, low)
    top = _rounded(kind, high)
    most = _step(kind, high, up=False) if top > high or (open_end and top == high) else top
    return np.float32(least), np.float32(most)


def _rounded(kind: np.dtype[np.generic], value: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.float64(value).astype(np.float32).astype(kind))


def _step(kind: np.dtype[np.generic], value: float, *, up: bool) -> float:
    start = np.float32(_rounded(kind, value)).astype(kind)
    with np.errstate(over="ignore", under="ignore"):
        return float(np.nextafter(start, np.float32(math.inf if up else -math.inf).astype(kind)))
