"""What reads a weight's result: attention, a gate's product; and which embeddings are added to each other."""

from __future__ import annotations

import math
from collections.abc import Iterator

from symbreak.diagnosis.observation import Operation
from symbreak.diagnosis.wires import passes
from symbreak.torch.starting.closing import WEIGHTS, is_small, size_of
from symbreak.torch.starting.graph import Branch, Graph

# What opens and shuts: its bias says how far it is open at first.
GATES = frozenset(("sigmoid", "hardsigmoid", "softplus", "log_sigmoid", "exp"))


def attended(graph: Graph, operation: Operation) -> frozenset[str]:
    """Return as what attention reads a result: "query", "key", "value"; several for fused weights."""
    return frozenset(
        role for reader, source in _attentions(graph, operation) for role in _as_what(graph, reader, source)
    )


def branch_around(graph: Graph, operation: Operation) -> Branch | None:
    """Return the branch that an operation is in, or that of the one attention which reads it from another stream."""
    if (inside := graph.inside_of(operation)) is not None:
        return inside
    readers = [graph.inside_of(reader) for reader, _ in _attentions(graph, operation)]
    found = {branch.add: branch for branch in readers if branch is not None}
    return next(iter(found.values())) if len(found) == 1 else None


def _attentions(graph: Graph, operation: Operation) -> Iterator[tuple[Operation, int]]:
    """Yield the products of attention that read a result, and the index of what they read."""
    pending, seen = [operation.index], {operation.index}
    while pending:
        source = pending.pop()
        for reader in (graph.operations[i] for i in graph.readers_of[source]):
            if reader.kind in ("attention", "matmul"):
                yield reader, source
            elif reader.index not in seen and _leads_to_attention(graph, reader):
                seen.add(reader.index)
                pending.append(reader.index)


def _as_what(graph: Graph, reader: Operation, source: int) -> set[str]:
    names = ("query", "key", "value")
    places = [place for place, index in enumerate(reader.inputs[:3]) if index == source]
    if reader.kind == "attention":
        return {names[place] for place in places}
    softmax = any(op.kind == "softmax" for op in graph.wires.sources(reader))
    return {"value"} if softmax else {names[place] for place in places}


def sharpness(graph: Graph, operation: Operation) -> float:
    """Return the size of attention's logits if this is its query, and query and key have size 1; else 1.

    It is sqrt(d) times all numbers on the way, with d the length of a query: 1 where a model divides by sqrt(d), and
    sqrt(d) where it does not, as T5 and GPT-Neo, which have it in their weights.
    """
    if attended(graph, operation) != {"query"}:
        return 1.0
    for reader, _ in _attentions(graph, operation):
        length = reader.attributes["operands"][0][-1]
        onward = _until_softmax(graph, reader) if reader.kind == "matmul" else reader.attributes.get("scale")
        ways = [_grown(graph, index) for index in reader.inputs[:2]]
        if onward is not None and all(ways):
            return float(math.sqrt(length) * math.prod(ways) * onward)
    return 1.0


def _grown(graph: Graph, index: int) -> float:
    """Return by which number the result of the nearest weight on the way back was multiplied; 0 if that is unknown."""
    weights = graph.weights_in(graph.above[index])
    size = size_of(graph.operations, weights[-1]) if weights else 0.0
    return size_of(graph.operations, index) / size if size > 0 else 0.0


def _until_softmax(graph: Graph, product: Operation) -> float | None:
    """Return by which number logits are multiplied before the softmax; None if there is none."""
    factor, index, readers = float(product.attributes.get("alpha", 1.0)), product.index, graph.readers_of[product.index]
    while len(readers) == 1:
        reader = graph.operations[readers[0]]
        if reader.kind == "softmax":
            return factor
        if reader.kind == "multiply" and reader.signal is not None:
            size = size_of(graph.operations, index)
            factor *= reader.signal.rms / size if size > 0 else 1.0
        index, readers = reader.index, graph.readers_of[reader.index]
    return None


def moves_logits(graph: Graph, names: tuple[str, ...]) -> bool:
    """Tell whether a parameter is added to the logits of attention, as a table of relative positions is."""
    return any(
        reader.kind == "attention" or (reader.kind == "add" and _are_logits(graph, reader))
        for reader in graph.operations
        if set(names) & set(reader.parameters) and reader.kind != "embedding"
    )


