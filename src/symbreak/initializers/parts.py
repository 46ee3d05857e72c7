"""Parts of a tensor: what an `index` selects, in the caller's layout and in the logical one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.initializers import fans
from symbreak.random.index import Index as Index
from symbreak.random.index import select

Flat = NDArray[np.int64]
Basic = tuple[slice, ...]


def shape_of(shape: fans.Shape, index: Index | None) -> fans.Shape:
    """Return the shape of the part; raises InvalidInput for an index that does not fit."""
    return select(shape, index).shape


def flat(shape: fans.Shape, index: Index | None) -> Flat:
    """Return the flat indices (C order) of the part's elements, shaped like the part.

    >>> flat((2, 3), (slice(None), 1)).tolist()
    [1, 4]
    """
    selection = select(shape, index)
    found = [part.flat(0, part.size) for part in selection.parts]
    return (np.concatenate(found) if found else np.empty(0, np.int64)).reshape(selection.shape)


def is_basic(index: Index | None) -> bool:
    """Tell whether an index cuts axes (ints, slices, tuples of them) rather than lists flat indices."""
    return index is Ellipsis or isinstance(index, (int, np.integer, slice, tuple))


def logical(shape: fans.Shape, index: Index | None, *, layout: str) -> Basic | Flat | None:
    """Return the same elements of the tensor in logical layout: all, cut by slices (every axis kept), or flat indices.

    >>> logical((3, 3, 2, 4), (0, Ellipsis, slice(2)), layout="in_out")
    (slice(None, 2, None), slice(None, None, None), slice(0, 1, None), slice(None, None, None))
    """
    if index is None:
        return None
    if is_basic(index):
        return fans.logical_axes(_slices(shape, index), layout=layout)
    if len(shape) < 2:  # one order only
        return flat(shape, index)
    coordinates = np.unravel_index(flat(shape, index), shape)
    order = fans.logical_axes(coordinates, layout=layout)
    listed: Flat = np.ravel_multi_index(order, fans.logical_shape(shape, layout=layout)).astype(np.int64)
    return listed


def _slices(shape: fans.Shape, index: Any) -> Basic:
    """Write basic indexing as one slice for each axis."""
    select(shape, index)  # what does not fit is refused there
    members = [m for m in (index if isinstance(index, tuple) else (index,)) if m is not None]
    at = next((place for place, member in enumerate(members) if member is Ellipsis), len(members))
    missing = [slice(None)] * (len(shape) - sum(member is not Ellipsis for member in members))
    spelled = [*members[:at], *missing, *members[at + 1 :]]
    return tuple(_kept(member, length) for member, length in zip(spelled, shape, strict=True))


def _kept(member: Any, length: int) -> slice:
    if isinstance(member, slice):
        return member
    position = int(member) % length
    return slice(position, position + 1)
