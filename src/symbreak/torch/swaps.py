"""Exchanges of whole modules that change no output: proved by comparing the operations of a pass as expressions.

Exchange the parameters of two modules, and two slices of those that have one for each (a router's rows). Every result
of the pass is written as an expression of parameters, inputs and operations, once as it is and once after the exchange;
sums forget the order of their terms, products that of their factors. If the end of the pass is the same expression, the
exchange P gives f(P w) = f(w) on every input. If also P w = w, the gradient is the same for both modules, for ever.

Between the parameters and the end, results may differ from those before by an exchange of two places along one axis;
each rule says what an operation makes of that. What has no rule, random numbers, and writing to memory that is read
elsewhere end the proof without a result.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten

from symbreak.diagnosis.invariance import Swap
from symbreak.torch.exchanging import passages
from symbreak.torch.needed import needed_records
from symbreak.torch.operations import kind_of, plain
from symbreak.torch.rules_of_axes import BINARY, REDUCTIONS, UNARY
from symbreak.torch.trace import Leaf, Record, Ref, Trace, named_tensors

# Siblings beyond this number are compared with the first only in part: a proof costs a look at every operation.
MOST_SIBLINGS = 64
# Entries that are looked at before all are.
FEW = 16


class _NoRule(Exception):
    """The exchange meets an operation that is not known to pass it on."""


@dataclass(frozen=True)
class _Form:
    """An expression, by its number, and the axis along which two places are exchanged in it."""

    number: int
    axis: int | None = None


@dataclass(eq=False)
class _Expressions:
    """Numbers expressions so that equal ones get one number; no hash stands for an expression."""

    trace: Trace
    _numbers: dict[Any, int] = field(default_factory=dict)
    _terms: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def number(self, expression: Any) -> int:
        return self._numbers.setdefault(expression, len(self._numbers))

    def added(self, parts: list[int]) -> int:
        """Return the sum: its terms without their order."""
        terms = tuple(sorted(term for part in parts for term in self._terms.get(part, (part,))))
        number = self.number(("sum", terms))
        self._terms[number] = terms
        return number


@dataclass(eq=False)
class _Reading:
    """One way to read a pass: with two modules exchanged, or as it is."""

    expressions: _Expressions
    renamed: Mapping[str, str] = field(default_factory=dict)
    slices: Mapping[str, int] = field(default_factory=dict)
    places: tuple[int, int] = (0, 0)
    plainly: _Reading | None = None
    forms: dict[Ref, _Form] = field(default_factory=dict)

    @property
    def touched(self) -> set[str]:
        """Names of what is exchanged, or has two places exchanged."""
        return {*self.renamed, *self.slices}

    def run(self, needed: set[int]) -> None:
        """Give every result that the end depends on its form."""
        for record in self.expressions.trace.records:
            if record.index in needed:
                for output in range(len(record.shapes)):
                    self.forms[Ref(record.index, output)] = self._form(record, output)

    def of(self, item: Any) -> _Form | None:
        """Return the form of a tensor argument."""
        if isinstance(item, Leaf):
            name = self.renamed.get(item.name, item.name)
            return _Form(self.expressions.number(("leaf", name)), self.slices.get(name))
        return self.forms[item] if isinstance(item, Ref) else None

    def _form(self, record: Record, output: int) -> _Form:
        flat = tree_flatten(list(record.arguments.values()))[0]
        forms = [form for item in flat if (form := self.of(item)) is not None]
        if all(form.axis is None for form in forms):
            stacked = self._stacked(record, forms)
            return stacked or _Form(self.write(record, output))
        rule = _rule(plain(record.target))
        if rule is None:
            raise _NoRule
        return rule(self, record, output)

    def write(self, record: Record, output: int = 0, **changed: Any) -> int:
        """Return the number of an operation's expression, with some of its plain arguments changed."""
        name = plain(record.target)
        given = dict(record.arguments) | changed
        operands = [form.number for item in tree_flatten(list(given.values()))[0] if (form := self.of(item))]
        rest = repr([None if isinstance(item, (Ref, Leaf)) else item for item in tree_flatten(list(given.values()))[0]])
        own = record.index if kind_of(record.target) in ("noise", "input") or name.startswith("empty") else -1
        if len(operands) < len(record.operand_shapes):
            own = record.index  # a constant without a name: not the same as any other
        if name == "add" and own < 0 and given.get("alpha", 1) == 1:
            if len(operands) == 2:
                return self.expressions.added(operands)
            if given.get("other") == 0 and record.shape == record.operand_shapes[0]:
                return operands[0]
        if name == "mul" and len(operands) == 2:
            operands.sort()
        return self.expressions.number((name, rest, tuple(operands), own, output, record.shape))

    def _stacked(self, record: Record, forms: list[_Form]) -> _Form | None:
        """Tensors side by side, two of which changed places: the stack as it was, exchanged along its axis."""
        if self.plainly is None or plain(record.target) != "stack":
            return None
        before = [self.plainly.of(item) for item in record.arguments["tensors"]]
        i, j = self.places
        order = list(range(len(before)))
        if max(i, j) < len(order):
            order[i], order[j] = j, i
            if forms == [before[k] for k in order] and forms != before:
                axis = int(record.arguments.get("dim", 0)) % len(record.shape)
                return _Form(self.plainly.write(record), axis)
        return None


