"""A pass written as expressions, as it is or with two modules exchanged; see `swaps`.

Sums forget the order of their terms, products that of their factors. Between the parameters and the end, results may
differ from those before by an exchange of two places along one axis; a rule for each operation says what it makes of
that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch.utils._pytree import tree_flatten

from symbreak.torch.operations import kind_of, plain
from symbreak.torch.trace import Leaf, Record, Ref, Trace


class NoRule(Exception):
    """The exchange meets an operation that is not known to pass it on."""


@dataclass(frozen=True)
class Form:
    """An expression, by its number, and the axis along which two places are exchanged in it."""

    number: int
    axis: int | None = None


@dataclass(eq=False)
class Expressions:
    """Numbers expressions so that equal ones get one number; no hash stands for an expression."""

    trace: Trace
    _numbers: dict[Any, int] = field(default_factory=dict)
    _terms: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def number(self, expression: Any) -> int:
        """Return the number of an expression: a new one if it is new."""
        return self._numbers.setdefault(expression, len(self._numbers))

    def added(self, parts: list[int]) -> int:
        """Return the sum: its terms without their order."""
        terms = tuple(sorted(term for part in parts for term in self._terms.get(part, (part,))))
        number = self.number(("sum", terms))
        self._terms[number] = terms
        return number


@dataclass(eq=False)
class Reading:
    """One way to read a pass: with two modules exchanged, or as it is."""

    expressions: Expressions
    rules: Mapping[str, Rule]
    renamed: Mapping[str, str] = field(default_factory=dict)
    slices: Mapping[str, int] = field(default_factory=dict)
    places: tuple[int, int] = (0, 0)
    plainly: Reading | None = None
    forms: dict[Ref, Form] = field(default_factory=dict)

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

    def of(self, item: Any) -> Form | None:
        """Return the form of a tensor argument."""
        if isinstance(item, Leaf):
            name = self.renamed.get(item.name, item.name)
            return Form(self.expressions.number(("leaf", name)), self.slices.get(name))
        return self.forms[item] if isinstance(item, Ref) else None

    def _form(self, record: Record, output: int) -> Form:
        flat = tree_flatten(list(record.arguments.values()))[0]
        forms = [form for item in flat if (form := self.of(item)) is not None]
        if all(form.axis is None for form in forms):
            stacked = self._stacked(record, forms)
            return stacked or Form(self.write(record, output))
        rule = self.rules.get(plain(record.target))
        if rule is None:
            raise NoRule
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

    def _stacked(self, record: Record, forms: list[Form]) -> Form | None:
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
                return Form(self.plainly.write(record), axis)
        return None


Rule = Callable[[Reading, Record, int], Form]
"""Gives the form of one result of an operation that reads what is exchanged; raises `NoRule`."""
