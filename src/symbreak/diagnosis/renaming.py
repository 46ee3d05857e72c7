"""Units that a renaming exchanges without changing any parameter: one unit for ever, proved.

Theorem. Let P rename units so that f(P w) = f(w) for every input (a space of the observation says so) and P w = w.
Then grad f(w) = P^T grad f(P w) = P^T grad f(w), so P leaves the gradient as it is too, for every batch and loss; an
update that treats all entries alike (gradient descent, momentum, Adam, AdamW, with or without decay) keeps P w = w. By
induction the units that P exchanges have equal weights for ever, and since every operation that reads them is unchanged
by P, they compute the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from symbreak.diagnosis import values
from symbreak.diagnosis.invariance import Followed, Groups, Member, Space
from symbreak.diagnosis.observation import Observation

OPTIMIZERS = ("gd", "momentum", "adam", "gd_l2", "adamw", "adam_l2")


@dataclass(frozen=True)
class Tie:
    """Groups of units of a space that are one unit for ever, and what the renaming passes."""

    space: Space
    groups: Groups
    followed: Followed


def ties(observation: Observation) -> Iterator[Tie]:
    """Yield every space that has equal units, each pair checked on all parameters entry by entry."""
    for space in observation.spaces:
        if used_matrices(observation, space):
            whole = _tie(observation, space)
            yield from [whole] if whole is not None else _in_parts(observation, space)


def used_matrices(observation: Observation, space: Space) -> list[Member]:
    """Return the axes of matrices along which a space's units lie; none if no gradient reaches one of them."""
    matrices = [m for m in space.members if len(observation.parameter(m.parameter).shape) > 1]
    used = any(observation.parameter(m.parameter).gradient is not None for m in matrices)
    return matrices if used else []


def _tie(observation: Observation, space: Space) -> Tie | None:
    groups = _equal(observation, space)
    followed = space.follow(space.members, space.size, groups) if groups else None
    return Tie(space, groups, followed) if followed is not None else None


def _in_parts(observation: Observation, space: Space) -> Iterator[Tie]:
    """Yield what is tied in one part of an axis alone, as in one group of a convolution."""
    found = (_tie(observation, part) for part in parts(space))
    yield from (tie for tie in found if tie is not None)


def parts(space: Space) -> Iterator[Space]:
    """Yield a space that lies in several parts of all of its axes, part by part."""
    counts = {member.before for member in space.members}
    for part in range(max(counts)) if len(counts) == 1 and counts != {1} else ():
        members = tuple(replace(m, before=1, start=m.start + part * space.size * m.after) for m in space.members)
        yield replace(space, members=members)


def _equal(observation: Observation, space: Space) -> Groups:
    """Return groups of units whose slices are equal in every member."""
    keys = np.zeros(space.size, np.uint64)
    for member in space.members:
        # Every hash is multiplied by an odd number of its own, so that equal sums of different parts do not collide.
        keys = keys * np.uint64(0x9E3779B97F4A7C15) + values.hashes(table(observation, member, space.size), 1)
        if not values.groups(keys):
            return ()
    tables = [table(observation, member, space.size) for member in space.members]
    return tuple(group for found in values.groups(keys) for group in _checked(found, tables))


def _checked(group: tuple[int, ...], tables: list[NDArray[np.floating]]) -> Iterator[tuple[int, ...]]:
    """A hash may collide: compare entry by entry with the first unit."""
    same = [unit for unit in group if all(np.array_equal(t[:, unit], t[:, group[0]]) for t in tables)]
    if len(same) > 1:
        yield tuple(same)


def table(observation: Observation, member: Member, size: int) -> NDArray[np.floating]:
    """Return a member's values as (everything before, units, everything after)."""
    array = observation.parameter(member.parameter).values()
    held = slice(member.start, member.start + member.before * size * member.after)
    array = array[(slice(None),) * member.axis + (held,)]
    return array.reshape(math.prod(array.shape[: member.axis]) * member.before, size, -1)


def placed(member: Member, size: int, groups: Groups) -> Groups:
    """Return for each group of units the groups of places along a member's axis that are one then.

    >>> placed(Member("w", 0, before=2, after=2), 3, ((0, 2),))
    ((0, 4), (1, 5), (6, 10), (7, 11))
    """
    blocks = [member.start + part * size * member.after for part in range(member.before)]
    starts = [block + place for block in blocks for place in range(member.after)]
    return tuple(tuple(start + unit * member.after for unit in group) for start in starts for group in groups)
