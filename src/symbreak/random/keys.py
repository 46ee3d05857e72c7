"""From a seed and a name to the key of the generator.

BLAKE2b with an 8-byte digest hashes two framed messages, the seed's and then the name's. A frame is a tag byte (`i`
an integer, `s` a string), the payload's length as 8 little-endian bytes, and the payload; so the seed 7 and the seed
"7" have different keys, and no seed and name together can be mistaken for another pair. The two 32-bit little-endian
words of the digest are the key.
"""

from __future__ import annotations

import hashlib
import operator

import numpy as np

from symbreak.errors import InvalidInput

ALGORITHM_VERSION = 1
"""Version of the whole specification (docs/randomness.md). It is hashed into every key, so a new version is a new
stream."""

_PERSON = f"symbreak.rand.{ALGORITHM_VERSION}".encode()

Key = tuple[int, int]


def key_of(seed: int | str, name: str) -> Key:
    """Return the two 32-bit key words of a seed (an integer of any size, or a string) and a name.

    Raises InvalidInput for any other type (a float, a bool, bytes).

    >>> key_of(7, "") == key_of(7, "bias"), key_of(7, "") == key_of("7", "")
    (False, False)
    """
    digest = hashlib.blake2b(_seed_frame(seed) + _name_frame(name), digest_size=8, person=_PERSON).digest()
    return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:], "little")


def _seed_frame(seed: object) -> bytes:
    if isinstance(seed, str):
        return _frame(b"s", _utf8(seed))
    if isinstance(seed, (bool, np.bool_)) or not isinstance(seed, (int, np.integer)):
        raise InvalidInput(
            "a seed is an integer or a string",
            got=f"{seed!r} ({type(seed).__name__})",
            allowed="an int of any size, a NumPy integer, or a str",
            hint="seed=0",
        )
    number = operator.index(seed)
    # A sign bit is always kept, as in two's complement: 127 takes one byte, 128 takes two, -128 takes one.
    size = (number if number >= 0 else ~number).bit_length() // 8 + 1
    return _frame(b"i", number.to_bytes(size, "little", signed=True))


def _name_frame(name: object) -> bytes:
    if not isinstance(name, str):
        raise InvalidInput(
            "a name is a string",
            got=f"{name!r} ({type(name).__name__})",
            allowed="any str, also the empty one",
            hint='name="layer1.weight"',
        )
    return _frame(b"s", _utf8(name))


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _frame(tag: bytes, payload: bytes) -> bytes:
    return tag + len(payload).to_bytes(8, "little") + payload
