"""The compiled twins of the laws: the same operations in the same order, so the same bits, many times faster.

This module imports Numba and is itself imported only for large tensors. The plan of every kernel: a tile of words
goes into a small buffer, a pass over the buffer makes the values of the centre and notes the smallest tail integer,
and only where that is small are the few extreme elements done again, one by one, with their second word.

What keeps the loops in vector registers: Philox in 64-bit lanes (the multiply looks at the lower halves only, so what
is left in the upper ones does no harm); constants and intermediate results typed, because Numba widens int32 and
float32 arithmetic otherwise; division by NumPy's error model, which has no branch for zero. Nothing allows
reassociation or contraction.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from symbreak.compiling import compiled
from symbreak.random import transform
from symbreak.random.philox import KEY_STEPS, MULTIPLIERS, ROUNDS

TILE = 2048
GROUP = 256
TILES_AT_ONCE = 16

_M0, _M1 = np.uint64(MULTIPLIERS[0]), np.uint64(MULTIPLIERS[1])
_W0, _W1 = np.uint64(KEY_STEPS[0]), np.uint64(KEY_STEPS[1])
LOW, HALF, ZERO, ONE_PLANE = np.uint64(0xFFFFFFFF), np.uint64(32), np.uint64(0), np.uint64(1)
_ROUNDS = ROUNDS

SIGN_SHIFT, LARGEST, TAIL_BELOW = np.int32(31), np.int32(2**31 - 1), np.int32(transform.TAIL_BELOW)
_H, _UNIT, _ONE, _TWO = np.float32(0.5), np.float32(2.0**-31), np.float32(1), np.float32(2)
R0, C = transform.CENTRE_ROOT, transform.CENTRE_SLOPE
_P0, _P1, _P2, _P3, _P4, _P5 = transform.CENTRE_P
_Q0, _Q1, _Q2, _Q3, _Q4, _Q5 = transform.CENTRE_Q


def inlined(function: Any) -> Any:
    """Compile into the callers, before types are inferred."""
    return njit(nogil=True, cache=True, error_model="numpy", inline="always")(function)


@inlined
def _philox(block: Any, plane: Any, key: Any) -> Any:
    """The four words of a block, as 64-bit numbers whose upper halves are to be ignored."""
    k0, k1 = key
    c0, c1, c2, c3 = block & LOW, block >> HALF, plane, ZERO
    for _ in range(_ROUNDS):
        product0, product1 = _M0 * (c0 & LOW), _M1 * (c2 & LOW)
        c0, c1 = (product1 >> HALF) ^ c1 ^ k0, product1
        c2, c3 = (product0 >> HALF) ^ c3 ^ k1, product0
        k0, k1 = (k0 + _W0) & LOW, (k1 + _W1) & LOW
    return c0, c1, c2, c3


@inlined
def _store(words: Any, i: Any, a: Any, b: Any, c: Any, d: Any) -> None:
    words[4 * i] = np.uint32(a)
    words[4 * i + 1] = np.uint32(b)
    words[4 * i + 2] = np.uint32(c)
    words[4 * i + 3] = np.uint32(d)


@compiled
def _run_words(key: Any, first_block: Any, plane: Any, blocks: Any, words: Any) -> None:
    """Words of consecutive blocks, two at a time: the one's multiplications fill the other's waiting."""
    half = blocks >> 1
    for i in range(half):
        k0, k1 = key
        a, b = first_block + np.uint64(i), first_block + np.uint64(half + i)
        a0, a1, a2, a3 = a & LOW, a >> HALF, plane, ZERO
        b0, b1, b2, b3 = b & LOW, b >> HALF, plane, ZERO
        for _ in range(_ROUNDS):
            p0, p1 = _M0 * (a0 & LOW), _M1 * (a2 & LOW)
            q0, q1 = _M0 * (b0 & LOW), _M1 * (b2 & LOW)
            a0, a1, a2, a3 = (p1 >> HALF) ^ a1 ^ k0, p1, (p0 >> HALF) ^ a3 ^ k1, p0
            b0, b1, b2, b3 = (q1 >> HALF) ^ b1 ^ k0, q1, (q0 >> HALF) ^ b3 ^ k1, q0
            k0, k1 = (k0 + _W0) & LOW, (k1 + _W1) & LOW
        _store(words, i, a0, a1, a2, a3)
        _store(words, half + i, b0, b1, b2, b3)
    if blocks & 1:
        a0, a1, a2, a3 = _philox(first_block + np.uint64(blocks - 1), plane, key)
        _store(words, blocks - 1, a0, a1, a2, a3)


@compiled
def _listed_words(key: Any, flat: Any, plane: Any, words: Any) -> Any:
    """Words of any elements; each computes its block."""
    for i in range(flat.shape[0]):
        a, b, c, d = _philox(np.uint64(flat[i]) >> np.uint64(2), plane, key)
        lane = flat[i] & 3
        lower, upper = (b if lane & 1 else a), (d if lane & 1 else c)
        words[i] = np.uint32(upper if lane & 2 else lower)


@inlined
def _tail_integer(v: Any) -> Any:
    return np.int32(np.int32(v ^ np.int32(v >> SIGN_SHIFT)) ^ LARGEST)


@compiled
def centre(upper: Any, begin: Any, end: Any, mean: Any, scale: Any, out: Any) -> Any:
    """Write mean + scale z for upper halves of positions, as if all were in the centre; return the smallest m."""
    smallest = LARGEST
    for i in range(np.uint64(begin), np.uint64(end)):
        v = upper[i]
        m = _tail_integer(v)
        smallest = min(smallest, m)
        x = (np.float32(v) + _H) * _UNIT
        t = (np.float32(m) + _H) * _UNIT
        u = np.sqrt(t * (_TWO - t))
        p = ((((_P5 * u + _P4) * u + _P3) * u + _P2) * u + _P1) * u + _P0
        q = ((((_Q5 * u + _Q4) * u + _Q3) * u + _Q2) * u + _Q1) * u + _Q0
        out[i] = (x * R0 + (x * (_ONE - u)) * (C + p / q)) * scale + mean
    return smallest


@inlined
def rational(p: Any, q: Any, s: Any) -> Any:
    """P(s) / Q(s) by Horner's rule, both of one degree."""
    top, bottom = p[-1], q[-1]
    for k in range(len(p) - 2, -1, -1):
        top = top * s + p[k]
        bottom = bottom * s + q[k]
    return top / bottom


