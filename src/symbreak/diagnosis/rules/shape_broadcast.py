"""Prediction and targets of different shapes, which broadcast to a table of all pairs."""

from __future__ import annotations

import math
from collections.abc import Iterator

from symbreak.diagnosis.finding import Finding, Where
from symbreak.diagnosis.observation import Operation
from symbreak.diagnosis.rules.rule import Context, Rule

ELEMENTWISE = frozenset(("add", "multiply", "loss", "other", "shape"))


def find(context: Context) -> Iterator[Finding]:
    """Report the first operation that spreads the targets over more entries than prediction and targets have."""
    operations = context.observation.operations
    targets = {op.index for op in operations if op.kind == "input" and op.name == "target"}
    size = max((math.prod(operations[i].shape) for i in targets), default=0)
    touched = set(targets)
    for operation in operations:
        if operation.kind not in ELEMENTWISE or not touched & set(operation.inputs):
            continue
        touched.add(operation.index)
        if _spreads(operation, operations, size):
            yield _finding(operation, operations, context)
            return


def _spreads(operation: Operation, operations: tuple[Operation, ...], size: int) -> bool:
    made = math.prod(operation.shape)
    if operation.kind == "shape":
        grown = operation.name == "expand" and size > 1 and made > size
        return grown and (_rank_differs(operation, operations) or _pairs(operation, operations))
    shapes = [shape for shape in operation.attributes.get("operands", ()) if shape]
    return len(shapes) > 1 and made > max(map(math.prod, shapes)) and min(map(math.prod, shapes)) > 1


def _rank_differs(operation: Operation, operations: tuple[Operation, ...]) -> bool:
    """An expansion is a fault if it makes a square of one axis: (n,) or (n, 1) becomes (n, n)."""
    before = operations[operation.inputs[0]].shape
    real = [n for n in before if n > 1]
    return len(real) == 1 and sum(n == real[0] for n in operation.shape) > 1


def _pairs(operation: Operation, operations: tuple[Operation, ...]) -> bool:
    """Tell whether what the expanded targets meet had as many entries as they: one prediction for each target."""
    wanted = math.prod(operations[operation.inputs[0]].shape)
    for reader in operations[operation.index + 1 :]:
        if operation.index in reader.inputs and len(reader.inputs) == 2:
            other = operations[next(i for i in reader.inputs if i != operation.index)]
            grown = other.kind == "shape" and other.name == "expand" and other.inputs
            before = operations[other.inputs[0]] if grown else other
            if grown and math.prod(before.shape) == wanted:
                return True
    return False


def _finding(operation: Operation, operations: tuple[Operation, ...], context: Context) -> Finding:
    inputs = [operations[i].shape for i in operation.inputs]
    loss = context.observation.loss
    given = (loss.predicted, loss.wanted) if loss and loss.predicted != loss.wanted else tuple(inputs)
    shapes = " and ".join(str(tuple(shape)) for shape in given)
    return Finding(
        rule=RULE.slug,
        severity="error",
        status="proved",
        where=_where(operation, context),
        says=f"prediction and targets do not line up: {shapes} broadcast to {operation.shape}",
        measured={"entries": math.prod(operation.shape), "shape": list(operation.shape)},
        expected="equal shapes: one target for each prediction",
        why="Every prediction is compared with every target. The best that the model can then do is to give the "
        "targets' mean for every input, and the loss falls to their variance and no further.",
        fix="loss = loss_fn(output, y.reshape(output.shape))",
        evidence={"shapes": [list(shape) for shape in given], "result": list(operation.shape)},
        synthetic=context.observation.synthetic,
    )


def _where(operation: Operation, context: Context) -> Where:
    """Name the module of the operation, or the weight that made the prediction where the loss is the user's own."""
    if operation.module:
        return Where(modules=(operation.module,))
    made = [op for op in context.wires.weighted if op.index < operation.index and op.index in context.wires.outputs]
    last = made[-1] if made else None
    return Where((last.weight.parameter,), (last.module,)) if last is not None and last.weight else Where()


RULE = Rule("shape-broadcast", "prediction and targets broadcast against each other", "run", find)
