"""Zeros that are right, and why: told, because they look like the fault that they are not."""

from __future__ import annotations

from collections.abc import Iterator

from symbreak.diagnosis.finding import Finding, Where
from symbreak.diagnosis.observation import Operation, Parameter
from symbreak.diagnosis.rules.rule import Context, Rule

# A gate that lets through less than this share is as good as closed at the start.
NEARLY_CLOSED = 1e-3


def find(context: Context) -> Iterator[Finding]:
    """Explain every weight that is all zero and will move."""
    stuck = set(context.reach.stuck)
    for parameter in context.observation.parameters:
        zero = parameter.summary.size > 0 and parameter.summary.zeros == parameter.summary.size
        closed = not zero and parameter.summary.largest <= NEARLY_CLOSED and _is_gate(context, parameter)
        if (
            not (zero or closed)
            or parameter.buffer
            or not parameter.trainable
            or parameter.name in stuck
            or _stays_one(context, parameter)
            or not parameter.judged
        ):
            continue
        reason = _reason(context, parameter)
        if reason:
            yield _finding(parameter, *reason)


def _stays_one(context: Context, parameter: Parameter) -> bool:
    """Tell whether all rows of a matrix stay equal: what moves them is rounding, or moves them alike."""
    classes = context.reach.classes.get((parameter.name, 0)) if len(parameter.shape) > 1 else None
    return classes is not None and any(len(group) == parameter.shape[0] for group in classes.groups)


def _is_gate(context: Context, parameter: Parameter) -> bool:
    """Whether the parameter only multiplies what passes, as LayerScale's does."""
    uses = [op for op in context.wires.operations if parameter.name in op.parameters]
    return bool(uses) and all(op.kind == "multiply" for op in uses)


def _reason(context: Context, parameter: Parameter) -> tuple[str, str] | None:
    """Return what the zero is and why it is right; None for biases, whose zeros need no word."""
    for operation in context.wires.operations:
        if parameter.name not in operation.parameters or parameter.name == operation.bias:
            continue
        if operation.weight is not None and operation.weight.parameter == parameter.name:
            return _weight(context, operation)
        if operation.kind == "norm" and parameter.name.endswith(("weight", "gamma", "scale")):
            return "a zero gain", (
                "The branch behind it starts as nothing, so the block starts as the identity; the gain's "
                "own gradient is not zero, and the rest of the branch follows."
            )
        if operation.kind == "multiply":
            return "a zero gate", (
                "What it multiplies starts as nothing; the gate's own gradient is not zero, so it opens "
                "at the first step, and what it multiplies moves from the second step on."
            )
    return None


def _weight(context: Context, operation: Operation) -> tuple[str, str]:
    if len(context.wires.weighted) == 1:
        return "the only layer", (
            "With no hidden layer there is nothing that could be symmetric: the loss is convex, and "
            "every start leads to the same place."
        )
    if operation.index in context.wires.outputs:
        return "a zero head", (
            "Its own gradient is the error times features that differ, so its rows part at the first "
            "step; from the second step on the body learns as well. The loss starts at its base rate."
        )
    if any(reader.kind in ("add", "concat") for reader in context.wires.readers(operation)):
        return "the end of a branch", (
            "The sum starts without the branch (as with LoRA's B or a zero convolution). The "
            "features that go in differ, so its rows part at the first step, and then the rest of the branch moves."
        )
    return "one zero factor", (
        "The other factors of its gradient are not zero, so it leaves zero at the first step, and its rows part."
    )


def _finding(parameter: Parameter, what: str, why: str) -> Finding:
    size = parameter.gradient.rms if parameter.gradient else 0.0
    return Finding(
        rule=RULE.slug,
        severity="info",
        status="measured",
        where=Where(parameters=(parameter.name,)),
        says=f"{parameter.name} is {'all' if parameter.summary.largest == 0 else 'nearly'} zero, and may be: {what}",
        measured={"gradient_rms": size},
        expected="a gradient that is not zero, here or after a step",
        why=why,
    )


RULE = Rule("sound-zero", "zeros that are right, and why", "run", find)
