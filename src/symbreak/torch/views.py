"""Operations that move entries without changing them, and where they put the axes."""

from __future__ import annotations

from symbreak.torch.operations import plain
from symbreak.torch.trace import Record

SLICING = frozenset(("slice", "narrow", "split", "split_with_sizes", "expand"))
RESHAPING = frozenset(("view", "_unsafe_view", "reshape", "_reshape_alias"))
VIEWS = SLICING | RESHAPING | {"t", "transpose", "permute", "unsqueeze", "squeeze", "select", "unbind", "alias"}
# A reshape of what is not contiguous copies it first.
COPIES = frozenset(("clone", "contiguous"))


def moved(record: Record, axes: tuple[int | None, ...]) -> tuple[int | None, ...]:
    """Return the axes after an operation that moves them."""
    name, args = plain(record.target), record.arguments
    rank = len(axes)
    if name == "t":
        return axes[::-1]
    if name == "transpose":
        order = list(axes)
        a, b = int(args["dim0"]) % rank, int(args["dim1"]) % rank
        order[a], order[b] = order[b], order[a]
        return tuple(order)
    if name == "permute":
        return tuple(axes[int(dim) % rank] for dim in args["dims"])
    if name in ("select", "unbind"):
        dropped = int(args.get("dim", 0)) % rank
        return tuple(axis for place, axis in enumerate(axes) if place != dropped)
    if name == "unsqueeze":
        place = int(args["dim"]) % (rank + 1)
        return (*axes[:place], None, *axes[place:])
    before, after = record.operand_shapes[0], record.shape
    if len(axes) != len(before):
        return (None,) * len(after)
    if len(before) == len(after) and name not in RESHAPING:
        return tuple(axis if a == b or name in SLICING else None
                     for axis, a, b in zip(axes, before, after, strict=True))  # fmt: skip
    return reshaped(before, after, axes)


def reshaped(before: tuple[int, ...], after: tuple[int, ...], axes: tuple[int | None, ...]) -> tuple[int | None, ...]:
    """Match axes of equal size from both ends; what lies between was merged or split. Axes of size 1 come and go."""
    found: list[int | None] = [None] * len(after)
    old = [place for place, size in enumerate(before) if size != 1]
    new = [place for place, size in enumerate(after) if size != 1]
    while old and new and before[old[0]] == after[new[0]]:
        found[new.pop(0)] = axes[old.pop(0)]
    while old and new and before[old[-1]] == after[new[-1]]:
        found[new.pop()] = axes[old.pop()]
    return tuple(found)