Rule = Callable[[_Reading, Record, int], _Form]


def _only(reading: _Reading, record: Record) -> tuple[_Form, int]:
    """Return the one tensor argument and its axis."""
    forms = [f for item in tree_flatten(list(record.arguments.values()))[0] if (f := reading.of(item)) is not None]
    if len(forms) != 1 or forms[0].axis is None:
        raise _NoRule
    return forms[0], forms[0].axis


def _same(reading: _Reading, record: Record, output: int) -> _Form:
    _, axis = _only(reading, record)
    if len(record.shape) != len(record.operand_shapes[0]):
        raise _NoRule
    return _Form(reading.write(record, output), axis)


def _elementwise(reading: _Reading, record: Record, output: int) -> _Form:
    """Every operand is exchanged along the same axis, counted from the back, or has but one place there."""
    back = set()
    for name, shape in record.named_shapes.items():
        form = reading.of(record.arguments.get(name))
        if form is not None and form.axis is not None:
            back.add(len(shape) - form.axis)
    if len(back) != 1:
        raise _NoRule
    axis = back.pop()
    for name, shape in record.named_shapes.items():
        form = reading.of(record.arguments.get(name))
        if form is None or (form.axis is None and len(shape) >= axis and shape[-axis] != 1):
            raise _NoRule
    return _Form(reading.write(record, output), len(record.shape) - axis)


def _moved(reading: _Reading, record: Record, output: int) -> _Form:
    _, axis = _only(reading, record)
    name, given, before = plain(record.target), record.arguments, record.operand_shapes[0]
    rank = len(before)
    if name == "t":
        axis = rank - 1 - axis
    elif name == "transpose":
        a, b = int(given["dim0"]) % rank, int(given["dim1"]) % rank
        axis = {a: b, b: a}.get(axis, axis)
    elif name == "permute":
        axis = [int(i) % rank for i in given["dims"]].index(axis)
    elif name == "unsqueeze":
        axis += int(given["dim"]) % (rank + 1) <= axis
    else:
        axis = _kept(axis, before, record.shape)
    return _Form(reading.write(record, output), axis)


def _kept(axis: int, before: tuple[int, ...], after: tuple[int, ...]) -> int:
    """Return the axis of another shape that has the same places, and as many entries in front of it."""
    for place, size in enumerate(after):
        if size == before[axis] and math.prod(after[:place]) == math.prod(before[:axis]):
            return place
    raise _NoRule


_FACTORS = {"mm": ("self", "mat2", None), "addmm": ("mat1", "mat2", "self"), "bmm": ("self", "mat2", None)}


