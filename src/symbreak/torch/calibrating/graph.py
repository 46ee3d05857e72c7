"""Sums and loops in the wiring: which weight ends a residual branch, which shares a sum, which reads its own result."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from symbreak.diagnosis.observation import Operation
from symbreak.diagnosis.wires import Wires, passes

UNARY = frozenset(("shape", "noise", "multiply", "add", "activation", "pool"))
BIASED = frozenset(("shape", "noise", "add"))
SPLITS = frozenset(("unsafe_split", "unsafe_chunk"))
"""How recurrent layers take their gates apart."""


@dataclass(frozen=True)
class Stream:
    """What residual branches are added to.

    Attributes:
        start: index of the operation whose result the first branch is added to.
        branches: how many are added before a normalization, or the end.
    """

    start: int
    branches: int


@dataclass(frozen=True, eq=False)
class Graph:
    """Questions about the wiring that the rules do not ask."""

    wires: Wires

    @cached_property
    def _above(self) -> tuple[int, ...]:
        """For each operation, the set (as bits) of those that its result depends on, itself among them."""
        found: list[int] = []
        for operation in self.wires.operations:
            bits = 1 << operation.index
            for source in operation.inputs:
                bits |= found[source]
            found.append(bits)
        return tuple(found)

    def depends(self, later: int, earlier: int) -> bool:
        """Tell whether a result depends on another."""
        return bool(self._above[later] >> earlier & 1)

    @cached_property
    def sums(self) -> tuple[Operation, ...]:
        """Sums of two results."""
        operations = self.wires.operations
        return tuple(op for op in operations if op.kind == "add" and len(set(op.inputs)) == 2)

    @cached_property
    def skips(self) -> dict[int, tuple[int, int]]:
        """Residual sums: by index, where what is handed on was made, and the last operation of the branch."""
        found = {}
        for operation in self.sums:
            first, second = dict.fromkeys(operation.inputs)
            for skip, branch in ((first, second), (second, first)):
                made = self._before(skip)
                if self._leads_around(made, branch):
                    found[operation.index] = (made, branch)
        return found

    def _before(self, index: int) -> int:
        """Go back over what only moves or rescales."""
        operation = self.wires.operations[index]
        while passes(operation) and len(operation.inputs) == 1:
            operation = self.wires.operations[operation.inputs[0]]
        return operation.index

    def _leads_around(self, made: int, branch: int) -> bool:
        """Tell whether a weight lies between what is handed on and the end of the branch."""
        return self.depends(branch, made) and any(
            op.index != made and self.depends(op.index, made) and self.depends(branch, op.index)
            for op in self.wires.weighted
        )

    @cached_property
    def streams(self) -> dict[int, Stream]:
        """The stream of each residual sum."""
        first: dict[int, int] = {}
        for index, (made, _) in sorted(self.skips.items()):
            earlier = self._sum_before(made)
            first[index] = first.get(earlier, index)
        counts = list(first.values())
        return {index: Stream(self.skips[start][0], counts.count(start)) for index, start in first.items()}

    def _sum_before(self, index: int) -> int:
        """Go back along a stream to the residual sum that it comes from, or to where it starts."""
        operation = self.wires.operations[index]
        while operation.index not in self.skips and operation.kind in UNARY and len(operation.inputs) == 1:
            operation = self.wires.operations[operation.inputs[0]]
        return operation.index

    @cached_property
    def exits(self) -> dict[int, Stream]:
        """Weighted operations that residual branches end with."""
        found = {}
        for index, (_, branch) in self.skips.items():
            for operation in self._ends(branch, UNARY):
                found[operation.index] = self.streams[index]
        return found

    @cached_property
    def shares(self) -> dict[int, float]:
        """Share of each weighted operation in a sum of several: the root of one over their number."""
        found: dict[int, float] = {}
        for operation in self.sums:
            if operation.index in self.skips and operation.index not in self.loops:
                continue
            sides = [list(self._ends(index, BIASED)) for index in dict.fromkeys(operation.inputs)]
            if all(sides):
                found |= {op.index: math.sqrt(1 / len(sides)) for side in sides for op in side}
        return found

    @cached_property
    def loops(self) -> frozenset[int]:
        """Sums of a weighted input and a weighted state, which look like residual ones.

        Each step of a recurrent layer adds to its own part of one product, that of the whole sequence.
        """
        made = [made for made, _ in self.skips.values()]
        return frozenset(
            index for index, (start, _) in self.skips.items() if made.count(start) > 1 and self.is_weighted(start)
        )

    def is_weighted(self, index: int) -> bool:
        """Tell whether a result is that of a weighted operation, with its bias."""
        return any(True for _ in self._ends(index, BIASED))

    def _ends(self, index: int, kinds: frozenset[str]) -> Iterator[Operation]:
        """Yield the weighted operation that a result comes from, over operations on one result."""
        operation = self.wires.operations[index]
        while operation.weight is None and len(operation.inputs) == 1:
            if operation.kind not in kinds and operation.name not in SPLITS:
                break
            operation = self.wires.operations[operation.inputs[0]]
        if operation in self.wires.weighted:
            yield operation

    def stretch(self, operation: Operation) -> int:
        """Count the weighted operations in a row around this one, up to the next normalization, sum or head."""
        hidden = [op.index for op in self.wires.hidden]
        if operation.index not in hidden:
            return 1
        ends = [op.index for op in self.wires.trunk if op.kind == "norm" or op.index in self.skips]
        before = max((end for end in ends if end < operation.index), default=-1)
        after = min((end for end in ends if end > operation.index), default=len(self.wires.operations))
        return sum(before < index < after for index in hidden)

    def activation_after(self, operation: Operation) -> str | None:
        """Return the name of the activation that a result is given to, over its bias."""
        for reader in self.wires.readers(operation):
            if reader.kind == "activation":
                return reader.name
            if reader.kind == "add" and len(reader.inputs) == 1:
                return self.activation_after(reader)
        return None

    def is_normalized(self, operation: Operation) -> bool:
        """Tell whether all that reads a result are normalizations, which undo its size."""
        readers = list(self.wires.readers(operation))
        return bool(readers) and all(reader.kind == "norm" for reader in readers)
