"""The compiled twins of the truncated laws: one kernel for each kind of plan (see `truncation.py` and `kernels.py`)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from symbreak.compiling import compiled
from symbreak.random import transform, truncation
from symbreak.random.kernels import (
    GROUP,
    HALF,
    LOW,
    ONE_PLANE,
    R0,
    TAIL_BELOW,
    TILE,
    ZERO,
    C,
    both_words,
    centre,
    inlined,
    note_extremes,
    rational,
    tail_value,
    tile_words,
)

_MILLS_P, _MILLS_Q = np.array(truncation.MILLS_P), np.array(truncation.MILLS_Q)
_CENTRE_P, _CENTRE_Q = np.array(transform.CENTRE_P, dtype=np.float64), np.array(transform.CENTRE_Q, dtype=np.float64)
_SERIES = np.array([1.0 / (2 * k + 1) for k in range(11)])
_R0_DOUBLE, _C_DOUBLE = float(R0), float(C)
_LOG_TWO, _ROOT_HALF = truncation.LOG_TWO, truncation.ROOT_HALF
_STEPS = truncation.NEWTON_STEPS


@inlined
def _scaled(start: Any, width: Any, first: Any, second: Any) -> Any:
    """start + floor((first 2^32 + second) width / 2^64), the numbers unsigned, the result read as signed."""
    upper, lower = width >> HALF, width & LOW
    cross, crossed = first * lower, second * upper
    carry = ((cross & LOW) + (crossed & LOW) + ((second * lower) >> HALF)) >> HALF
    return np.int64(start + (first * upper + (cross >> HALF) + (crossed >> HALF) + carry))


@compiled
def _positions(words: Any, begin: Any, width: Any, upper: Any) -> Any:
    """Write the upper halves of the positions that the words have in an interval."""
    high, low = width >> HALF, width & LOW
    base = begin + (width >> np.uint64(33))
    for i in range(words.shape[0]):
        w = np.uint64(words[i])
        upper[i] = np.int32(np.uint32((base + w * high + ((w * low) >> HALF)) >> HALF))


@compiled
def _clamp(least: Any, most: Any, out: Any) -> Any:
    for i in range(out.shape[0]):
        value = out[i]
        value = value if value > least else least
        out[i] = value if value < most else most


@compiled
def _finish_wide(key: Any, extremes: Any, interval: Any, after: Any, out: Any) -> None:
    """Do the noted elements again, with both their words."""
    mean, scale, least, most = after
    first, second = both_words(key, extremes[1])
    values = np.empty(first.shape[0], np.float32)
    for k in range(first.shape[0]):
        position = _scaled(interval[0], interval[1], np.uint64(first[k]), np.uint64(second[k]))
        values[k] = tail_value(position) * scale + mean
    _clamp(least, most, values)
    for k in range(first.shape[0]):
        out[extremes[0, k]] = values[k]


@inlined
def _unit(first: Any, second: Any) -> Any:
    return (np.float64(first) * 2.0**32 + (np.float64(second) + 0.5)) * 2.0**-64


@compiled
def _narrow_tile(words: Any, seconds: Any, interval: Any, after: Any, out: Any) -> None:
    low, high, start, width = interval
    mean, scale, least, most = after
    flat_density = width < np.uint64(2**24)
    for i in range(words.shape[0]):
        if flat_density:
            z = np.float32(low + _unit(words[i], seconds[i]) * (high - low))
        else:
            x = (np.float64(_scaled(start, width, np.uint64(words[i]), np.uint64(seconds[i]))) + 0.5) * 2.0**-63
            u = math.sqrt((1.0 - x) * (1.0 + x))
            correction = _C_DOUBLE + rational(_CENTRE_P, _CENTRE_Q, u)
            z = np.float32(x * _R0_DOUBLE + (x * (1.0 - u)) * correction)
        out[i] = z * scale + mean
    _clamp(least, most, out)


@compiled
def _log(v: Any) -> Any:
    fraction, exponent = math.frexp(v)
    if fraction < _ROOT_HALF:
        fraction, exponent = fraction * 2.0, exponent - 1
    s = (fraction - 1.0) / (fraction + 1.0)
    square, series = s * s, _SERIES[10]
    for k in range(9, -1, -1):
        series = series * square + _SERIES[k]
    return float(exponent) * _LOG_TWO + (2.0 * s) * series


@compiled
def _mills_ratio(z: Any) -> Any:
    return rational(_MILLS_P, _MILLS_Q, 1.0 / (z * z)) / z


@compiled
def _beyond(v: Any, near: Any, mills: Any) -> Any:
    """The d with P(Z > near + d) / P(Z > near) = v."""
    length = -_log(v)
    d = 2.0 * length / (near + math.sqrt(near * near + 2.0 * length))
    for _ in range(_STEPS):
        m = _mills_ratio(near + d)
        d = d - m * (d * (near + 0.5 * d) + _log(v * (mills / m)))
    return d


@compiled
def _tail_tile(words: Any, seconds: Any, interval: Any, after: Any, out: Any) -> None:
    near, sign, ratio, mills = interval
    mean, scale, least, most = after
    flip = np.uint32(0xFFFFFFFF) if sign > 0 else np.uint32(0)
    for i in range(words.shape[0]):
        v = ratio + (1.0 - ratio) * _unit(words[i] ^ flip, seconds[i] ^ flip)
        out[i] = np.float32(sign * (near + _beyond(v, near, mills))) * scale + mean
    _clamp(least, most, out)


@compiled
def wide(key: Any, flat: Any, tiles: Any, interval: Any, after: Any, out: Any) -> None:
    """Fill `out` by laws.Truncated with a plan Wide: interval = (start, width), after = (mean, scale, least, most)."""
    mean, scale, least, most = after
    buffer, upper = np.empty(TILE + 8, np.uint32), np.empty(TILE, np.int32)
    extremes, count = np.empty((2, 2 * TILE), np.int64), 0
    for n in range(tiles.shape[0]):
        begin, end, start = tiles[n, 0], tiles[n, 1], tiles[n, 2]
        part, size = flat[begin:end], end - begin
        _positions(tile_words(key, part, start, size, ZERO, buffer), interval[0], interval[1], upper)
        values = out[begin:end]
        for low in range(0, size, GROUP):
            high = min(low + GROUP, size)
            if centre(upper, low, high, mean, scale, values) < TAIL_BELOW:
                count = note_extremes(upper, low, high, part, start, begin, extremes, count)
        _clamp(least, most, values)
        if count > TILE:
            _finish_wide(key, extremes[:, :count], interval, after, out)
            count = 0
    _finish_wide(key, extremes[:, :count], interval, after, out)


@compiled
def narrow(key: Any, flat: Any, tiles: Any, interval: Any, after: Any, out: Any) -> None:
    """Fill `out` by laws.Truncated with a plan Narrow: interval = (low, high, start, width), after as in `wide`."""
    buffer, second = np.empty(TILE + 8, np.uint32), np.empty(TILE + 8, np.uint32)
    for n in range(tiles.shape[0]):
        begin, end, start = tiles[n, 0], tiles[n, 1], tiles[n, 2]
        words = tile_words(key, flat[begin:end], start, end - begin, ZERO, buffer)
        seconds = tile_words(key, flat[begin:end], start, end - begin, ONE_PLANE, second)
        _narrow_tile(words, seconds, interval, after, out[begin:end])


@compiled
def tail(key: Any, flat: Any, tiles: Any, interval: Any, after: Any, out: Any) -> None:
    """Fill `out` by laws.Truncated with a plan Tail: interval = (near, sign, ratio, mills), after as in `wide`."""
    buffer, second = np.empty(TILE + 8, np.uint32), np.empty(TILE + 8, np.uint32)
    for n in range(tiles.shape[0]):
        begin, end, start = tiles[n, 0], tiles[n, 1], tiles[n, 2]
        words = tile_words(key, flat[begin:end], start, end - begin, ZERO, buffer)
        seconds = tile_words(key, flat[begin:end], start, end - begin, ONE_PLANE, second)
        _tail_tile(words, seconds, interval, after, out[begin:end])
