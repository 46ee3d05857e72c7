"""Which elements of a whole tensor are wanted.

A selection is a list of parts. A part is either affine (what slices cut out: an offset and one stride for each axis, in
elements of the whole, C order) or a list of flat indices.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import EllipsisType

import numpy as np
from numpy.typing import NDArray

from symbreak.errors import InvalidInput, InvalidShape

LARGEST = 2**63 - 1

Flat = NDArray[np.int64]
BasicIndex = int | slice | EllipsisType | tuple[int | slice | EllipsisType | None, ...] | None
Index = BasicIndex | range | Sequence[object] | NDArray[np.integer]


@dataclass(frozen=True)
class Affine:
    """The elements offset + sum of coordinate times stride, over all coordinates of `shape` in C order."""

    shape: tuple[int, ...]
    offset: int
    strides: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many elements there are."""
        return math.prod(self.shape)

    def flat(self, start: int, stop: int) -> Flat:
        """Return the flat indices of the elements start, ..., stop - 1 of this part."""
        rest = np.arange(start, stop, dtype=np.int64)
        total = np.full(len(rest), self.offset, dtype=np.int64)
        for length, stride in zip(self.shape[:0:-1], self.strides[:0:-1], strict=True):
            rest, coordinate = np.divmod(rest, length)
            total += coordinate * stride
        return total + rest * self.strides[0] if self.shape else total


@dataclass(frozen=True)
class Listed:
    """The elements with the given flat indices."""

    indices: Flat

    @property
    def size(self) -> int:
        """How many elements there are."""
        return len(self.indices)

    def flat(self, start: int, stop: int) -> Flat:
        """Return the flat indices of the elements start, ..., stop - 1 of this part."""
        return self.indices[start:stop]


@dataclass(frozen=True)
class Selection:
    """The wanted elements: parts in order, and the shape in which they are returned."""

    shape: tuple[int, ...]
    parts: tuple[Affine | Listed, ...]

    @property
    def size(self) -> int:
        """How many elements there are."""
        return sum(part.size for part in self.parts)


def checked_shape(shape: object) -> tuple[int, ...]:
    """Return a shape as a tuple of ints; raise InvalidShape unless it is an int or a sequence of ints, none
    negative."""
    sizes = (shape,) if isinstance(shape, (int, np.integer)) else shape
    if not isinstance(sizes, (tuple, list)) or not all(_is_integer(size) and size >= 0 for size in sizes):
        raise InvalidShape(
            "a shape is made of integers >= 0",
            got=repr(shape),
            allowed="an int or a tuple of ints",
            hint="shape=(3, 4)",
        )
    if math.prod(max(1, size) for size in sizes) > LARGEST:
        raise InvalidShape(
            "a tensor has fewer than 2^63 elements", got=repr(shape), allowed="less", hint="shape=(3, 4)"
        )
    return tuple(operator.index(size) for size in sizes)


def select(shape: tuple[int, ...], index: object) -> Selection:
    """Understand `index` as a part of a tensor of this shape (None: all of it); raises InvalidInput when it does not
    fit.

    >>> select((4, 6), (slice(1, 3), slice(0, 6, 2))).shape
    (2, 3)
    >>> [select((4, 6), range(0, 24, 5)).parts[0].flat(0, 5).tolist()]
    [[0, 5, 10, 15, 20]]
    """
    size = math.prod(shape)
    if index is None:
        return _one(shape, Affine((size,), 0, (1,)))
    if isinstance(index, range):
        return _one((len(index),), _from_range(index, size))
    if isinstance(index, list) and not all(_is_integer(member) for member in index):
        members = [select(shape, _not_none(member)) for member in index]
        return Selection((sum(m.size for m in members),), tuple(part for m in members for part in m.parts))
    if isinstance(index, (list, np.ndarray)):
        return _from_array(np.asarray(index, dtype=None if np.size(index) else np.int64), size)
    return _from_basic(index if isinstance(index, tuple) else (index,), shape)


def _is_integer(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_))


def _one(shape: tuple[int, ...], part: Affine | Listed) -> Selection:
    return Selection(shape, (part,))


