"""Units of which one is the other's negative, or that are their own: renamings with signs that change no parameter.

The theorem of `renaming` holds as well if P also changes the signs of some entries: P is orthogonal, and an update that
is odd in each entry and its gradients commutes with it. What to negate where is read off the numbers: slices that are
opposite change sign, slices that are equal do not. Slices of zeros fit both; a bias goes with the matrix whose rows it
belongs to, and all others change. These are guesses: the observation follows each through the whole pass.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from symbreak.diagnosis import values
from symbreak.diagnosis.invariance import Groups, Member, Space
from symbreak.diagnosis.observation import Observation
from symbreak.diagnosis.renaming import Tie, parts, table, used_matrices

Table = NDArray[np.floating]
Signs = dict[int, dict[int, int]]
"""By unit and member: 1 where a slice is that of the group's first unit, -1 where it is its negative, 0 for zeros."""


def mirrored(observation: Observation) -> Iterator[Tie]:
    """Yield groups of units that are equal up to a sign in each parameter, not all of them equal."""
    for space, matrices in _spaces(observation):
        if not _may_pair(observation, matrices, space.size):
            continue
        members, tables = _read(observation, space)
        by_pattern: dict[frozenset[int], list[Signs]] = defaultdict(list)
        for group in _alike(tables, space.size):
            found = _signs(group, tables)
            if any(sign < 0 for own in found.values() for sign in own.values()):
                by_pattern[frozenset(m for own in found.values() for m, sign in own.items() if sign < 0)].append(found)
        for groups in by_pattern.values():
            tie = _followed(observation, space, members, groups)
            yield from [tie] if tie is not None else []


def zeroed(observation: Observation) -> Iterator[Tie]:
    """Yield units that are zero in some parameters and could change their sign there: they stay zero."""
    for space, matrices in _spaces(observation):
        if not any(_is_zero(table(observation, m, space.size)).any() for m in matrices):
            continue
        members, tables = _read(observation, space)
        zero = np.array([_is_zero(each) for each in tables])
        by_pattern: dict[bytes, list[int]] = defaultdict(list)
        for unit in range(space.size):
            by_pattern[zero[:, unit].tobytes()].append(unit)
        for units in by_pattern.values():
            own = zero[:, units[0]]
            signs = {place: 0 if own[place] else 1 for place in range(len(members))}
            if any(own[place] and len(observation.parameter(m.parameter).shape) > 1 for place, m in enumerate(members)):
                tie = _followed(observation, space, members, [{unit: signs} for unit in units])
                yield from [tie] if tie is not None else []


def _spaces(observation: Observation) -> Iterator[tuple[Space, list[Member]]]:
    """Yield spaces that a gradient reaches, with their matrices; if they lie in several parts of an axis, each part."""
    for space in observation.spaces:
        if used_matrices(observation, space):
            for each in (space, *parts(space)):
                yield each, used_matrices(observation, each)


def _may_pair(observation: Observation, matrices: Iterable[Member], size: int) -> bool:
    """Look at one entry of each unit before all: drawn ones differ in size at once."""
    first = [np.abs(table(observation, member, size)[0, :, 0]) for member in matrices]
    return len(np.unique(np.stack(first), axis=1).T) < size


def _read(observation: Observation, space: Space) -> tuple[list[Member], list[Table]]:
    """Return every part of every member, each with its values as (everything before, units, everything after)."""
    parts = [
        replace(m, before=1, start=m.start + part * space.size * m.after)
        for m in space.members
        for part in range(m.before)
    ]
    return parts, [table(observation, part, space.size) for part in parts]


def _is_zero(found: Table) -> NDArray[np.bool_]:
    zero: NDArray[np.bool_] = found[0, :, 0] == 0
    zero[zero] = ~found[:, zero].any(axis=(0, 2))
    return zero


def _alike(tables: Sequence[Table], size: int) -> Iterator[tuple[int, ...]]:
    """Yield groups of units that agree in size entry by entry, up to collisions of a hash."""
    keys = np.zeros(size, np.uint64)
    for found in tables:
        keys = keys * np.uint64(0x9E3779B97F4A7C15) + values.hashes(found, 1, absolute=True)
    yield from values.groups(keys)


def _signs(group: Iterable[int], tables: Sequence[Table]) -> Signs:
    """Return the signs of all units that are the first one's up to a sign in every table."""
    units = list(group)
    found: Signs = {}
    for unit in units:
        own = {}
        for place, each in enumerate(tables):
            one, first = each[:, unit], each[:, units[0]]
            if np.array_equal(one, first):
                own[place] = int(bool(one.any()))
            elif np.array_equal(one, -first):
                own[place] = -1
            else:
                break
        else:
            found[unit] = own
    return found


def _followed(observation: Observation, space: Space, members: list[Member], groups: Sequence[Signs]) -> Tie | None:
    """Follow a renaming with the signs that the groups' units ask for; None if an operation stops it."""
    negated: dict[int, list[int]] = defaultdict(list)
    for group in groups:
        units = list(group)
        for unit, following in zip(units, [*units[1:], units[0]], strict=True):
            own = {m: sign * group[following][m] for m, sign in group[unit].items()}
            for place in range(len(members)):
                if _changes(observation, members, own, place, alone=len(units) == 1):
                    negated[place].append(unit)
    signed = tuple(replace(m, negated=tuple(sorted(negated[place]))) for place, m in enumerate(members))
    turned: Groups = tuple(tuple(group) for group in groups if len(group) > 1)
    followed = space.follow(signed, space.size, turned)
    return Tie(replace(space, members=signed), turned, followed) if followed is not None else None


def _changes(
    observation: Observation, members: Sequence[Member], signs: dict[int, int], place: int, *, alone: bool
) -> bool:
    """Tell whether a slice changes its sign; one of zeros as its matrix does, or if any other does."""
    if signs[place]:
        return signs[place] < 0
    member = members[place]
    if len(observation.parameter(member.parameter).shape) == 1:
        for other, matrix in enumerate(members):
            rows = replace(matrix, parameter=member.parameter) == member
            own = matrix.parameter.rpartition(".")[0] == member.parameter.rpartition(".")[0]
            if own and rows and signs[other] and len(observation.parameter(matrix.parameter).shape) > 1:
                return signs[other] < 0
    return alone or any(sign < 0 for sign in signs.values())
