"""What may be moved without changing any output, and what zeros hold still, as the adapters find it in a pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Member:
    """An axis of a parameter or buffer along which a space's units lie.

    Unit u owns the places start + (b * size + u) * after + a of the axis, for every b < before and a < after.
    The entries of `negated` units change sign, after the units have changed places.
    """

    parameter: str
    axis: int
    before: int = 1
    after: int = 1
    start: int = 0
    negated: tuple[int, ...] = ()


Groups = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Passage:
    """An operation that a renaming of units passes, or that an exchange of modules moves.

    Attributes:
        module: path of the innermost module that it ran in.
        kind: what it does to the units: "linear rows", "layer norm", "sum", ... as `passages.CONDITIONS` lists them.
        name: the activation's name, or the framework's.
        reads: parameters whose places the renaming changes there.
        times: how often it ran in this module.
    """

    module: str
    kind: str
    name: str
    reads: tuple[str, ...] = ()
    times: int = 1


@dataclass(frozen=True)
class Followed:
    """A renaming that was followed through a whole pass and changes nothing of its end.

    Attributes:
        passages: what it passed, in order.
        units: for modules whose output it renames, the groups of units that change places among themselves.
        signs: if signs change, for each of these groups the sign of each unit relative to the first, 0 for units that
            must be zero.
    """

    passages: tuple[Passage, ...]
    units: tuple[tuple[str, Groups], ...]
    signs: tuple[tuple[str, Groups], ...] = ()


@dataclass(frozen=True)
class Still:
    """Parameters that zeros hold still.

    Attributes:
        zeros: parameters that are zero, and stay so.
        stuck: all that no gradient reaches while they are, themselves among them if they are trained.
        passages: the operations at which a zero stops the gradient; `reads` names the parameters that make it zero.
    """

    zeros: tuple[str, ...]
    stuck: tuple[str, ...]
    passages: tuple[Passage, ...]


@dataclass(frozen=True)
class Shift:
    """What may be added to a parameter: any number to each entry, or along an axis the same to all.

    Attributes:
        parameter: its name.
        places: along its first axis, where something is added; everywhere if empty.
        along: the axis along which the same is added.
    """

    parameter: str
    places: tuple[int, ...] = ()
    along: int | None = None


Vanish = Callable[[Shift], tuple[Passage, ...] | None]
"""Follows a shift through the whole pass; what it passed until it vanished, None if some output may move."""

Follow = Callable[[tuple[Member, ...], int, Groups], Followed | None]
"""Called with the axes along which units lie, their number, and groups of them: follows the renaming that moves each
unit of a group to the place of the next one, and changes the signs of those that an axis negates, through the whole
pass; None if some operation may not let it through."""


@dataclass(frozen=True)
class Space:
    """Units that can be renamed in all members at once without changing any output, on any input.

    Attributes:
        members: all axes of parameters and buffers that the renaming touches.
        size: number of units.
        follow: checks a renaming by rules that share nothing with those that found the space.
    """

    members: tuple[Member, ...]
    size: int
    follow: Follow = field(default=lambda members, size, groups: None, compare=False, repr=False)


@dataclass(frozen=True)
class Swap:
    """Parameters that can change places with each other without changing any output, on any input.

    Attributes:
        pairs: which with which.
        slices: in parameters with a place for each of them, which two slices change places: (name, axis, i, j).
        passages: the operations that the exchange moves, or that put together what it moved.
    """

    pairs: tuple[tuple[str, str], ...]
    slices: tuple[tuple[str, int, int, int], ...] = ()
    passages: tuple[Passage, ...] = ()
