"""A digest of a tensor that its parts add up to, wherever they lie.

Each element gives 128 bits that depend on its flat index i (C order, logical layout) and on its own bits x:

    a = mix(i + c),   b = mix(a xor x),   b' = mix(b + a rotated by 32 bits)

where mix is the bijection of 64-bit words that ends SplitMix64, and c = 0x9E3779B97F4A7C15. The digest is the sum of
all b modulo 2^64, with the sum of all b' modulo 2^64 above it. Sums know no order, so a shard's digest needs the shard
only, and digests of parts that cover a tensor once add up to the tensor's.

What it is worth: one changed element always changes the digest (mix is a bijection, so b changes). Several changes
that have nothing to do with the hash leave the digest as it was with probability 2^-128, if mix scatters as a random
function does. It is for accidents: whoever wants to can make other values of the same digest.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.errors import InvalidInput
from symbreak.initializers.fans import Shape
from symbreak.random.index import Affine, Index, Listed, select
from symbreak.random.sharing import cores, share

Words = NDArray[np.uint64]
Piece = tuple[Affine | Listed, int, int, int]

GOLDEN, FIRST, SECOND = (np.uint64(c) for c in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
LARGEST = 2**128
CHUNK = 2**16
COMPILED_FROM = 2**20
"""Elements from which a process that has not loaded the compiler does so; the sums are the same."""

_KERNELS = "symbreak.initializers.kernels_digest"


def digest(values: NDArray[Any], shape: Shape, index: Index | None = None) -> int:
    """Return the digest of a part of a tensor, an integer below 2^128; of all of it if `index` is None.

    Args:
        values: the part's values, of a floating type; another type of the same values has another digest.
        shape: that of the whole tensor, in logical layout.
        index: which part it is, as initializers take it.

    Raises:
        InvalidInput: the values are not shaped like the part.

    >>> whole = np.arange(6, dtype=np.float32).reshape(2, 3)
    >>> rows = [digest(whole[i], (2, 3), i) for i in range(2)]
    >>> combined(rows) == digest(whole, (2, 3))
    True
    """
    selection = select(shape, index)
    if values.shape != selection.shape:
        raise InvalidInput(
            "a digest is of the values of the part that the index selects",
            got=f"values of shape {values.shape} for a part of shape {selection.shape}",
            allowed="one value for each element",
            hint="digest(whole[index], whole.shape, index)",
        )
    bits = np.ascontiguousarray(values).reshape(-1).view(f"u{values.dtype.itemsize}")
    kernels = bits.size >= COMPILED_FROM or _KERNELS in sys.modules
    add = importlib.import_module(_KERNELS).add if kernels else _add
    sums: list[tuple[int, int]] = []

    def work(pieces: Iterator[Piece]) -> None:
        for part, start, stop, at in pieces:
            own = np.zeros(2, np.uint64)
            add(part.flat(start, stop), bits[at : at + stop - start], own)
            sums.append((int(own[0]), int(own[1])))

    share(work, _pieces(selection.parts), min(cores(), -(-bits.size // CHUNK)) if kernels else 1)
    return combined(first + (second << 64) for first, second in sums)


def combined(digests: Iterable[int]) -> int:
    """Return the digest of a tensor from those of parts that cover it without overlap.

    >>> combined([]), combined([2**128 - 1])
    (0, 340282366920938463463374607431768211455)
    """
    low, high = 0, 0
    for one in digests:
        low, high = low + one % 2**64, high + (one >> 64)
    return low % 2**64 + (high % 2**64 << 64)


def _pieces(parts: Iterable[Affine | Listed]) -> Iterator[Piece]:
    at = 0
    for part in parts:
        for start in range(0, part.size, CHUNK):
            yield part, start, min(start + CHUNK, part.size), at + start
        at += part.size


def _add(positions: NDArray[np.int64], bits: NDArray[Any], sums: Words) -> None:
    """Add these elements to both sums; the readable twin of the kernel."""
    a = _mix(positions.astype(np.uint64) + GOLDEN)
    b = _mix(a ^ bits.astype(np.uint64))
    sums[0] += np.add.reduce(b)
    sums[1] += np.add.reduce(_mix(b + (a << np.uint64(32) | a >> np.uint64(32))))


def _mix(z: Words) -> Words:
    z = (z ^ z >> np.uint64(30)) * FIRST
    z = (z ^ z >> np.uint64(27)) * SECOND
    return z ^ z >> np.uint64(31)