def _product(reading: _Reading, record: Record, output: int) -> _Form:
    """Rows of the left and columns of the right factor stay what they are; so does a bias beside columns."""
    left, right, bias = _FACTORS[plain(record.target)]
    a, b = reading.of(record.arguments[left]), reading.of(record.arguments[right])
    added = reading.of(record.arguments[bias]) if bias else None
    rank = len(record.shape)
    if a is not None and b is not None and (a.axis, b.axis) == (rank - 1, rank - 2) and (added is None) == (not bias):
        if added is not None and added.axis is not None:
            raise _NoRule
        return _Form(reading.write(record, output))  # the sum over what is exchanged forgets its order
    if rank > 2:
        raise _NoRule
    if a is None or b is None or a.axis is not None or b.axis != 1:
        raise _NoRule
    if bias and (added is None or added.axis is None or added.axis != len(record.named_shapes["self"]) - 1):
        raise _NoRule
    return _Form(reading.write(record, output), len(record.shape) - 1)


def _picked(reading: _Reading, record: Record, output: int) -> _Form:
    """One place along an axis: the other one, if it is exchanged."""
    _, axis = _only(reading, record)
    rank = len(record.operand_shapes[0])
    dim = int(record.arguments.get("dim", 0)) % rank
    i, j = reading.places
    other = {i: j, j: i}
    if dim != axis:
        return _Form(reading.write(record, output), axis - (dim < axis))
    if plain(record.target) == "unbind":
        return _Form(reading.write(record, other.get(output, output)))
    index = int(record.arguments["index"]) % record.operand_shapes[0][dim]
    return _Form(reading.write(record, index=other.get(index, index)))


def _piece(reading: _Reading, record: Record, output: int) -> _Form:
    """A slice of one place is, after the exchange, that of the other; one from the start on may hold both."""
    _, axis = _only(reading, record)
    given, size = record.arguments, record.operand_shapes[0]
    dim = int(given.get("dim", 0)) % len(size)
    if dim != axis:
        return _Form(reading.write(record), axis)
    first = slice(given.get("start"), given.get("end"), given.get("step", 1)).indices(size[dim])
    i, j = reading.places
    held = set(range(*first)) & {i, j}
    if not held or (first[0] == 0 and first[2] == 1 and len(held) == 2):
        return _Form(reading.write(record), axis if held else None)
    if (given.get("start"), given.get("end")) != (first[0], first[0] + 1):
        raise _NoRule  # of several places, or written in another way than the other one would be
    other = {i: j, j: i}[first[0]]
    return _Form(reading.write(record, start=other, end=other + 1))


def _parts(reading: _Reading, record: Record, output: int) -> _Form:
    """Pieces of one place each change places; along another axis each piece is exchanged in itself."""
    _, axis = _only(reading, record)
    dim = int(record.arguments.get("dim", 0)) % len(record.operand_shapes[0])
    if dim != axis:
        return _Form(reading.write(record, output), axis)
    if len(record.shapes) != record.operand_shapes[0][dim]:
        raise _NoRule
    i, j = reading.places
    return _Form(reading.write(record, {i: j, j: i}.get(output, output)))


def _reduced(reading: _Reading, record: Record, output: int) -> _Form:
    """A reduction over the axis does not see the exchange."""
    _, axis = _only(reading, record)
    rank = len(record.operand_shapes[0])
    dims = record.arguments.get("dim")
    listed = [dims] if isinstance(dims, int) else list(dims or range(rank))
    gone = {int(dim) % rank for dim in listed}
    if len(record.shapes) > 1:
        raise _NoRule
    if axis in gone:
        return _Form(reading.write(record, output))
    kept = len(record.shape) == rank
    return _Form(reading.write(record, output), axis if kept else axis - sum(dim < axis for dim in gone))


def _rule(name: str) -> Rule | None:
    return RULES.get(name)


RULES: Mapping[str, Rule] = {
    **dict.fromkeys((*UNARY, "relu", "sigmoid", "tanh", "gelu", "silu", "softplus"), _same),
    **dict.fromkeys(("_softmax", "_log_softmax", "_safe_softmax"), _same),
    **dict.fromkeys(BINARY - {"addcmul", "lerp"}, _elementwise),
    **dict.fromkeys(("t", "transpose", "permute", "unsqueeze", "view", "_unsafe_view", "reshape"), _moved),
    **dict.fromkeys(_FACTORS, _product),
    **dict.fromkeys(("select", "unbind"), _picked),
    "slice": _piece,
    **dict.fromkeys(("split", "split_with_sizes"), _parts),
    **dict.fromkeys(REDUCTIONS - {"any", "all", "min", "max"}, _reduced),
}


