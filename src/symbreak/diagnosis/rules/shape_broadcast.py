"""Prediction and targets of different shapes, which broadcast to a table of all pairs."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from symbreak.diagnosis.finding import Finding, Where
from symbreak.diagnosis.observation import Operation
from symbreak.diagnosis.rules.rule import Context, Rule

# Operations that may meet entry by entry; what moves entries hands them on.
ELEMENTWISE = frozenset(("add", "multiply", "loss", "other"))
ALL_PAIRS = (
    "Every prediction is compared with every target. The best that the model can then do is to give the targets' mean "
    "for every input, and the loss falls to their variance and no further."
)
ALONE = "Every prediction is compared with the same target, so that the best is to give that number for every input."


def find(context: Context) -> Iterator[Finding]:
    """Report the first operation that spreads predictions and as many targets over more entries than either has."""
    operations = context.observation.operations
    made = _made(operations)
    given = {op.index for op in operations if op.kind == "input" and op.name == "target"}
    labels = {op.index for op in operations if op.kind == "input" and not context.wires.leads_on(op)}
    for operation in operations:
        pure = operation.index not in made and operation.kind in (*ELEMENTWISE, "shape")
        for known in (given, labels):
            if pure and known & set(operation.inputs):
                known.add(operation.index)
        if operation.kind not in ELEMENTWISE or operation.index not in made:
            continue
        # What else goes into the model may well be spread on purpose, but not where it is the loss's target.
        targets = given | labels if _is_loss(operation, context) else given
        if _spreads(operation, operations, targets, made, context.observation.samples):
            yield _finding(operation, operations, context)
            return


def _made(operations: tuple[Operation, ...]) -> set[int]:
    """Return the operations that depend on parameters."""
    found: set[int] = set()
    for operation in operations:
        if operation.parameters or operation.weight is not None or found & set(operation.inputs):
            found.add(operation.index)
    return found


def _is_loss(operation: Operation, context: Context) -> bool:
    loss = context.observation.loss
    return loss is not None and operation.index == loss.operation


def _spreads(
    operation: Operation, operations: tuple[Operation, ...], targets: set[int], made: set[int], samples: int
) -> bool:
    wanted = next((operations[i] for i in operation.inputs if i in targets), None)
    predicted = next((operations[i] for i in operation.inputs if i in made), None)
    if wanted is None or predicted is None or len(operation.inputs) != 2:
        return False
    given = [_unexpanded(each, operations) for each in (predicted, wanted)]
    first, second = (each.shape for each in given)
    if given[1].name == "target" and _is_one_for_all(first, second, samples):
        return True
    if math.prod(first) != math.prod(second) or math.prod(first) < 2:
        return False
    entrywise = _broadcast(first, second)
    spread = entrywise is not None and math.prod(entrywise) > math.prod(first)
    return spread and not _on_purpose(given, operations)


def _unexpanded(operation: Operation, operations: tuple[Operation, ...]) -> Operation:
    """Go back before the expansion with which a loss makes shapes equal."""
    grown = operation.kind == "shape" and operation.name == "expand" and operation.inputs
    return operations[operation.inputs[0]] if grown else operation


def _is_one_for_all(predicted: tuple[int, ...], wanted: tuple[int, ...], samples: int) -> bool:
    """Tell whether a batch of predictions meets a batch of one target, with an axis for samples like its own."""
    return len(predicted) == len(wanted) > 1 and predicted[0] == samples > math.prod(wanted) == 1


def _broadcast(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...] | None:
    try:
        return np.broadcast_shapes(first, second)
    except ValueError:
        return None


def _on_purpose(given: list[Operation], operations: tuple[Operation, ...]) -> bool:
    """Tell whether new axes were put in to compare all pairs: on both sides, or between shapes that were equal."""
    before = [
        operations[each.inputs[0]].shape if each.name == "unsqueeze" and each.inputs else each.shape for each in given
    ]
    new = [shape != each.shape for shape, each in zip(before, given, strict=True)]
    return all(new) or (any(new) and before[0] == before[1])


def _finding(operation: Operation, operations: tuple[Operation, ...], context: Context) -> Finding:
    given = [_unexpanded(operations[i], operations).shape for i in operation.inputs]
    table = tuple(np.broadcast_shapes(*given))
    alone = min(map(math.prod, given)) == 1
    return Finding(
        rule=RULE.slug,
        severity="error",
        status="proved",
        where=_where(operation, context),
        says=f"prediction and targets do not line up: {' and '.join(map(str, given))} broadcast to {table}",
        measured={"entries": math.prod(table), "shape": list(table)},
        expected="equal shapes: one target for each prediction",
        why=ALONE if alone else ALL_PAIRS,
        fix=f"# give a target for each of the {math.prod(table)} predictions, not one for all"
        if alone
        else "loss = loss_fn(output, y.reshape(output.shape))",
        evidence={"shapes": [list(shape) for shape in given], "result": list(table)},
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