def _are_logits(graph: Graph, total: Operation) -> bool:
    """Tell whether a sum of products, and of what is added to them, is what a softmax reads."""
    made, index = any(op.kind == "matmul" for op in graph.wires.sources(total)), total.index
    while made and len(readers := graph.readers_of[index]) == 1:
        reader = graph.operations[readers[0]]
        if reader.kind == "softmax":
            return True
        if not passes(reader) and reader.kind != "add":
            return False
        index = reader.index
    return False


def _leads_to_attention(graph: Graph, reader: Operation) -> bool:
    return reader.kind not in WEIGHTS | {"softmax", "activation", "loss"} and not graph.is_sum(reader)


def stretched(graph: Graph, operation: Operation) -> float:
    """Return by which number a result is multiplied before an activation, if nothing else reads it; else 1."""
    readers = graph.readers_of[operation.index]
    while len(readers) == 1:
        reader = graph.operations[readers[0]]
        if reader.kind == "activation":
            return graph.factor(reader.inputs[0])
        if not passes(reader):
            return 1.0
        readers = graph.readers_of[reader.index]
    return 1.0


def is_gated(graph: Graph, operation: Operation) -> bool:
    """Tell whether a result is multiplied, entry by entry, by the activated result of another weight."""
    for reader in graph.wires.readers(operation):
        if reader.kind == "multiply" and len(reader.inputs) == 2:
            sides = [graph.back(source, reader)[0] for source in reader.inputs]
            own = [bool(graph.above[source] >> operation.index & 1) for source in reader.inputs]
            if [bool(side) for side, mine in zip(sides, own, strict=True) if mine] == [False] and any(sides):
                return True
    return False


def is_recurrent(graph: Graph, operation: Operation) -> bool:
    """Tell whether a weight hands on a state that something is added to at each step."""
    added = any(reader.kind == "add" and len(reader.inputs) > 1 for reader in graph.wires.readers(operation))
    return added and graph.reads_itself(operation.index)


def sums(graph: Graph) -> list[frozenset[str]]:
    """Return groups of embeddings that are added to each other, by the names of their tables, the largest first."""
    tables: list[frozenset[str]] = []
    groups: set[frozenset[str]] = set()
    for op in graph.operations:
        found: frozenset[str] = frozenset()
        if op.kind == "embedding" and op.weight is not None:
            found = frozenset((op.weight.parameter,))
        elif (op.kind == "add" and not graph.is_sum(op)) or passes(op):
            found = found.union(*(tables[source] for source in op.inputs))
        tables.append(found)
        if op.kind == "add" and len(found) > 1:
            groups.add(found)
    return sorted(groups, key=len, reverse=True)


def rescaled(graph: Graph, operation: Operation) -> float:
    """Return by which number a result is multiplied before it is read."""
    size = operation.signal.rms if operation.signal else 0.0
    return graph.wires.delivered(operation) / size if size > 0 else 1.0


def starts_at_zero(graph: Graph, operation: Operation) -> bool:
    """Tell whether a weight that is all zero may stay so: its result is added to, or multiplies, what is not zero.

    So are the first factor of LoRA for embeddings, a zero convolution, the shift, scale and gate of adaLN-Zero, and a
    head that reads what tells samples apart. On the way there may be views, other weights and scales that are not zero.
    """
    if operation.index in graph.wires.outputs:
        return any(source.signal is not None and source.signal.std > 0 for source in graph.wires.sources(operation))
    pending, seen = [operation.index], set()
    while pending:
        source = pending.pop()
        if not graph.readers_of[source]:
            return False
        for reader in (graph.operations[index] for index in graph.readers_of[source] if index not in seen):
            seen.add(reader.index)
            others = [size_of(graph.operations, other) for other in reader.inputs if other != source]
            if reader.kind in ("add", "multiply") and others:
                if max(others) == 0:
                    return False
            elif _hands_on(graph, reader):
                pending.append(reader.index)
            else:
                return False
    return True


def _hands_on(graph: Graph, reader: Operation) -> bool:
    """Tell whether a result goes on as a linear map of itself, with factors that are not zero."""
    if reader.weight is not None and reader.kind in ("linear", "conv"):
        return not is_small(graph.observation, reader.weight.parameter)
    if reader.kind == "multiply" and reader.parameters:
        return not any(is_small(graph.observation, name) for name in reader.parameters)
    return passes(reader) or (reader.kind == "add" and bool(reader.parameters))


def opens_gate(graph: Graph, names: tuple[str, ...]) -> bool:
    """Tell whether a bias is added to what a gate's activation reads."""
    added = [op for op in graph.operations if op.bias in names]
    readers = [reader for op in added for reader in graph.wires.readers(op)]
    return any(reader.kind == "activation" and reader.name in GATES for reader in readers)
