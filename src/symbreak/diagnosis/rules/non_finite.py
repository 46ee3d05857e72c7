"""nan and inf: in parameters, buffers, activations, the loss, gradients; told where they appear first."""

from __future__ import annotations

import math
from collections.abc import Iterator

from symbreak.diagnosis.finding import Finding, Where
from symbreak.diagnosis.observation import Operation, Parameter
from symbreak.diagnosis.rules.rule import Context, Rule


def find(context: Context) -> Iterator[Finding]:
    """Report tensors that hold nan or inf; if none does, the first operation, the loss, or the first gradient."""
    stored = [p for p in context.observation.parameters if not p.summary.finite and not _is_mask(p)]
    if stored:
        yield from map(_stored, stored)
        return
    first = next((op for op in context.observation.operations if op.signal and op.signal.nonfinite), None)
    loss = context.observation.loss
    if first is not None:
        yield _appears(first, context)
    elif loss is not None and not math.isfinite(loss.total):
        yield _finding(context, Where(), f"the loss is {loss.total}", {"loss": str(loss.total)})
    else:
        yield from _gradients(context)


def _is_mask(parameter: Parameter) -> bool:
    """A buffer of 0 and -inf is a mask that is added to attention scores."""
    seen = parameter.summary
    return parameter.buffer and seen.nan == 0 and seen.infinite > 0 and seen.low == seen.high == 0


def _stored(parameter: Parameter) -> Finding:
    seen = parameter.summary
    what = "buffer" if parameter.buffer else "parameter"
    return Finding(
        rule=RULE.slug,
        severity="error",
        status="measured",
        where=Where(parameters=(parameter.name,)),
        says=f"{what} {parameter.name} holds {seen.nan} nan and {seen.infinite} inf among {seen.size} values",
        measured={"nan": seen.nan, "infinite": seen.infinite, "size": seen.size},
        expected="finite numbers only",
        why="One nan makes every sum that it enters nan: the first forward pass already loses the output, and the "
        "first update every weight.",
        fix=f"torch.nn.init.zeros_(model.get_{what}({parameter.name!r}))  # then initialize it as its layer asks for",
    )


def _appears(operation: Operation, context: Context) -> Finding:
    signal = operation.signal
    assert signal is not None, "it was chosen for its signal"
    place = operation.module or "the model itself"
    says = f"nan or inf appears first in {place} ({operation.name}): {signal.nonfinite} values"
    return _finding(context, Where(operation.parameters, (operation.module,)), says, {"nonfinite": signal.nonfinite})


def _gradients(context: Context) -> Iterator[Finding]:
    bad = [p for p in context.observation.parameters if p.gradient is not None and p.gradient.nonfinite]
    if bad:
        last = bad[-1]
        count = last.gradient.nonfinite if last.gradient else 0
        says = f"the gradients of {len(bad)} parameters hold nan or inf; going backward, {last.name} is the first"
        yield _finding(context, Where((last.name,)), says, {"nonfinite": count, "parameters": len(bad)})


def _finding(context: Context, where: Where, says: str, measured: dict[str, int | str]) -> Finding:
    return Finding(
        rule=RULE.slug,
        severity="error",
        status="measured",
        where=where,
        says=says,
        measured=measured,
        expected="finite numbers only",
        why="What is computed from it is nan or inf as well. The usual causes at step 0 are an overflow of large "
        "weights, a division by 0, the logarithm of 0 or the root of 0, whose slope is infinite.",
        fix="# torch.autograd.set_detect_anomaly(True)  # run once: it names the line that makes the first nan",
        synthetic=context.observation.synthetic,
    )


RULE = Rule("non-finite", "nan or inf in parameters, buffers, activations, loss or gradients", "values", find)
