"""How an exchange of places along the axes of tensors goes through one operation: rules, checked on explicit places.

An axis is turned by an array p of its places: afterwards place k holds what place p[k] held. `None` stands for an axis
that keeps its places, `ANY` for one along which all entries are alike. A rule is given the turned axes of the operands
and returns those of the results if the operation, with its operands turned like this, gives its former results turned
like that, whatever the numbers are; else it raises `Unkept`. Nothing here is shared with the search in `spaces`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]
ANY: Final[Literal["any"]] = "any"
Turn = Places | Literal["any"] | None
Turns = tuple[Turn, ...]
T = TypeVar("T")


class Unkept(Exception):
    """The operation is not known to pass the exchange on."""


def is_turned(turns: Iterable[Turn]) -> bool:
    """Tell whether any place changes."""
    return any(isinstance(turn, np.ndarray) for turn in turns)


def agreed(turns: Iterable[Turn]) -> Turn:
    """Return what all axes that an operation lines up have in common.

    Raises:
        Unkept: they are turned differently.
    """
    found: list[Places | None] = []
    for turn in turns:
        if isinstance(turn, str):
            continue
        if found and not _equal(found[0], turn):
            raise Unkept
        found.append(turn)
    return found[0] if found else ANY


def _equal(a: Places | None, b: Places | None) -> bool:
    return a is b or (a is not None and b is not None and np.array_equal(a, b))


def places(turn: Turn, size: int) -> Places:
    """Return where each place's content comes from."""
    return turn if isinstance(turn, np.ndarray) else np.arange(size)


def first_given(named: Mapping[str, T], keys: Iterable[str]) -> T:
    """Return what is known of the first of these arguments that is a tensor.

    Raises:
        Unkept: none is.
    """
    found = next((named[key] for key in keys if key in named), None)
    if found is None:
        raise Unkept
    return found


def kept_or(order: Places) -> Turn:
    """Return None for an order that changes nothing."""
    return None if np.array_equal(order, np.arange(len(order))) else order


def lined_up(operands: Sequence[tuple[Turns, tuple[int, ...]]], shape: tuple[int, ...]) -> Turns:
    """Return the axes of an elementwise result: operands line up from the back, axes of length 1 fit any other."""
    found: list[Turn] = []
    for back in range(len(shape), 0, -1):
        reach = [(turns[-back], sizes[-back]) for turns, sizes in operands if len(sizes) >= back]
        own = [turn for turn, size in reach if size == shape[-back]]
        found.append(agreed(own) if shape[-back] != 1 else None)
    return tuple(found)


def reshaped(turns: Turns, before: tuple[int, ...], after: tuple[int, ...]) -> Turns:
    """Return the axes after a change of shape that keeps the order of the entries.

    >>> heads = np.array([2, 3, 0, 1])
    >>> [None if turn is None else turn.tolist() for turn in reshaped((None, heads), (5, 4), (5, 2, 2))]
    [None, [1, 0], None]
    """
    found: list[Turn] = [None] * len(after)
    for old, new in blocks_of(before, after):
        group = [turns[i] for i in old]
        if all(isinstance(turn, str) for turn in group) and group:
            parts: Sequence[Turn] = [ANY] * len(new)
        elif is_turned(group):
            parts = _cut(_flat(group, [before[i] for i in old]), [after[j] for j in new])
        else:
            parts = [None] * len(new)
        for place, part in zip(new, parts, strict=True):
            found[place] = part
    return tuple(found)


def blocks_of(before: tuple[int, ...], after: tuple[int, ...]) -> list[tuple[list[int], list[int]]]:
    """Match runs of axes that hold equally many entries; axes of length 1 belong to none."""
    if math.prod(before) != math.prod(after) or not math.prod(before):
        raise Unkept
    old = [i for i, size in enumerate(before) if size != 1]
    new = [j for j, size in enumerate(after) if size != 1]
    found = []
    while old:
        left, right = [old.pop(0)], [new.pop(0)]
        while (a := math.prod(before[i] for i in left)) != (b := math.prod(after[j] for j in right)):
            if a < b:
                left.append(old.pop(0))
            else:
                right.append(new.pop(0))
        found.append((left, right))
    return found


def _flat(turns: Sequence[Turn], sizes: Sequence[int]) -> Places:
    order = np.arange(math.prod(sizes)).reshape(sizes)
    for axis, turn in enumerate(turns):
        if isinstance(turn, np.ndarray):
            order = order.take(turn, axis)
    return order.reshape(-1)


def _cut(order: Places, sizes: Sequence[int]) -> list[Turn]:
    """Write an order of all entries as one for each axis.

    Raises:
        Unkept: it is none.
    """
    found: list[Turn] = []
    for axis, index in enumerate(np.unravel_index(order, sizes)):
        table = np.moveaxis(np.asarray(index).reshape(sizes), axis, 0).reshape(sizes[axis], -1)
        if (table != table[:, :1]).any():
            raise Unkept
        found.append(kept_or(table[:, 0]))
    return found


def within(turn: Turn, index: Sequence[int] | range) -> Turn:
    """Return the axis of a piece that is taken out of a turned one.

    Raises:
        Unkept: an exchange leads out of the piece.
    """
    if not isinstance(turn, np.ndarray):
        return turn
    where = {place: k for k, place in enumerate(index)}
    found = [where.get(int(turn[place]), -1) for place in index]
    if -1 in found:
        raise Unkept
    return kept_or(np.array(found, np.int64))


def joined(turns: Sequence[Turn], sizes: Sequence[int]) -> Turn:
    """Return the axis of tensors that are put one after the other along it."""
    starts = np.concatenate([[0], np.cumsum(sizes)])[:-1]
    parts = [places(turn, size) + start for turn, size, start in zip(turns, sizes, starts, strict=True)]
    return kept_or(np.concatenate(parts))


def blocks(turn: Turn, size: int, count: int) -> tuple[Places, Places]:
    """Return where `count` equal blocks of an axis come from, and the places inside them as (blocks, places).

    Raises:
        Unkept: a block does not stay whole.
    """
    table = places(turn, size).reshape(count, size // count)
    whole = table // (size // count)
    if (whole != whole[:, :1]).any():
        raise Unkept
    return whole[:, 0], table % (size // count)
