"""Spaces of units: axes along which units can be renamed in every tensor at once without changing any output.

If such a renaming P leaves all parameters as they are, it leaves the gradient as it is too: f(P w) = f(w) on all inputs
gives P grad f(w) = grad f(P w), and P w = w. So every update that treats entries alike keeps P w = w, and the units
that P exchanges compute the same for ever. Each operation has a rule that lines its axes up; an operation without a
rule, and noise that acts on single units, fix the axes that they touch.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Mapping

from torch import nn
from torch.utils._pytree import tree_flatten

from symbreak.diagnosis.invariance import Member, Space
from symbreak.torch.axes import Lined, Shape
from symbreak.torch.following import follow
from symbreak.torch.operations import plain
from symbreak.torch.rules_of_axes import UNIFORM, rule_of
from symbreak.torch.trace import Record, Trace, named_tensors


def spaces(model: nn.Module, trace: Trace) -> tuple[Space, ...]:
    """Return the spaces of a pass that hold at least one axis of a parameter."""
    shapes = {name: tuple(tensor.shape) for name, tensor in named_tensors(model)}
    lined = _lined(trace, shapes)
    members: dict[int, list[Member]] = defaultdict(list)
    for name, axes in lined.leaves.items():
        for place, axis in enumerate(axes):
            factors = lined.factors.resolve(axis)
            for i, factor in enumerate(factors):
                before, after = lined.factors.size(factors[:i]), lined.factors.size(factors[i + 1 :])
                members[factor].append(Member(name, place, before, after))
    checked = functools.partial(follow, trace, shapes)
    return tuple(
        Space(tuple(found), lined.factors.sizes[factor], checked)
        for factor, found in members.items()
        if not lined.factors.is_fixed(factor)
    )


def _lined(trace: Trace, shapes: Mapping[str, tuple[int, ...]]) -> Lined:
    """Follow all records in order, then fix what the gradient is taken of."""
    lined = Lined(shapes)
    for record in trace.records:
        for number, axes in enumerate(_outputs(lined, record)):
            lined.made[record.index, number] = axes
    for end in (*trace.ends, *trace.numbers):
        lined.fix(lined.axes(end) or ())
    return lined


def _outputs(lined: Lined, record: Record) -> list[Shape]:
    name = plain(record.target)
    if name in UNIFORM:
        return [lined.fresh(shape, fixed=False) for shape in record.shapes]
    rule = rule_of(name)
    found = rule(lined, record) if rule is not None else None
    if found is None:
        for item in tree_flatten(list(record.arguments.values()))[0]:
            lined.fix(lined.axes(item) or ())
        found = [lined.fresh(shape, fixed=True) for shape in record.shapes]
    found += [lined.fresh(shape, fixed=True) for shape in record.shapes[len(found) :]]
    return found