_TAIL_P, _TAIL_Q = np.array(transform.TAIL_P), np.array(transform.TAIL_Q)


@compiled
def tail_value(position: Any) -> Any:
    """The value of one position in the tail, in float32."""
    magnitude = position ^ np.int64(2**63 - 1) if position >= 0 else position & np.int64(2**63 - 1)
    t = (float(magnitude >> 32) + (float(magnitude & 0xFFFFFFFF) + 0.5) * 2.0**-32) * 2.0**-31
    size = np.float32(rational(_TAIL_P, _TAIL_Q, math.sqrt(math.sqrt(math.sqrt(math.sqrt(t))))))
    return size if position >= 0 else -size


@compiled
def next_extreme(upper: Any, begin: Any, end: Any) -> Any:
    """Return the first place in [begin, end) whose tail integer is small, or end. Looks at sixteen at a time."""
    i = begin
    while i < end:
        stop = min(i + 16, end)
        smallest = LARGEST
        for j in range(i, stop):
            smallest = min(smallest, _tail_integer(upper[j]))
        if smallest < TAIL_BELOW:
            while _tail_integer(upper[i]) >= TAIL_BELOW:
                i += 1
            return i
        i = stop
    return end


@compiled
def note_extremes(upper: Any, begin: Any, end: Any, flat: Any, start: Any, at: Any, extremes: Any, count: Any) -> Any:
    """Append (place in the output, flat index) of the extreme elements in [begin, end); `at` is this tile's place."""
    i = next_extreme(upper, begin, end)
    while i < end:
        extremes[0, count] = at + i
        extremes[1, count] = flat[i] if flat.shape[0] else start + i
        count += 1
        i = next_extreme(upper, i + 1, end)
    return count


@compiled
def both_words(key: Any, flat: Any) -> Any:
    """The first and the second words of these elements."""
    first, second = np.empty(flat.shape[0], np.uint32), np.empty(flat.shape[0], np.uint32)
    _listed_words(key, flat, ZERO, first)
    _listed_words(key, flat, ONE_PLANE, second)
    return first, second


@compiled
def _finish_normal(key: Any, extremes: Any, mean: Any, scale: Any, out: Any) -> None:
    """Do the noted elements again, with both their words."""
    first, second = both_words(key, extremes[1])
    upper = first.view(np.int32)
    for k in range(first.shape[0]):
        position = (np.int64(upper[k]) << np.int64(32)) | np.int64(second[k])
        out[extremes[0, k]] = tail_value(position) * scale + mean


