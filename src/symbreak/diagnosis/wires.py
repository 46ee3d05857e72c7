"""Reading the wiring of an observation: what follows what, what every path must pass, what is the output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush

from symbreak.diagnosis.observation import Observation, Operation

PASSING = frozenset(("shape", "noise"))
WEIGHTED = frozenset(("linear", "conv", "recurrent"))
ZERO, CONSTANT, ALIVE = range(3)
PRODUCTS = frozenset(("multiply", "matmul", "norm", "noise"))
# Functions that are not zero at zero.
LIFTING = frozenset(("sigmoid", "softplus", "hardsigmoid", "log_sigmoid", "exp", "cos"))


@dataclass(frozen=True, eq=False)
class Wires:
    """An observation's operations as a graph."""

    observation: Observation

    @property
    def operations(self) -> tuple[Operation, ...]:
        """All operations, in order."""
        return self.observation.operations

    @cached_property
    def _readers(self) -> tuple[tuple[int, ...], ...]:
        readers: list[list[int]] = [[] for _ in self.operations]
        for operation in self.operations:
            for source in operation.inputs:
                readers[source].append(operation.index)
        return tuple(tuple(dict.fromkeys(each)) for each in readers)

    def count_readers(self, operation: Operation) -> int:
        """Return how many operations read what this one gives directly."""
        return len(self._readers[operation.index])

    def readers(self, operation: Operation) -> Iterator[Operation]:
        """Yield the operations that read what this one gives, past those that only move or rescale it."""
        pending = list(self._readers[operation.index])
        seen: set[int] = set()
        while pending:
            reader = self.operations[pending.pop(0)]
            if reader.index in seen:
                continue
            seen.add(reader.index)
            if passes(reader):
                pending += self._readers[reader.index]
            else:
                yield reader

    def sources(self, operation: Operation) -> Iterator[Operation]:
        """Yield the operations that made what this one reads, before those that only moved or rescaled it."""
        pending = list(operation.inputs)
        seen: set[int] = set()
        while pending:
            source = self.operations[pending.pop(0)]
            if source.index in seen:
                continue
            seen.add(source.index)
            if passes(source):
                pending += source.inputs
            else:
                yield source

    @cached_property
    def weighted(self) -> tuple[Operation, ...]:
        """Products with weights, convolutions and recurrent layers, in order."""
        return tuple(op for op in self.operations if op.kind in WEIGHTED and op.weight is not None)

    @cached_property
    def outputs(self) -> frozenset[int]:
        """Weighted operations after which no other comes: the heads."""
        return frozenset(op.index for op in self.weighted if op.index not in self._reach_weights)

    def leads_on(self, operation: Operation) -> bool:
        """Tell whether a weighted operation comes after this one."""
        return operation.index in self._reach_weights

    @cached_property
    def _reach_weights(self) -> frozenset[int]:
        """Operations from which a later weighted one can be reached."""
        found: set[int] = set()
        weighted = {op.index for op in self.weighted}
        for operation in reversed(self.operations):
            if any(reader in weighted or reader in found for reader in self._readers[operation.index]):
                found.add(operation.index)
        return frozenset(found)

    def delivered(self, operation: Operation) -> float:
        """Return the size (rms) of a result as it is read next: after the factors that rescale it."""
        size = operation.signal.rms if operation.signal else 0.0
        pending = list(self._readers[operation.index])
        while pending:
            reader = self.operations[pending.pop(0)]
            if passes(reader):
                size = reader.signal.rms if reader.signal else size
                pending += self._readers[reader.index]
        return size

    def received(self, operation: Operation) -> float | None:
        """Return the size (rms) of what an operation reads; None if it was not measured."""
        sizes = [source.signal.rms for source in self.sources(operation) if source.signal is not None]
        return max(sizes, default=None)

    @cached_property
    def hidden(self) -> tuple[Operation, ...]:
        """Weighted operations of the trunk, heads left out, in order."""
        trunk = {op.index for op in self.trunk}
        return tuple(op for op in self.weighted if op.index in trunk and op.index not in self.outputs)

    @cached_property
    def trunk(self) -> tuple[Operation, ...]:
        """Operations without whose signal nothing reaches the end: no sum leads around them."""
        end = self._end
        if end is None:
            return ()
        carriers = {end}
        for index in reversed(range(end)):
            if self._carries(index, end, carriers):
                carriers.add(index)
        return tuple(op for op in self.operations[: end + 1] if op.signal is not None and op.index in carriers)

    def _carries(self, index: int, end: int, later_ones: set[int]) -> bool:
        """Tell whether the end would be the same for all inputs if an operation gave zero.

        It is followed only as far as it spreads. Where all of it goes through one later operation that gives zero as
        well, that one has the answer: so a long chain is not followed to its end from each of its links.
        """
        state, pending, seen = {index: ZERO}, list[int](), set[int]()
        here = index
        while True:
            for reader in self._readers[here]:
                if reader <= end and reader not in seen:
                    seen.add(reader)
                    heappush(pending, reader)
            found = ALIVE
            while pending and found == ALIVE:
                here = heappop(pending)
                operation = self.operations[here]
                found = _deadened(operation, [state.get(source, ALIVE) for source in operation.inputs])
            if found == ALIVE or here == end:
                return found != ALIVE
            if found == ZERO and not pending:
                return here in later_ones
            state[here] = found

    @property
    def _end(self) -> int | None:
        loss = self.observation.loss
        if loss is not None and loss.output is not None:
            return loss.output
        return max((op.index for op in self.operations if op.signal is not None), default=None)

    def activation_before(self, operation: Operation) -> str:
        """Return the name of the activation whose result this operation reads; "identity" if there is none."""
        for source in self.sources(operation):
            if source.kind == "activation":
                return source.name
            if source.kind == "pool":
                return self.activation_before(source)
        return "identity"

    def followed_by(self, operation: Operation, kind: str) -> bool:
        """Tell whether an operation of this kind reads the result directly."""
        return any(reader.kind == kind for reader in self.readers(operation))


def _deadened(operation: Operation, inputs: list[int]) -> int:
    """Return whether an operation's result is zero, a constant, or alive, from what its inputs are."""
    if not inputs or operation.kind == "input":
        return ALIVE
    if operation.kind in PRODUCTS:
        return ZERO if ZERO in inputs else max(inputs)
    if operation.kind == "attention" and len(inputs) > 2:
        return inputs[2]
    dead = max(inputs)
    lifts = operation.kind == "softmax" or (operation.kind == "activation" and operation.name in LIFTING)
    return CONSTANT if lifts and dead == ZERO else dead


def passes(operation: Operation) -> bool:
    """Whether an operation only moves, rescales or (on average) keeps what it reads."""
    if operation.kind in PASSING:
        return True
    scalar = bool(operation.attributes.get("scalar")) and not operation.parameters
    return operation.kind in ("multiply", "add") and scalar and len(operation.inputs) == 1
