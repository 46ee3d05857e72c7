"""Where each weight is read, and by which argument, so that a pass can be run as if the weight were another size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symbreak.diagnosis.observation import Operation
from symbreak.torch.operations import kind_of, plain
from symbreak.torch.trace import Leaf, Record, Ref
from symbreak.torch.wiring import LOOKUPS, MATRIX_OPERANDS

GAINED = {"_weight_norm_interface": "g", "_weight_norm": "g"}
"""Computed weights that are proportional to one of their arguments."""
SCALED = frozenset(("mul", "div"))


@dataclass(frozen=True)
class Use:
    """One reading of a weight by a weighted operation.

    Attributes:
        parameter: what the operand is proportional to.
        operation: index of the operation; `record` that of its record.
        target: the operation's name.
        operand: name of the argument that is the weight; `other` of the one that it is applied to.
        axis: of the result, counting units.
        bias: the bias that the operation adds.
        lengths: the parameter holds the lengths of the operand's rows (weight_norm), not its entries.
    """

    parameter: str
    operation: int
    record: int
    target: str
    operand: str
    other: str
    axis: int
    bias: str | None
    lengths: bool

    @property
    def looks_up(self) -> bool:
        """Whether rows of the weight are taken, not a product with it."""
        return plain(self.target) in LOOKUPS or kind_of(self.target) == "embedding"


@dataclass(frozen=True)
class Uses:
    """All readings, and what else is known of weights.

    Attributes:
        found: in order.
        computed: operands that are proportional to no one parameter: the parameters that they are made of, by the
            name that an operation's `weight` has.
        others: parameters that something else than a weighted operation reads as well.
    """

    found: tuple[Use, ...]
    computed: Mapping[str, str]
    others: frozenset[str]

    def is_tied(self, parameter: str) -> bool:
        """Tell whether a weight is looked up and multiplied with."""
        return len({use.looks_up for use in self.found if use.parameter == parameter}) == 2

    def of(self, parameter: str) -> tuple[Use, ...]:
        """Return the products that a weight is used in."""
        return tuple(use for use in self.found if use.parameter == parameter and not use.looks_up)


def uses(records: Sequence[Record], operations: Sequence[Operation], numbers: Mapping[int, int]) -> Uses:
    """Find where weights are read.

    Args:
        records: of a trace.
        operations: what they are.
        numbers: index of the operation, by that of the record.
    """
    found: list[Use] = []
    computed: dict[str, str] = {}
    for record, place in numbers.items():
        operation = operations[place]
        if operation.weight is None:
            continue
        operand, other = _operands(records, records[record])
        parameter, lengths = _proportional(records, records[record].arguments.get(operand))
        if parameter is None:
            computed[operation.weight.parameter] = ", ".join(n for n in operation.parameters if n != operation.bias)
            continue
        axis = operation.unit_axis if operation.unit_axis is not None else len(operation.shape) - 1
        target = records[record].target
        found.append(Use(parameter, place, record, target, operand, other, axis, operation.bias, lengths))
    return Uses(tuple(found), computed, frozenset(_elsewhere(records, {use.record for use in found})))


def _operands(records: Sequence[Record], record: Record) -> tuple[str, str]:
    """Return the names of the weight's argument and of the one that it is applied to."""
    name = plain(record.target)
    if name not in MATRIX_OPERANDS:
        return ("self", "indices") if name in LOOKUPS else ("weight", "input")
    left, right, _ = MATRIX_OPERANDS[name]
    item = record.arguments.get(right)
    fixed = isinstance(item, Leaf) or (isinstance(item, Ref) and not records[item.record].data)
    return (right, left) if fixed else (left, right)


def _proportional(records: Sequence[Record], item: Any) -> tuple[str | None, bool]:
    """Return the parameter that an operand is a view, a copy or a multiple of, and whether it holds lengths of rows."""
    lengths = False
    while isinstance(item, Ref):
        record = records[item.record]
        name = plain(record.target)
        if name in GAINED:
            item, lengths = record.arguments.get(GAINED[name]), True
        elif (kind_of(name) == "shape" or name in SCALED) and len(record.refs) + len(record.leaves) == 1:
            item = record.refs[0] if record.refs else Leaf(record.leaves[0])
        else:
            return None, lengths
    return (item.name if isinstance(item, Leaf) else None), lengths


def _elsewhere(records: Sequence[Record], weighted: set[int]) -> Iterator[str]:
    """Yield parameters that meet data in what is no weighted operation."""
    for record in records:
        if record.index in weighted or not record.data or kind_of(record.target) == "shape":
            continue
        names = (_proportional(records, item)[0] for item in (*record.refs, *map(Leaf, record.leaves)))
        yield from (name for name in names if name is not None)
