"""The public draws: each checks its arguments, chooses a law and fills an array with it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from symbreak.errors import InvalidInput
from symbreak.random.arguments import (
    FARTHEST_SIGMA,
    checked_dtype,
    checked_number,
    checked_order,
    checked_out,
    checked_reach,
    checked_scale,
    checked_threads,
    inside,
)
from symbreak.random.fill import fill
from symbreak.random.index import Index, checked_shape, select
from symbreak.random.keys import key_of
from symbreak.random.laws import Bits, Law, Normal, Truncated, Uniform
from symbreak.random.truncation import plan, standard_deviation

Shape = int | tuple[int, ...] | list[int]
Seed = int | str


def normal(
    shape: Shape,
    *,
    seed: Seed,
    name: str = "",
    mean: float = 0.0,
    scale: float = 1.0,
    dtype: DTypeLike = np.float32,
    out: NDArray[Any] | None = None,
    index: Index | None = None,
    threads: int | None = None,
) -> NDArray[Any]:
    """Return normal values N(mean, scale^2), each a pure function of (seed, name, its index in the whole tensor).

    `shape` is the shape of the whole tensor. `index` selects a part of it, and only that part is made and returned:

        an int, a slice, a tuple of these (with Ellipsis and None)   as NumPy's basic indexing: shaped like whole[index]
        a range, or an array of integers                             flat indices (C order): shaped like these
        a list of such                                               the parts' values one after the other, one axis

    The value is made in float32: z, then z * float32(scale), then + float32(mean), each rounded; float64 widens it,
    float16 and bfloat16 round it to nearest even. |z| is at most 9.2. `out` is filled and returned if given;
    `threads` (None: all cores) changes only the time.

    Raises InvalidInput for a negative or non-finite scale, a seed that is no int or str, an index outside the shape, an
    `out` of another shape or dtype, and values that could overflow the dtype; InvalidShape for a bad shape.

    >>> normal((2, 2), seed=0, name="layer1.weight").shape
    (2, 2)
    >>> whole = normal((4, 6), seed="mine", scale=0.02)
    >>> part = normal((4, 6), seed="mine", scale=0.02, index=(slice(1, 3), slice(0, 6, 2)))
    >>> bool((part == whole[1:3, 0:6:2]).all())
    True

    Specification: docs/randomness.md.
    """
    kind = checked_dtype(dtype)
    centre, width = checked_number("mean", mean), checked_scale(scale)
    checked_reach(kind, abs(centre) + FARTHEST_SIGMA * width)
    return _draw(Normal(np.float32(centre), np.float32(width)), kind, shape, seed, name, out, index, threads)


def uniform(
    shape: Shape,
    *,
    seed: Seed,
    name: str = "",
    low: float = 0.0,
    high: float = 1.0,
    dtype: DTypeLike = np.float32,
    out: NDArray[Any] | None = None,
    index: Index | None = None,
    threads: int | None = None,
) -> NDArray[Any]:
    """Return uniform values in [low, high): never high itself, in whatever dtype.

    The value is low + (word + 1/2) / 2^32 * (high - low) in float64, rounded to float32, then brought into the least
    and greatest numbers of the dtype in [low, high). So all 32 bits of the word count, also near zero, and the mean
    is not shifted. Other arguments as in `normal`. Raises InvalidInput also for low >= high, and if the dtype has no
    number in [low, high).

    >>> values = uniform(1000, seed=0, low=-0.5, high=0.5)
    >>> bool((values >= -0.5).all() and (values < 0.5).all())
    True
    """
    kind = checked_dtype(dtype)
    low, high = checked_number("low", low), checked_number("high", high)
    checked_order(low, high)
    checked_reach(kind, max(abs(low), abs(high)))
    least, most = inside(low, high, kind, open_end=True)
    if least > most:
        raise InvalidInput(
            f"no {kind.name} number lies in [low, high)",
            got=f"low={low}, high={high}",
            allowed="a wider interval",
            hint="dtype=np.float64 does not help: values are made in float32",
        )
    return _draw(Uniform(low, high, least, most), kind, shape, seed, name, out, index, threads)


def truncated_normal(
    shape: Shape,
    *,
    seed: Seed,
    name: str = "",
    mean: float = 0.0,
    scale: float = 1.0,
    low: float = -2.0,
    high: float = 2.0,
    correct_variance: bool = False,
    dtype: DTypeLike = np.float32,
    out: NDArray[Any] | None = None,
    index: Index | None = None,
    threads: int | None = None,
) -> NDArray[Any]:
    """Return mean + scale Z, where Z is standard normal given low < Z < high (in sigmas; infinities allowed).

    Exact and without rejection: the uniform is mapped into the interval first, for any interval, also [5, 6]. Values
    stay in [mean + low scale, mean + high scale], as far as the dtype has numbers there. With `correct_variance`,
    scale is divided by the standard deviation of the truncated law, so that the result has standard deviation `scale`
    (and wider bounds). Other arguments as in `normal`. Raises InvalidInput also for low >= high.

    >>> values = truncated_normal(1000, seed=0, scale=0.5)
    >>> bool((abs(values) <= 1.0).all())
    True
    """
    kind = checked_dtype(dtype)
    low, high = checked_number("low", low, infinite=True), checked_number("high", high, infinite=True)
    checked_order(low, high)
    if low == math.inf or high == -math.inf:
        raise InvalidInput(
            "the interval is empty", got=f"low={low}, high={high}", allowed="low < high", hint="low=-2, high=2"
        )
    if not isinstance(correct_variance, (bool, np.bool_)):
        raise InvalidInput(
            "correct_variance is a bool", got=correct_variance, allowed="True or False", hint="correct_variance=True"
        )
    centre, width = checked_number("mean", mean), checked_scale(scale)
    if correct_variance:
        width = width / standard_deviation(low, high)
    law = _truncated(low, high, centre, width, kind)
    return _draw(law, kind, shape, seed, name, out, index, threads)


def bits(
    shape: Shape,
    *,
    seed: Seed,
    name: str = "",
    out: NDArray[np.uint32] | None = None,
    index: Index | None = None,
    threads: int | None = None,
) -> NDArray[np.uint32]:
    """Return the uniform 32-bit words from which all other values are made. Arguments as in `normal`.

    >>> bits(3, seed=0).dtype
    dtype('uint32')
    """
    words: NDArray[np.uint32] = _draw(Bits(), np.dtype(np.uint32), shape, seed, name, out, index, threads)
    return words


def _truncated(low: float, high: float, mean: float, scale: float, kind: np.dtype[Any]) -> Truncated:
    reach = max(min(abs(low), FARTHEST_SIGMA), min(abs(high), FARTHEST_SIGMA), max(low, -high) + 1.0)
    checked_reach(kind, abs(mean) + reach * scale)
    ends = (mean, mean) if scale == 0 else (mean + low * scale, mean + high * scale)
    least, most = inside(*ends, kind, open_end=False)
    if least > most:  # the dtype has no number between the bounds: all values are the one nearest to them
        least = most = np.float32(ends[0]).astype(kind).astype(np.float32)
    return Truncated(plan(low, high), np.float32(mean), np.float32(scale), least, most)


def _draw(
    law: Law,
    dtype: np.dtype[Any],
    shape: object,
    seed: Seed,
    name: str,
    out: object,
    index: object,
    threads: object,
) -> NDArray[Any]:
    key, selection = key_of(seed, name), select(checked_shape(shape), index)
    target = checked_out(out, selection.shape, dtype)
    fill(target, law, key, selection, checked_threads(threads))
    return target
