"""Marks on the entries of tensors, carried through a recorded pass: signs that change with them, moves that reach them.

The marks of a tensor are whole numbers, one for each entry; along an axis on which they do not change they are written
once. Negative numbers are marks, all others say that an entry is as it was. Operations that only move entries move
marks alike, and are run on them as they are; every other one has a rule. An operation that reads no mark gives none:
its results are what they were.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from symbreak.torch.operations import FRESH, plain
from symbreak.torch.trace import Leaf, Record, Ref
from symbreak.torch.turning import Unkept, blocks_of, first_given

# Marks of more entries than this are not written out.
MOST_MARKS = 2**24
ZEROS = frozenset(("zeros", "zeros_like", "new_zeros", "zero"))
COPIED = frozenset(("clone", "contiguous", "_to_copy", "detach", "alias", "lift_fresh"))
_CARRIED = (
    "view _unsafe_view reshape t transpose permute unsqueeze squeeze expand select slice split split_with_sizes "
    "unsafe_split chunk unbind flip roll repeat narrow"
)
CARRIED = frozenset(_CARRIED.split())


@dataclass(frozen=True, eq=False)
class Marked:
    """An operation with the marks of its tensors: those with a name of their own, and those in lists."""

    record: Record
    named: Mapping[str, Tensor]
    listed: tuple[Tensor, ...]
    unmarked: int

    def of(self, *keys: str) -> Tensor:
        """Return the marks of the first of these arguments that is a tensor.

        Raises:
            Unkept: none is.
        """
        return first_given(self.named, keys)

    def bare(self, *keys: str) -> None:
        """Ask that these arguments, where they are tensors, have no marks.

        Raises:
            Unkept: one has.
        """
        if any(key in self.named and is_marked(self.named[key]) for key in keys):
            raise Unkept

    def is_number(self, key: str) -> bool:
        """Whether an argument is a plain number."""
        value = self.record.arguments.get(key)
        return isinstance(value, (int, float)) and not isinstance(value, bool)

    def none(self) -> Tensor:
        """Return marks for a result without any."""
        return blank(len(self.record.shape), self.unmarked)


Rule = Callable[[Marked], tuple[str, list[Tensor]]]
"""Says in a word what the operation does to marks, and gives those of its results; raises `Unkept`."""


@dataclass(eq=False)
class Marking:
    """A pass whose leaves carry marks.

    Attributes:
        records: the pass.
        leaves: marks of parameters and buffers; the others have none.
        rules: by operation.
        unmarked: the number of what is as it was.
        zero: the number of entries that are zero whatever the parameters are.
        moved: the word for what operations do that only move entries.
        made: marks of results that are not as they were; all others have none.
    """

    records: Sequence[Record]
    leaves: Mapping[str, Tensor]
    rules: Mapping[str, Rule]
    unmarked: int
    zero: int
    moved: str
    made: dict[Ref, Tensor] = field(default_factory=dict)
    _in_part: set[int] = field(default_factory=set)

    def step(self, record: Record) -> str:
        """Mark the results of an operation; say what it does to marks, nothing if it meets none.

        Raises:
            Unkept: no rule of it lets these marks through.
        """
        word, found = "", [blank(len(shape), self.unmarked) for shape in record.shapes]
        if any(self._meets(item) for item in record.tensors) and plain(record.target) not in FRESH:
            given = self._given(record)
            moving = any(is_marked(marks) for marks in (*given.named.values(), *given.listed))
            try:
                word, through = self._through(given)
                found = through[: len(found)]
            except Unkept:
                if moving:
                    raise
            word = word if moving else ""
        elif plain(record.target) in ZEROS:
            found = [blank(len(shape), self.zero) for shape in record.shapes]
        if len(found) < len(record.shapes):  # as the statistics of a norm: who reads them ends the proof
            self._in_part.add(record.index)
        own = {Ref(record.index, output): tight(marks) for output, marks in enumerate(found)}
        self.made.update((ref, marks) for ref, marks in own.items() if bool((marks != self.unmarked).any()))
        return word

    def of(self, item: Leaf | Ref, rank: int = 0) -> Tensor:
        """Return the marks of a tensor of the pass.

        Raises:
            Unkept: it is a further result of an operation of which only the first was followed.
        """
        if isinstance(item, Leaf):
            return self.leaves.get(item.name, blank(rank, self.unmarked))
        if item in self.made:
            return self.made[item]
        if item.output and item.record in self._in_part:
            raise Unkept
        return blank(len(self.records[item.record].shapes[item.output]), self.unmarked)

    def _meets(self, item: Leaf | Ref) -> bool:
        if isinstance(item, Leaf):
            return item.name in self.leaves
        return item in self.made or (item.output > 0 and item.record in self._in_part)

    def is_marked(self, item: Any) -> bool:
        """Tell whether a tensor of the pass has marks."""
        return isinstance(item, (Leaf, Ref)) and is_marked(self.of(item))

    def _given(self, record: Record) -> Marked:
        named = {}
        for key, shape in record.named_shapes.items():
            item = record.arguments.get(key)
            own = self.of(item, len(shape)) if isinstance(item, (Leaf, Ref)) else None
            named[key] = own if own is not None else blank(len(shape), self.unmarked)
        items = record.arguments.get("tensors")
        if isinstance(items, (list, tuple)):
            pairs = list(zip(items, record.operand_shapes, strict=True))
        else:
            lists = [value for value in record.arguments.values() if isinstance(value, (list, tuple))]
            pairs = [(item, ()) for value in lists for item in value if isinstance(item, (Leaf, Ref))]
        listed = tuple(
            self.of(item, len(shape)) if isinstance(item, (Leaf, Ref)) else blank(len(shape), self.unmarked)
            for item, shape in pairs
        )
        return Marked(record, named, listed, self.unmarked)

    def _through(self, given: Marked) -> tuple[str, list[Tensor]]:
        record, name = given.record, plain(given.record.target)
        if name in COPIED and record.floating:
            return self.moved, [given.of("self")]
        if name in CARRIED:
            return self.moved, _carried(record, given.of("self"))
        if name in ("cat", "stack"):
            return self.moved, _put_together(record, given.listed)
        rule = self.rules.get(name)
        if rule is None:
            raise Unkept
        return rule(given)


def blank(rank: int, unmarked: int) -> Tensor:
    """Return marks of a tensor that has none."""
    return torch.full((1,) * rank, unmarked, dtype=torch.int32)


def is_marked(marks: Tensor) -> bool:
    """Tell whether any entry has a mark."""
    return bool((marks < 0).any())


def tight(marks: Tensor) -> Tensor:
    """Write marks once along every axis on which they do not change.

    >>> tight(torch.tensor([[1, -1], [1, -1]])).tolist()
    [[1, -1]]
    """
    for axis in range(marks.dim()):
        first = marks.narrow(axis, 0, min(1, marks.shape[axis]))
        if marks.shape[axis] > 1 and bool((marks == first).all()):
            marks = first
    return marks


def lifted(marks: Tensor, rank: int) -> Tensor:
    """Return marks with axes of length 1 in front, as broadcasting has it."""
    return marks.reshape((1,) * (rank - marks.dim()) + tuple(marks.shape))


def in_full(marks: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Write marks out, one for each entry.

    Raises:
        Unkept: there would be too many.
    """
    if torch.Size(shape).numel() > MOST_MARKS:
        raise Unkept
    return marks.expand(shape).contiguous()


