"""Give work to the compiled kernels: which one, with which numbers, on how many threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from symbreak.random import kernels, kernels_truncated
from symbreak.random.index import Affine, Listed, Selection
from symbreak.random.keys import Key
from symbreak.random.laws import Bits, Law, Normal, Uniform
from symbreak.random.sharing import cores, share
from symbreak.random.truncation import Narrow, Tail, Wide

PIECE = 2**15
LARGEST_PIECE = 2**20
LARGEST_SCRATCH = 2**19
"""Elements that a thread takes at a time: enough that starting a kernel does not show, little enough that all threads
end together; and, where a float32 copy is needed, that it stays in the cache."""

SHORTEST_ROW = 128
NO_LIST = np.empty(0, dtype=np.int64)

Array = NDArray[Any]
Flat = NDArray[np.int64]
Kernel = Callable[..., None]
Piece = tuple[Affine | Listed, int, int, int]


def fill_by_kernels(target: Array, law: Law, key: Key, selection: Selection, threads: int | None) -> None:
    """Fill a flat array; the bits are those of the reference."""
    kernel, numbers = _chosen(law)
    words = (np.uint64(key[0]), np.uint64(key[1]))

    if isinstance(law, Normal) and target.dtype == ml_dtypes.bfloat16:
        kernel = kernels.normal_bfloat16
        target = target.view(np.uint16)
    direct = target.dtype in (np.float32, np.uint32, np.uint16)
    threads = min(threads or cores(), -(-len(target) // PIECE))
    most = LARGEST_PIECE if direct else LARGEST_SCRATCH
    size = min(most, max(PIECE, len(target) // (4 * max(1, threads))))

    def work(pieces: Iterator[Piece]) -> None:
        scratch = np.empty(0 if direct else min(size, len(target)), np.float32)
        own = numbers
        if kernel is kernels.normal_bfloat16:
            own = (*numbers, np.empty(kernels.TILES_AT_ONCE * kernels.TILE, np.float32))
        for part, start, stop, at in pieces:
            place = target[at : at + stop - start]
            values = place if direct else scratch[: stop - start]
            kernel(words, *_tiles(part, start, stop), *own, values)
            if not direct:
                _convert(values, place)

    share(work, _pieces(selection, size), threads)


def _pieces(selection: Selection, size: int) -> Iterator[Piece]:
    """Cut the parts into pieces of at most `size`: part, start and stop within it, place in the target."""
    at = 0
    for part in selection.parts:
        for start in range(0, part.size, size):
            yield part, start, min(start + size, part.size), at + start
        at += part.size


def _tiles(part: Affine | Listed, start: int, stop: int) -> tuple[Flat, Flat]:
    """Return the flat indices of a piece (none, if it is made of long contiguous rows) and how to cut it into tiles."""
    length = part.shape[-1] if isinstance(part, Affine) and part.strides[-1] == 1 else 1
    if length < SHORTEST_ROW or isinstance(part, Listed):
        return part.flat(start, stop), _cut(np.zeros(1, np.int64), np.array([stop - start]), np.zeros(1, np.int64))
    rows: Flat = np.arange(start // length, -(-stop // length))
    begin: Flat = np.maximum(rows * length, start)
    end: Flat = np.minimum((rows + 1) * length, stop)
    outer = Affine(part.shape[:-1], part.offset, part.strides[:-1]).flat(int(rows[0]), int(rows[-1]) + 1)
    return NO_LIST, _cut(begin - start, end - start, outer + (begin - rows * length))


def _cut(begin: Flat, end: Flat, first: Flat) -> Flat:
    """Cut each run begin ... end - 1, with first flat index `first`, into tiles (begin, end, first)."""
    offsets = np.arange(0, int((end - begin).max()), kernels.TILE)
    runs = np.stack([begin, end, first], axis=1)[:, None, :] + offsets[None, :, None] * np.array([1, 0, 1])
    runs[:, :, 1] = np.minimum(runs[:, :, 1], runs[:, :, 0] + kernels.TILE)
    tiles: Flat = np.ascontiguousarray(runs[runs[:, :, 0] < end[:, None]])
    return tiles


def _chosen(law: Law) -> tuple[Kernel, tuple[Any, ...]]:
    if isinstance(law, Bits):
        return kernels.bits, ()
    if isinstance(law, Uniform):
        return kernels.uniform, (law.low, law.high - law.low, law.least, law.most)
    if isinstance(law, Normal):
        return kernels.normal, (law.mean, law.scale)
    after, plan = (law.mean, law.scale, law.least, law.most), law.plan
    if isinstance(plan, Wide):
        return kernels_truncated.wide, ((np.uint64(plan.start % 2**64), np.uint64(plan.width)), after)
    if isinstance(plan, Narrow):
        start, width = np.uint64(plan.start % 2**64), np.uint64(plan.width)
        return kernels_truncated.narrow, ((plan.low, plan.high, start, width), after)
    assert isinstance(plan, Tail)
    return kernels_truncated.tail, ((plan.near, plan.sign, plan.ratio, plan.mills), after)


def _convert(values: NDArray[np.float32], target: Array) -> None:
    if target.dtype == ml_dtypes.bfloat16:
        kernels.to_bfloat16(values, target.view(np.uint16))
    else:
        target[...] = values
