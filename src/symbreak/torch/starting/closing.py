"""Which weights close a branch, and whether it is closed by another factor already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from symbreak.diagnosis.observation import Observation, Operation
from symbreak.diagnosis.rules.sound_zero import NEARLY_CLOSED

# Where a signal is mixed over positions, or is no longer that of the layers before.
ENDS = frozenset(("matmul", "softmax", "attention", "embedding", "input", "loss"))
WEIGHTS = frozenset(("linear", "conv", "recurrent"))
# What these give is no signal that is added but the share of one.
SHARES = frozenset(("sigmoid", "hardsigmoid"))


def last_weights(operations: Sequence[Operation], index: int) -> tuple[int, ...]:
    """Return the weights that are met first on the way back, not past what mixes positions; routers and gates are left
    out where anything else is met.
    """
    signal = tuple(_met(operations, index, SHARES))
    return tuple(sorted(set(signal or _met(operations, index, frozenset()))))


def _met(operations: Sequence[Operation], index: int, ends: frozenset[str]) -> Iterator[int]:
    pending, seen = [index], set()
    while pending:
        op = operations[pending.pop()]
        if op.index in seen or op.kind in ENDS or op.attributes.get("integer") or op.name in ends:
            continue
        seen.add(op.index)
        if op.kind in WEIGHTS and op.weight is not None:
            yield op.index
        else:
            pending += op.inputs


def is_closed(observation: Observation, closing: Sequence[int], end: int, inside: int) -> bool:
    """Tell whether a branch adds (nearly) nothing by another factor than its last weights.

    Such a factor is a gate that starts at zero, as in ReZero and LayerScale, or one before the last weights. Those must
    not be zero too: of a product of two zeros neither factor gets a gradient, for ever.

    Args:
        observation: of the model as it is.
        closing: operations of the last weights.
        end: the operation whose result is added.
        inside: bits of the branch's operations.
    """
    operations = observation.operations
    given = max(size_of(operations, index) for index in closing)
    if given > 0:
        return size_of(operations, end) <= NEARLY_CLOSED * given
    weights = [weight.parameter for index in closing if (weight := operations[index].weight) is not None]
    return not all(is_small(observation, name) for name in weights) or any(
        op.kind == "multiply" and inside >> op.index & 1 and _is_shut(observation, op)
        for op in operations[closing[0] :]
    )


def size_of(operations: Sequence[Operation], index: int) -> float:
    """Return the size of a result, or of the nearest one on the way back that was measured."""
    op = operations[index]
    while op.signal is None and op.inputs:
        op = operations[op.inputs[0]]
    return op.signal.rms if op.signal else 0.0


def is_small(observation: Observation, name: str) -> bool:
    """Tell whether all entries of a parameter are zero, or so small that as a gate it lets nothing through."""
    return observation.parameter(name).summary.largest <= NEARLY_CLOSED


def _is_shut(observation: Observation, product: Operation) -> bool:
    """Tell whether a factor of a product is (nearly) zero, where the other one may be the branch's own zero."""
    if any(is_small(observation, name) for name in product.parameters):
        return True
    sizes = [size_of(observation.operations, source) for source in product.inputs]
    return len(sizes) > 1 and max(sizes) <= NEARLY_CLOSED