def once(marks: Tensor, *axes: int) -> Tensor:
    """Ask that marks do not change along these axes.

    Raises:
        Unkept: they do.
    """
    if any(marks.shape[axis] > 1 for axis in axes):
        raise Unkept
    return marks


def _carried(record: Record, marks: Tensor) -> list[Tensor]:
    """Move marks as the operation moves entries, by the operation itself; what is written once, where that will do."""
    name, given = plain(record.target), {k: v for k, v in record.arguments.items() if k != "self"}
    shape = record.operand_shapes[0]
    if marks.numel() == 1:
        return [marks.reshape((1,) * len(each)) for each in record.shapes]
    if name == "expand":
        return [lifted(marks, len(record.shape))]
    if name in ("view", "_unsafe_view", "reshape", "squeeze"):
        return [_reshaped(marks, shape, record.shape)]
    if isinstance(given.get("dim"), int) and name not in ("unsqueeze", "flip", "roll"):
        dim = int(given["dim"]) % len(shape)
        marks = in_full(marks, (*marks.shape[:dim], shape[dim], *marks.shape[dim + 1 :]))
    elif name not in ("t", "transpose", "permute", "unsqueeze"):
        marks = in_full(marks, shape)
    found: Any = getattr(torch.ops.aten, name)(marks, **given)
    return [found] if isinstance(found, Tensor) else list(found)


def _reshaped(marks: Tensor, before: tuple[int, ...], after: tuple[int, ...]) -> Tensor:
    """Give marks another shape; axes along which they do not change stay written once where they can."""
    wide, sizes = [1] * len(before), [1] * len(after)
    for old, new in blocks_of(before, after):
        if any(marks.shape[axis] > 1 for axis in old):
            for axis in old:
                wide[axis] = before[axis]
            for axis in new:
                sizes[axis] = after[axis]
    return in_full(marks, tuple(wide)).reshape(sizes)


def _put_together(record: Record, listed: tuple[Tensor, ...]) -> list[Tensor]:
    parts = [in_full(marks, shape) for marks, shape in zip(listed, record.operand_shapes, strict=True)]
    return [getattr(torch.ops.aten, plain(record.target))(parts, int(record.arguments.get("dim", 0)))]
