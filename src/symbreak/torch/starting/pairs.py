"""Which weights of a plain stretch can come in pairs of opposite sign: it then starts as a linear, or an odd, map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from symbreak.diagnosis.observation import Operation
from symbreak.torch.starting import gains
from symbreak.torch.starting.graph import Graph

# From so many layers in a row without normalization or shortcut, the spread of a random matrix's singular values
# multiplies up; orthogonal matrices have none (Pennington et al., arXiv:1711.04735).
DEEP = 3
LINEAR = frozenset(("mean", "avg_pool1d", "avg_pool2d", "avg_pool3d", "_adaptive_avg_pool2d"))
STILL = frozenset(("view", "_unsafe_view", "reshape", "flatten", "clone", "mul", "mean", "squeeze", "alias"))
Link = list[tuple[int, float | None]]


@dataclass(frozen=True)
class Pairing:
    """How a weight takes part: its outputs are pairs, its inputs are pairs, or it hands pairs on unchanged.

    Attributes:
        outputs, inputs: come in pairs.
        passes: a depthwise convolution between them.
        gain: for what it reads, g(z) - g(-z) of the activation between.
    """

    outputs: bool
    inputs: bool
    passes: bool
    gain: float | None


def pairings(graph: Graph) -> dict[int, Pairing]:
    """Return, by operation, how weights can take part in pairs; those that cannot are left out."""
    links = {op.index: link for op in graph.wires.weighted if (link := _link(op, graph)) is not None}
    paired = {index for index in links if _can_give(graph.operations[index], graph)}
    while True:
        arriving = _arriving(graph, links, paired)
        kept = {i for i in paired if all(_takes(graph, r, arriving[r], paired) for r, _ in links[i])}
        kept = {i for i in kept if not _is_depthwise(graph.operations[i]) or i in arriving}
        if kept == paired:
            break
        paired = kept
    return {
        index: Pairing(index in paired, index in arriving, _is_depthwise(graph.operations[index]), arriving.get(index))
        for index in sorted(paired | set(arriving))
    }


def _arriving(graph: Graph, links: dict[int, Link], paired: set[int]) -> dict[int, float | None]:
    """Return, for each weight that reads pairs, the gain for the one activation on the way; 0 for more than one."""
    found: dict[int, float | None] = {}
    for index in sorted(paired):
        before = found.get(index) if _is_depthwise(graph.operations[index]) else None
        for reader, gain in links[index]:
            found[reader] = 0.0 if before is not None and gain is not None else gain if gain is not None else before
    return found


def _can_give(op: Operation, graph: Graph) -> bool:
    """Tell whether a weight's outputs can be pairs: an even number, in a deep stretch, used once."""
    weight = op.weight
    if weight is None or graph.stretches.get(op.index, 1) < DEEP or len(graph.uses[weight.parameter]) > 1:
        return False
    if _is_depthwise(op):
        return True
    outputs = op.shape[1] if op.kind == "conv" else op.shape[-1]
    return weight.groups == 1 and not weight.transposed and outputs % 2 == 0 and outputs > 2


def _is_depthwise(op: Operation) -> bool:
    weight = op.weight
    return weight is not None and weight.groups > 1 and weight.groups == op.shape[1] and not weight.transposed


def _takes(graph: Graph, index: int, gain: float | None, paired: set[int]) -> bool:
    """Tell whether a weight can read pairs: after an activation, or as a depthwise convolution that hands them on."""
    op = graph.operations[index]
    weight = op.weight
    if weight is None or len(graph.uses[weight.parameter]) > 1:
        return False
    if _is_depthwise(op):
        return index in paired
    return weight.groups == 1 and not weight.transposed and bool(gain)


def _link(op: Operation, graph: Graph) -> Link | None:
    """Return the weights that read a result, each with the gain for the activation between; None if others do."""
    found: Link = []
    for reader, gain in _forward(op.index, None, graph, graph.stretches.get(op.index, 1)):
        if reader is None:
            return None
        found.append((reader, gain))
    return found


def _forward(index: int, gain: float | None, graph: Graph, depth: int) -> Iterator[tuple[int | None, float | None]]:
    """Yield what reads a result, past at most one activation that pairs are good for."""
    readers = [graph.operations[i] for i in graph.readers_of[index]]
    if not readers:
        yield None, None
    for reader in readers:
        if reader.kind in ("linear", "conv") and reader.weight is not None:
            yield reader.index, gain
        elif reader.kind == "activation" and gain is None and (own := gains.paired(reader.name, depth)) is not None:
            yield from _forward(reader.index, own.value, graph, depth)
        elif reader.name in LINEAR | STILL and len(reader.inputs) == 1 and not reader.parameters:
            yield from _forward(reader.index, gain, graph, depth)
        else:
            yield None, None