def _not_none(member: object) -> object:
    if member is None:
        raise _unusable(member)
    return member


def _unusable(index: object) -> InvalidInput:
    return InvalidInput(
        "this index selects no part of a tensor",
        got=f"{index!r} ({type(index).__name__})",
        allowed="ints and slices (in a tuple, one for each axis), a range or array of flat indices, or a list of such",
        hint="index=(slice(0, 64), slice(None)), or np.flatnonzero(mask) for a mask",
    )


def _outside(index: object, limit: int) -> InvalidInput:
    return InvalidInput(
        "an index lies outside the tensor",
        got=repr(index),
        allowed=f"0 to {limit - 1}",
        hint="indices of the whole shape",
    )


def _from_range(index: range, size: int) -> Affine:
    if len(index) and not (min(index[0], index[-1]) >= 0 and max(index[0], index[-1]) < size):
        raise _outside(index, size)
    return Affine((len(index),), index.start if len(index) else 0, (index.step if len(index) > 1 else 1,))


def _from_array(index: NDArray[np.generic], size: int) -> Selection:
    if index.dtype.kind not in "iu":
        raise _unusable(index)
    if index.size and (int(index.min()) < 0 or int(index.max()) >= size):
        raise _outside(int(index.min()) if int(index.min()) < 0 else int(index.max()), size)
    return _one(index.shape, Listed(index.astype(np.int64).reshape(-1)))


def _from_basic(index: tuple[object, ...], shape: tuple[int, ...]) -> Selection:
    """Basic indexing as NumPy does it: integers drop an axis, slices cut one, None adds one, one Ellipsis stands for
    the rest."""
    lengths, strides, offset, axis = [], [], 0, 0
    whole = _strides(shape)
    for member in _spelled_out(index, len(shape)):
        if member is None:
            lengths.append(1)
            strides.append(0)
            continue
        if isinstance(member, slice):
            cut = _cut(member, shape[axis])
            lengths.append(len(cut))
            strides.append(cut.step * whole[axis])
            offset += cut.start * whole[axis] if len(cut) else 0
        else:
            offset += _position(member, shape[axis]) * whole[axis]
        axis += 1
    return _one(tuple(lengths), _merged(tuple(lengths), offset, tuple(strides)))


def _strides(shape: tuple[int, ...]) -> list[int]:
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]


def _spelled_out(index: tuple[object, ...], dimensions: int) -> list[object]:
    """Replace the Ellipsis, or the missing end, by full slices."""
    named = sum(member is not None and member is not Ellipsis for member in index)
    holes = [place for place, member in enumerate(index) if member is Ellipsis]
    if named > dimensions or len(holes) > 1:
        raise InvalidInput(
            "an index has more entries than the tensor has axes",
            got=repr(index),
            allowed=f"{dimensions} entries and one Ellipsis",
            hint="one slice for each axis",
        )
    at = holes[0] if holes else len(index)
    return [*index[:at], *[slice(None)] * (dimensions - named), *index[at + 1 :]]


def _cut(member: slice, length: int) -> range:
    try:
        return range(*member.indices(length))
    except (TypeError, ValueError) as error:
        raise _unusable(member) from error


def _position(member: object, length: int) -> int:
    if not _is_integer(member):
        raise _unusable(member)
    position = operator.index(member)  # type: ignore[arg-type]
    if not -length <= position < length:
        raise _outside(member, length)
    return position % length


def _merged(shape: tuple[int, ...], offset: int, strides: tuple[int, ...]) -> Affine:
    """Join neighbouring axes that one stride runs through, and drop axes of length one: a contiguous cut becomes one
    axis."""
    axes = [(length, stride) for length, stride in zip(shape, strides, strict=True) if length != 1] or [(1, 1)]
    joined = [axes[0]]
    for (_, _), (length, stride) in pairwise(axes):
        before_length, before_stride = joined[-1]
        if before_stride == length * stride:
            joined[-1] = (before_length * length, stride)
        else:
            joined.append((length, stride))
    return Affine(tuple(n for n, _ in joined), offset, tuple(s for _, s in joined))
