"""One standard normal value, in plain Python: the whole path from seed, name and index to the number, to be read in
one go."""

from __future__ import annotations

import math
import struct

import numpy as np

from symbreak.errors import InvalidInput
from symbreak.random.index import LARGEST
from symbreak.random.keys import Key, key_of
from symbreak.random.philox import KEY_STEPS, MULTIPLIERS, ROUNDS
from symbreak.random.transform import (
    CENTRE_P,
    CENTRE_Q,
    CENTRE_ROOT,
    CENTRE_SLOPE,
    TAIL_BELOW,
    TAIL_P,
    TAIL_Q,
)

MASK = 0xFFFFFFFF


def element(seed: int | str, name: str, index: int) -> float:
    """Return the standard normal value of a flat index; equal, to the bit, to that element of `normal(...)`.

    Raises InvalidInput for a seed or name of another type, and for an index that is no integer in [0, 2^63).

    >>> from symbreak.random import normal
    >>> bool(element(7, "bias", 5) == normal(6, seed=7, name="bias")[5])
    True
    """
    if isinstance(index, (bool, np.bool_)) or not isinstance(index, (int, np.integer)) or not 0 <= index <= LARGEST:
        raise InvalidInput(
            "an element has a flat index", got=repr(index), allowed="an int in [0, 2^63)", hint="index=0"
        )
    key, index = key_of(seed, name), int(index)
    word = block(index // 4, 0, key)[index % 4]
    signed = word - 2**32 if word >= 2**31 else word
    m = 2**31 - 1 - signed if signed >= 0 else signed + 2**31
    if m >= TAIL_BELOW:
        return centre(signed, m)
    second = block(index // 4, 1, key)[index % 4]
    return tail(m, MASK - second) if signed >= 0 else -tail(m, second)


def block(number: int, plane: int, key: Key) -> tuple[int, int, int, int]:
    """Philox4x32-10 of the counter (number mod 2^32, number div 2^32, plane, 0)."""
    c0, c1, c2, c3 = number & MASK, number >> 32, plane, 0
    k0, k1 = key
    for _ in range(ROUNDS):
        product0, product1 = MULTIPLIERS[0] * c0, MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = product1 >> 32 ^ c1 ^ k0, product1 & MASK, product0 >> 32 ^ c3 ^ k1, product0 & MASK
        k0, k1 = k0 + KEY_STEPS[0] & MASK, k1 + KEY_STEPS[1] & MASK
    return c0, c1, c2, c3


def centre(signed: int, m: int) -> float:
    """z where t = (m + 1/2) / 2^31 is at least 2^-10. A double operation rounded to float32 equals the float32
    operation."""
    x = single(single(single(float(signed)) + 0.5) * 2.0**-31)
    t = single(single(single(float(m)) + 0.5) * 2.0**-31)
    u = single(math.sqrt(single(t * single(2.0 - t))))
    p, q = float(CENTRE_P[-1]), float(CENTRE_Q[-1])
    for a, b in zip(CENTRE_P[-2::-1], CENTRE_Q[-2::-1], strict=True):
        p, q = single(single(p * u) + float(a)), single(single(q * u) + float(b))
    correction = single(float(CENTRE_SLOPE) + single(p / q))
    return single(single(x * float(CENTRE_ROOT)) + single(single(x * single(1.0 - u)) * correction))


def tail(m: int, low: int) -> float:
    """|z| where t = (m + (low + 1/2) / 2^32) / 2^31 is below 2^-10; in double precision, rounded once."""
    t = (m + (low + 0.5) * 2.0**-32) * 2.0**-31
    s = math.sqrt(math.sqrt(math.sqrt(math.sqrt(t))))
    p, q = TAIL_P[-1], TAIL_Q[-1]
    for a, b in zip(TAIL_P[-2::-1], TAIL_Q[-2::-1], strict=True):
        p, q = p * s + a, q * s + b
    return single(p / q)


def single(number: float) -> float:
    """Round to the nearest float32, ties to even."""
    rounded: float = struct.unpack("<f", struct.pack("<f", number))[0]
    return rounded
