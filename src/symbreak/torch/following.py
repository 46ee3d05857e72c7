"""Renaming units, followed through a recorded pass operation by operation: the check of what `spaces` found.

The renaming P moves each unit of a group to the place of the next one. It is written out as the places of every axis of
every parameter that it touches, and each operation of the pass is held to its rule: with its operands turned like this
it gives its former results, turned like that, whatever the numbers are. If the end of the pass is not turned at all,
f(P w) = f(w) on every input on which the model runs these operations. The search is not asked: `turning` and the rules
here know nothing of factors.

If units also change their signs, P is a change of signs after a renaming, and each is followed by itself: where both
leave f as it is, so does P.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from symbreak.diagnosis.invariance import Followed, Groups, Member, Passage
from symbreak.torch.marks import Marking, is_marked
from symbreak.torch.operations import ACTIVATIONS, activation_name, kind_of, plain
from symbreak.torch.rules_of_signs import RULES as SIGNS
from symbreak.torch.rules_of_turning import RULES, UNIFORM, Operands
from symbreak.torch.trace import Leaf, Record, Ref, Trace
from symbreak.torch.turning import ANY, Turn, Turns, Unkept, is_turned, kept_or

Tied = tuple[tuple[int, ...], tuple[int, ...]]
"""Units in order, and the sign of each relative to the first; 0 for those that must be zero."""
# Of what keeps its places they make axes along which all entries are alike.
WIDENING = frozenset(("expand", "repeat"))
COPYING = frozenset(("clone", "contiguous", "_to_copy", "detach", "alias", "lift_fresh", "copy"))


def follow(
    trace: Trace, shapes: Mapping[str, tuple[int, ...]], members: Sequence[Member], size: int, groups: Groups
) -> Followed | None:
    """Return what the renaming passes, and which outputs of modules it exchanges; None if some operation stops it.

    Args:
        trace: the recorded pass.
        shapes: of parameters and buffers.
        members: the axes along which the units lie.
        size: how many units there are.
        groups: units to exchange; each moves to the place of the next, and those that a member negates change sign.
    """
    if not trace.ends:
        return None
    turned: dict[str, list[Turn]] = {}
    for member in members:
        shape = shapes[member.parameter]
        axes = turned.setdefault(member.parameter, [None] * len(shape))
        order = turn_of(member, size, groups, shape[member.axis])
        before = axes[member.axis]
        axes[member.axis] = kept_or(before[order] if isinstance(before, np.ndarray) else order)
    signs = Marking(trace.records, signs_of(members, size, shapes), SIGNS, 1, 0, "signs moved")
    if not any(map(is_turned, turned.values())) and not any(map(is_marked, signs.leaves.values())):
        return None  # signs may cancel, of rows and columns of one matrix: then nothing changes, and nothing follows
    follower = _Follower(trace, shapes, {name: tuple(axes) for name, axes in turned.items()}, signs)
    try:
        follower.run()
        units = follower.units()
    except Unkept:
        return None
    return Followed(
        tuple(follower.passages()),
        tuple((module, tuple(group for group, _ in own)) for module, own in units),
        tuple((module, tuple(sign for _, sign in own)) for module, own in units) if signs.leaves else (),
    )


def turn_of(member: Member, size: int, groups: Groups, length: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the places of a member's axis after each unit of a group moved to the place of the next.

    >>> turn_of(Member("w", 0, before=2), 3, ((0, 2),), 6).tolist()
    [2, 1, 0, 5, 4, 3]
    """
    source = np.arange(size)
    for group in groups:
        source[list(group)] = np.roll(group, -1)
    order = np.arange(length)
    held = order[member.start : member.start + member.before * size * member.after]
    held[:] = held.reshape(member.before, size, member.after)[:, source].reshape(-1)
    return order


