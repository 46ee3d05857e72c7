"""Philox4x32-10: a counter and a key give four random words.

Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011). Element i of a tensor is word i
mod 4 of the block i div 4. The counter is (block mod 2^32, block div 2^32, plane, 0): plane 0 holds each element's
own word, plane 1 the second word of the same element, which refines the first where it is extreme.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symbreak.random.keys import Key

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10

Words = NDArray[np.uint32]
Flat = NDArray[np.int64]

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def philox(counter: tuple[NDArray[np.uint64], ...], key: Key) -> NDArray[np.uint32]:
    """Return the four words of every counter: four equally long arrays of 32-bit numbers in, shape (counters, 4) out.

    >>> zero = np.zeros(1, np.uint64)
    >>> [f"{word:08x}" for word in philox((zero, zero, zero, zero), (0, 0))[0]]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    c0, c1, c2, c3 = counter
    for step in range(ROUNDS):
        k0, k1 = (np.uint64((key[j] + step * KEY_STEPS[j]) & 0xFFFFFFFF) for j in (0, 1))
        product0 = c0 * np.uint64(MULTIPLIERS[0])
        product1 = c2 * np.uint64(MULTIPLIERS[1])
        c0, c1 = (product1 >> _HALF) ^ c1 ^ k0, product1 & _LOW
        c2, c3 = (product0 >> _HALF) ^ c3 ^ k1, product0 & _LOW
    return np.stack([c0, c1, c2, c3], axis=-1).astype(np.uint32)


def words(key: Key, flat: Flat, plane: int = 0) -> Words:
    """Return the words of the elements with these flat indices (0 <= index < 2^63), in one plane.

    Neighbours that share a block are served by one evaluation of it.
    """
    blocks = flat >> 2
    fresh = np.ones(len(flat), dtype=bool)
    np.not_equal(blocks[1:], blocks[:-1], out=fresh[1:])
    wanted = blocks[fresh].astype(np.uint64)
    constant = np.zeros_like(wanted)
    table = philox((wanted & _LOW, wanted >> _HALF, constant + np.uint64(plane), constant), key)
    picked: Words = table[np.cumsum(fresh) - 1, flat & 3]
    return picked
