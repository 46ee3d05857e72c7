"""Reading the wiring for a plan: what a weight reads, which branch it closes, how deep a plain stretch it stands in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from symbreak.diagnosis.observation import Observation, Operation, Weight
from symbreak.diagnosis.wires import Wires, passes
from symbreak.torch.starting.closing import ENDS, WEIGHTS, is_closed, last_weights

# A learned shortcut is one weight; more on both sides are two branches that are added.
SHORTCUT = 1
# Products of products are followed so far; gated layers have one.
FACTORS = 4


@dataclass(frozen=True)
class Reading:
    """What a weight reads.

    Attributes:
        activations: whose results are multiplied in it (two for a gated layer); empty where there is none.
        modules: modules without parameters in which the same was computed by more than one operation.
        rms: of the data, if it reads the model's input before any weight.
        alone: one activation's result, and nothing else.
    """

    activations: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    rms: float | None = None
    alone: bool = False


@dataclass(frozen=True)
class Branch:
    """A residual branch: what is added to the stream.

    Attributes:
        add: index of the addition.
        closing: indices of the weights that are read last in it.
        inside: bits of the operations in it.
        length: how many weights lie one after the other in it.
        normalized: a normalization stands in the branch, or reads the sum.
        rescaled: a normalization reads what the last weight gives, so that its scale does not matter.
        follows: a normalization reads the sum.
        closed: nothing, or next to nothing, is added at the start, by another factor than the last weights.
        kind: "self-attention", "cross-attention" or "feed-forward".
        stream: by which number the stream is multiplied before the branch is added to it.
        count: how many branches the stream has.
        place: its own place among them, from 0.
        block: how many branches the stream has for each self-attention.
        first: index of the first addition of the stream, by which streams are told apart.
    """

    add: int
    closing: tuple[int, ...]
    inside: int
    length: int
    normalized: bool
    rescaled: bool
    follows: bool = False
    closed: bool = False
    kind: str = "feed-forward"
    stream: float = 1.0
    count: int = 1
    place: int = 0
    block: int = 0
    first: int = 0


class Graph:
    """An observation's operations, with what leads to what."""

    def __init__(self, observation: Observation, opaque: Callable[[Operation], bool]) -> None:
        """`opaque` tells operations inside layers that are known by their kind, such as an LSTM's."""
        self.operations = tuple(_with_experts(op) for op in observation.operations)
        self.observation = replace(observation, operations=self.operations)
        self.wires = Wires(self.observation)
        self._opaque = opaque

    @cached_property
    def uses(self) -> dict[str, list[Operation]]:
        """Operations that use a parameter as their weight, by its first name."""
        found: dict[str, list[Operation]] = {}
        for op in self.operations:
            if op.weight is not None:
                found.setdefault(op.weight.parameter, []).append(op)
        return found

    @cached_property
    def above(self) -> list[int]:
        """For each operation the bits of all that lead to it, itself included."""
        found: list[int] = []
        for op in self.operations:
            bits = 1 << op.index
            for source in op.inputs:
                bits |= found[source]
            found.append(bits)
        return found

    @cached_property
    def _weight_bits(self) -> int:
        return sum(1 << op.index for op in self.wires.weighted if not self._opaque(op))

    def weights_in(self, bits: int) -> list[int]:
        """Return the indices of the weights among these operations."""
        return list(_indices(bits & self._weight_bits))

    # What a weight reads

    def reading(self, operation: Operation) -> Reading:
        """Return what a weight reads, gates and data included."""
        if not operation.inputs:
            return Reading()
        first = operation.inputs[0]
        if self._is_data(first):
            return Reading(rms=self._rms(first))
        activations, modules = self.back(first, operation)
        return Reading(tuple(activations), tuple(modules), alone=self._is_activated(first))

    def _is_activated(self, index: int) -> bool:
        op = self.operations[index]
        while op.inputs and (passes(op) or op.kind == "pool"):
            op = self.operations[op.inputs[0]]
        return op.kind == "activation"

    def _is_data(self, index: int) -> bool:
        made = WEIGHTS | {"embedding"}
        return not any(self.operations[i].kind in made or self.operations[i].parameters
                       for i in _indices(self.above[index]))  # fmt: skip

    def _rms(self, index: int) -> float | None:
        """Return the size of the nearest result on the way back that was measured."""
        measured = [op for i in _indices(self.above[index]) if (op := self.operations[i]).signal is not None]
        return measured[-1].signal.rms if measured and measured[-1].signal else None

    def back(self, index: int, reader: Operation, factors: int = FACTORS) -> tuple[list[str], list[str]]:
        """Return the activations, and the modules that compute one, whose product an operation is."""
        op = self.operations[index]
        if self._opaque(op):
            return [], []
        if op.module != reader.module and op.kind in ("multiply", "add", "other") and self._is_function(op):
            return [], [op.module]
        if op.kind == "activation":
            return [op.name], []
        if op.kind == "multiply" and len(op.inputs) == 2 and factors:
            left, right = (self.back(source, reader, factors - 1) for source in op.inputs)
            return left[0] + right[0], left[1] + right[1]
        if op.kind == "concat" and op.inputs:
            found = [self.back(source, reader, factors) for source in op.inputs]
            return found[0] if all(each == found[0] for each in found) else ([], [])
        if op.inputs and (passes(op) or op.kind == "pool"):
            return self.back(op.inputs[0], reader, factors)
        return [], []

    def _is_function(self, op: Operation) -> bool:
        """Tell whether an operation ends what a module without parameters computes of one tensor, entry by entry."""
        own = [o for o in self.operations[max(0, op.index - 16) : op.index + 1] if o.module == op.module]
        inside = {o.index for o in own}
        outer = {source for o in own for source in o.inputs if source not in inside}
        elementwise = all(o.kind in ("multiply", "add", "other", "activation") and not o.parameters for o in own)
        return len(own) > 1 and elementwise and len(outer) == 1

    @cached_property
    def readers_of(self) -> list[list[int]]:
        """For each operation the indices of those that read it directly."""
        found: list[list[int]] = [[] for _ in self.operations]
        for op in self.operations:
            for source in dict.fromkeys(op.inputs):
                found[source].append(op.index)
        return found

    # Residual branches

    @cached_property
    def branches(self) -> tuple[Branch, ...]:
        """All residual branches, in order, counted along their streams.

        The state of a recurrent network and its input are added too, but nothing is added to that sum: it is no stream.
        """
        found = [b for op in self.operations if (b := self._branch(op)) is not None]
        counted = self._counted(found)
        return tuple(b for b in counted if b.count > 1 or not any(self.reads_itself(index) for index in b.closing))

    def _branch(self, op: Operation) -> Branch | None:
        if op.kind != "add" or len(op.inputs) < 2 or self._opaque(op):
            return None
        left, right = (self.above[source] for source in op.inputs[:2])
        fork = (left & right).bit_length() - 1
        if fork < 0 or not self._carries(fork):
            return None
        after = sum(1 << i for i in range(fork + 1, op.index) if self.above[i] >> fork & 1)
        sides = sorted((self._depth(own & after), end, own & after) for end, own in enumerate((left, right)))
        (shorter, skip, _), (length, end, inside) = sides
        if length == 0 or shorter > SHORTCUT or shorter == length:
            return None
        closing = last_weights(self.operations, op.inputs[end])
        if not closing:
            return None
        norms = any(self.operations[i].kind == "norm" for i in _indices(inside))
        follows = self.wires.followed_by(op, "norm")
        return Branch(
            op.index,
            closing,
            inside,
            length,
            normalized=norms or follows,
            rescaled=any(self.wires.followed_by(self.operations[i], "norm") for i in closing),
            follows=follows,
            closed=is_closed(self.observation, closing, op.inputs[end], inside),
            kind=self._kind(inside, fork),
            stream=self.factor(op.inputs[skip]),
        )

    def reads_itself(self, index: int) -> bool:
        """Tell whether the weight of an operation reads what it made, or makes what it reads."""
        weight = self.operations[index].weight
        uses = [op.index for op in self.uses.get(weight.parameter, ())] if weight is not None else []
        first, last = min(uses, default=index), max(uses, default=index)
        return first < last and bool(self.above[last] >> first & 1)

    def _kind(self, inside: int, fork: int) -> str:
        own = [self.operations[i] for i in _indices(inside)]
        if not any(op.kind == "attention" or self._weighs(op) for op in own):
            return "feed-forward"
        outer = {source for op in own for source in op.inputs if not inside >> source & 1}
        other = any(self.weights_in(self.above[source] & ~self.above[fork]) for source in outer)
        return "cross-attention" if other else "self-attention"

    def _weighs(self, op: Operation) -> bool:
        """Tell whether a softmax gives the weights of a product, as in attention, and not the shares of experts."""
        return op.kind == "softmax" and any(reader.kind == "matmul" for reader in self.wires.readers(op))

    def factor(self, index: int) -> float:
        """Return by which number something is multiplied on the way, as far as sizes were measured."""
        op, size = self.operations[index], None
        while passes(op) and op.inputs:
            size = size or (op.signal.rms if op.signal else None)
            op = self.operations[op.inputs[0]]
        start = op.signal.rms if op.signal else None
        return size / start if size and start else 1.0

    def _carries(self, index: int) -> bool:
        """Tell whether an operation is part of the signal: floating, and not made of masks or positions alone."""
        op = self.operations[index]
        while op.signal is None and op.inputs and passes(op):
            op = self.operations[op.inputs[0]]
        return op.signal is not None

    def _depth(self, bits: int) -> int:
        """Return how many weights stand one after the other among these operations."""
        longest: dict[int, int] = {}
        for index in self.weights_in(bits):
            before = [longest[other] for other in longest if self.above[index] >> other & 1]
            longest[index] = 1 + max(before, default=0)
        return max(longest.values(), default=0)

    def _counted(self, branches: list[Branch]) -> Iterator[Branch]:
        """Count the branches of each stream: an addition whose stream leads on to the next belongs to the same one."""
        adds = {b.add: place for place, b in enumerate(branches)}
        stream: list[int] = []
        for place, branch in enumerate(branches):
            outside = [s for s in self.operations[branch.add].inputs if not branch.inside >> s & 1]
            before = next((adds[i] for i in self._upstream(outside) if i in adds), None)
            stream.append(place if before is None else stream[before])
        for place, branch in enumerate(branches):
            own = [other for other, of in enumerate(stream) if of == stream[place]]
            first = branches[own[0]].add
            attentions = sum(branches[other].kind == "self-attention" for other in own)
            block = len(own) // attentions if attentions else 0
            yield replace(branch, count=len(own), place=own.index(place), block=block, first=first)

    def _upstream(self, pending: list[int]) -> Iterator[int]:
        seen = set()
        while pending:
            op = self.operations[pending.pop(0)]
            if op.index not in seen and op.kind not in ENDS:
                seen.add(op.index)
                yield op.index
                pending += op.inputs

    def inside_of(self, op: Operation) -> Branch | None:
        """Return the first branch that an operation is in."""
        return next((branch for branch in self.branches if branch.inside >> op.index & 1), None)

    def is_sum(self, op: Operation) -> bool:
        """Tell whether an addition adds a residual branch."""
        return any(branch.add == op.index for branch in self.branches)

    # Plain depth

    @cached_property
    def stretches(self) -> dict[int, int]:
        """For each weight, how many follow one another between normalizations, additions and attention around it."""
        up: dict[int, int] = {}
        for op in self.wires.weighted:
            up[op.index] = 1 + max((up[i] for i in self._plain_sources(op) if i in up), default=0)
        down = dict.fromkeys(up, 1)
        for op in reversed(self.wires.weighted):
            for source in self._plain_sources(op):
                if source in down:
                    down[source] = max(down[source], down[op.index] + 1)
        return {index: up[index] + down[index] - 1 for index in up}

    def _plain_sources(self, operation: Operation) -> list[int]:
        found, pending, seen = [], list(operation.inputs), set()
        adds = {branch.add for branch in self.branches}
        while pending:
            op = self.operations[pending.pop()]
            stops = op.kind in ENDS or op.kind == "norm" or op.index in adds or op.attributes.get("integer")
            if op.index in seen or stops or self._opaque(op):
                continue
            seen.add(op.index)
            if op.kind in WEIGHTS and op.weight is not None:
                found.append(op.index)
            else:
                pending += op.inputs
        return found


def _with_experts(op: Operation) -> Operation:
    """Read a product with a stack of experts' matrices as what it is."""
    shapes = op.attributes.get("operands", ())
    if op.name != "_grouped_mm" or len(op.parameters) != 1 or len(shapes) < 2 or len(shapes[1]) != 3:
        return op
    weight = Weight(op.parameters[0], shapes[1][1], shapes[1][2], None, None)
    return replace(op, kind="linear", weight=weight)


def _indices(bits: int) -> Iterator[int]:
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


__all__ = ["Branch", "Graph", "Reading"]