@compiled
def _uniform_tile(words: Any, low: Any, width: Any, least: Any, most: Any, out: Any) -> Any:
    for i in range(words.shape[0]):
        part = (np.float64(words[i]) + 0.5) * 2.0**-32
        value = np.float32(low + part * width)
        value = value if value > least else least
        out[i] = value if value < most else most


@compiled
def to_bfloat16(values: Any, out: Any) -> Any:
    """Round float32 to bfloat16 (given and stored as 16-bit patterns), to nearest even; no value is a nan."""
    patterns = values.view(np.uint32)
    for i in range(patterns.shape[0]):
        pattern = patterns[i]
        odd = np.uint32(np.uint32(pattern >> np.uint32(16)) & np.uint32(1))
        out[i] = np.uint16(np.uint32(pattern + np.uint32(np.uint32(0x7FFF) + odd)) >> np.uint32(16))


@inlined
def tile_words(key: Any, flat: Any, start: Any, count: Any, plane: Any, buffer: Any) -> Any:
    """Words of the elements flat[0:count], or start ... start + count - 1 if no list is given."""
    if flat.shape[0]:
        _listed_words(key, flat, plane, buffer)
        return buffer[:count]
    offset = start & 3
    _run_words(key, np.uint64(start >> 2), plane, (offset + count + 3) >> 2, buffer)
    return buffer[offset : offset + count]


@compiled
def bits(key: Any, flat: Any, tiles: Any, out: Any) -> None:
    """Fill `out` with words.

    Here and in all kernels a row of `tiles` is begin, end (places in `out`) and the flat index of the first one, the
    others following; unless `flat` is not empty: then it lists the flat indices of all of `out`.
    """
    buffer = np.empty(TILE + 8, np.uint32)
    for n in range(tiles.shape[0]):
        begin, end, start = tiles[n, 0], tiles[n, 1], tiles[n, 2]
        words = tile_words(key, flat[begin:end], start, end - begin, ZERO, buffer)
        for i in range(words.shape[0]):
            out[begin + i] = words[i]


@compiled
def uniform(key: Any, flat: Any, tiles: Any, low: Any, width: Any, least: Any, most: Any, out: Any) -> None:
    """Fill `out` by laws.Uniform."""
    buffer = np.empty(TILE + 8, np.uint32)
    for n in range(tiles.shape[0]):
        begin, end, start = tiles[n, 0], tiles[n, 1], tiles[n, 2]
        words = tile_words(key, flat[begin:end], start, end - begin, ZERO, buffer)
        _uniform_tile(words, low, width, least, most, out[begin:end])


@compiled
def normal(key: Any, flat: Any, tiles: Any, mean: Any, scale: Any, out: Any) -> None:
    """Fill `out` by laws.Normal."""
    buffer, extremes, count = np.empty(TILE + 8, np.uint32), np.empty((2, 2 * TILE), np.int64), 0
    for n in range(tiles.shape[0]):
        begin, end, start = tiles[n, 0], tiles[n, 1], tiles[n, 2]
        part, size = flat[begin:end], end - begin
        upper = tile_words(key, part, start, size, ZERO, buffer).view(np.int32)
        values = out[begin:end]
        for low in range(0, size, GROUP):
            high = min(low + GROUP, size)
            if centre(upper, low, high, mean, scale, values) < TAIL_BELOW:
                count = note_extremes(upper, low, high, part, start, begin, extremes, count)
        if count > TILE:
            _finish_normal(key, extremes[:, :count], mean, scale, out)
            count = 0
    _finish_normal(key, extremes[:, :count], mean, scale, out)


@compiled
def normal_bfloat16(key: Any, flat: Any, tiles: Any, mean: Any, scale: Any, scratch: Any, out: Any) -> None:
    """Fill `out`, 16-bit patterns, by laws.Normal, rounded; a few tiles at a time, so that `scratch` stays in cache."""
    for n in range(0, tiles.shape[0], TILES_AT_ONCE):
        some = tiles[n : n + TILES_AT_ONCE].copy()
        first = some[0, 0]
        last = some[-1, 1]
        some[:, :2] -= first
        values = scratch[: last - first]
        normal(key, flat[first:last], some, mean, scale, values)
        to_bfloat16(values, out[first:last])