def signs_of(members: Sequence[Member], size: int, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Return the signs by which parameters are multiplied, of those of which some units change theirs.

    >>> signs_of([Member("w", 0, after=2, negated=(1,))], 2, {"w": (4, 3)})["w"].T.tolist()
    [[1, 1, -1, -1]]
    """
    found: dict[str, Tensor] = {}
    for member in members:
        if member.negated:
            shape = shapes[member.parameter]
            signs = torch.ones(shape[member.axis], dtype=torch.int32)
            held = signs[member.start : member.start + member.before * size * member.after]
            held.view(member.before, size, member.after)[:, list(member.negated)] = -1
            lined = signs.reshape([-1 if axis == member.axis else 1 for axis in range(len(shape))])
            found[member.parameter] = found.get(member.parameter, torch.ones((), dtype=torch.int32)) * lined
    return found


@dataclass(eq=False)
class _Follower:
    """The pass with its parameters turned, and some of their signs changed."""

    trace: Trace
    shapes: Mapping[str, tuple[int, ...]]
    turned: Mapping[str, Turns]
    signs: Marking
    made: dict[Ref, Turns] = field(default_factory=dict)
    weights: dict[Ref, tuple[str, ...]] = field(default_factory=dict)
    steps: dict[tuple[str, str, str, tuple[str, ...]], int] = field(default_factory=dict)

    def run(self) -> None:
        """Hold every operation to its rule, and the end to its place.

        Raises:
            Unkept: one of them is not known to pass the renaming on, or the end is turned.
        """
        for record in self.trace.records:
            turns, kind = self._results(record)
            for output, found in enumerate(turns):
                self.made[Ref(record.index, output)] = found
            kind = (self.signs.step(record) if self.signs.leaves else "") or kind
            if kind:
                self._note(record, kind)
        for end in (*self.trace.ends, *self.trace.numbers):
            if is_turned(self.turns(end)) or (self.signs.leaves and self.signs.is_marked(end)):
                raise Unkept

    def turns(self, item: object) -> Turns:
        """Return the turned axes of an argument.

        Raises:
            Unkept: it is a further result of an operation of which only the first is followed.
        """
        if isinstance(item, Leaf):
            return self.turned.get(item.name, (None,) * len(self.shapes[item.name]))
        if not isinstance(item, Ref):
            return ()
        if item not in self.made:
            raise Unkept
        return self.made[item]

    def _results(self, record: Record) -> tuple[list[Turns], str]:
        """Return the turned axes of the results, and what the operation does to units that change places."""
        name = plain(record.target)
        if name in UNIFORM:
            alike: list[Turns] = [(ANY,) * len(shape) for shape in record.shapes]
            return alike, ""
        operands = self._operands(record)
        known = [turns for turns in (*operands.named.values(), *operands.listed) if any(t is not None for t in turns)]
        still: list[Turns] = [(None,) * len(shape) for shape in record.shapes]
        if not known and name not in WIDENING:
            return still, ""
        moving = any(is_turned(turns) for turns in known)
        rule = RULES.get(name)
        try:
            if rule is None:
                raise Unkept
            kind, found = rule(operands)
        except Unkept:
            if moving:
                raise
            return still, ""
        return found, kind if moving else ""

    def _operands(self, record: Record) -> Operands:
        named = {}
        for key, shape in record.named_shapes.items():
            item = record.arguments.get(key)
            named[key] = self.turns(item) if isinstance(item, (Leaf, Ref)) else (None,) * len(shape)
        items = [i for v in record.arguments.values() if isinstance(v, (list, tuple)) for i in v]
        listed = [self.turns(item) if isinstance(item, (Leaf, Ref)) else () for item in items]
        return Operands(record, named, listed)

    def _note(self, record: Record, kind: str) -> None:
        read = dict.fromkeys(name for item in record.tensors for name in self._sources(item))
        names = tuple(sorted(read, key=lambda name: -len(self.shapes[name])))  # weights before biases
        if not record.data:  # a weight on its way: its name goes with it
            self.weights.update({Ref(record.index, output): names for output in range(len(record.shapes))})
        if plain(record.target) not in COPYING and (record.data or kind_of(record.target) != "shape"):
            text = activation_name(record.target, record.arguments) if _is_activation(record) else plain(record.target)
            key = (record.module, kind, text, names)
            self.steps[key] = self.steps.get(key, 0) + 1

    def _sources(self, item: Leaf | Ref) -> tuple[str, ...]:
        if isinstance(item, Leaf):
            return (item.name,) if item.name in self.turned or item.name in self.signs.leaves else ()
        return self.weights.get(item, ())

    def passages(self) -> list[Passage]:
        """Return what was passed, in order; equal steps of a module once, with their number."""
        return [Passage(*key, times=times) for key, times in self.steps.items()]

    def units(self) -> list[tuple[str, list[Tied]]]:
        """Return for every module the groups of its output's units that are one unit in all of its runs, with signs."""
        found: list[tuple[str, list[Tied]]] = []
        for module, runs in self.trace.units.items():
            kept = set.intersection(*(self._tied(ref, axis) for ref, axis in runs))
            if kept:
                found.append((module, sorted(kept)))
        return found

    def _tied(self, ref: Ref, axis: int) -> set[Tied]:
        if ref not in self.made:
            return set()
        turn, signs = self.made[ref][axis], None
        if self.signs.leaves:
            marks = self.signs.of(ref)
            if marks.numel() > marks.shape[axis]:
                return set()
            length = self.trace.records[ref.record].shapes[ref.output][axis]
            signs = torch.where(marks < 0, -1, 1).reshape(-1).expand(length).tolist()
        return _cycles(turn, signs)


def _is_activation(record: Record) -> bool:
    return plain(record.target) in ACTIVATIONS


def _cycles(turn: Turn, signs: Sequence[int] | None = None) -> set[Tied]:
    """Return the sets of places that change among themselves, each sorted.

    Place k holds afterwards what place turn[k] held, times signs[k]. What stays as it is under that and changes sign on
    its way round is zero.

    >>> sorted(_cycles(np.array([1, 0, 2, 4, 5, 3])))
    [((0, 1), (1, 1)), ((3, 4, 5), (1, 1, 1))]
    >>> sorted(_cycles(np.array([1, 0, 2, 3]), [-1, -1, -1, 1]))
    [((0, 1), (1, -1)), ((2,), (0,))]
    """
    found: set[Tied] = set()
    seen: set[int] = set()
    order = turn.tolist() if isinstance(turn, np.ndarray) else list(range(len(signs or ())))
    for place in order:
        cycle: dict[int, int] = {}
        sign = 1
        while place not in seen:
            seen.add(place)
            cycle[place] = sign
            sign *= signs[place] if signs is not None else 1
            place = order[place]
        if cycle and (len(cycle) > 1 or sign < 0):
            units = tuple(sorted(cycle))
            found.add((units, tuple(cycle[unit] * cycle[units[0]] if sign > 0 else 0 for unit in units)))
    return found