def swaps(model: nn.Module, trace: Trace) -> tuple[Swap, ...]:
    """Return exchanges of sibling modules with equal values that are proved to change no output."""
    found: list[Swap] = []
    values = dict(named_tensors(model))
    needed = needed_records(trace) if trace.ends else None
    plainly = _Reading(_Expressions(trace))
    for siblings in _siblings(model, values):
        if needed is None:
            return ()
        if not plainly.forms:
            plainly.run(needed)
        for place in range(1, min(len(siblings), MOST_SIBLINGS)):
            swap = _proved(trace, needed, plainly, values, siblings, place)
            if swap is not None:
                found.append(swap)
    return tuple(found)


def _siblings(model: nn.Module, values: Mapping[str, Tensor]) -> Iterator[list[dict[str, str]]]:
    """Yield groups of modules of one parent with equal values: for each its tensors' names, by their names inside."""
    for path, module in model.named_modules():
        groups: dict[Any, list[dict[str, str]]] = defaultdict(list)
        for place, child in module.named_children():
            prefix = f"{path}.{place}." if path else f"{place}."
            own = {name: prefix + name for name, _ in named_tensors(child) if prefix + name in values}
            if any(_is_drawn(values[full]) for full in own.values()):
                groups[tuple((name, tuple(values[full].shape)) for name, full in own.items())].append(own)
        for group in groups.values():
            equal = [one for one in group if all(_equal(values[group[0][k]], values[n]) for k, n in one.items())]
            if len(equal) > 1:
                yield equal


def _is_drawn(tensor: Tensor) -> bool:
    """Whether the entries differ: gains of 1 and biases of 0 are alike in every model."""
    flat = tensor.reshape(-1)
    few = flat[:FEW]
    return flat.numel() > 1 and bool((few != few[0]).any() or (flat != flat[0]).any())


def _equal(a: Tensor, b: Tensor) -> bool:
    """Compare a few entries before all: drawn tensors differ at once."""
    return torch.equal(a.reshape(-1)[:FEW], b.reshape(-1)[:FEW]) and torch.equal(a, b)


def _proved(
    trace: Trace,
    needed: set[int],
    plainly: _Reading,
    values: Mapping[str, Tensor],
    siblings: list[dict[str, str]],
    place: int,
) -> Swap | None:
    """Try the exchange of the first with another one, alone and with slices that could belong to them."""
    pairs = [(siblings[0][key], siblings[place][key]) for key in siblings[0]]
    renamed = {a: b for pair in pairs for a, b in (pair, pair[::-1])}
    inside = {name for one in siblings for name in one.values()}
    for slices in _belonging(values, inside, len(siblings), place):
        reading = _Reading(plainly.expressions, renamed, slices, (0, place), plainly)
        try:
            reading.run(needed)
        except _NoRule:
            continue
        if all(reading.of(end) == plainly.of(end) for end in (*trace.ends, *trace.numbers)):
            moved = tuple((name, axis, 0, place) for name, axis in slices.items())
            return Swap(tuple(pairs), moved, tuple(passages(trace, needed, plainly.of, reading.of, reading.touched)))
    return None


def _belonging(values: Mapping[str, Tensor], inside: set[str], count: int, place: int) -> Iterator[dict[str, int]]:
    """Yield sets of axes with a place for each sibling whose two slices are equal: none, each owner's, all."""
    owners: dict[str, dict[str, int]] = defaultdict(dict)
    for name, tensor in values.items():
        for axis, size in enumerate(tensor.shape):
            if name not in inside and size == count and torch.equal(tensor.select(axis, 0), tensor.select(axis, place)):
                owners[name.rpartition(".")[0]].setdefault(name, axis)
                break
    yield {}
    yield from owners.values()
    if len(owners) > 1:
        yield dict(itertools.chain.from_iterable(each.items() for each in owners.values()))
