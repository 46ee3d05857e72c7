"""The loss at step 0 beside that of a model that knows only the targets' distribution."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from symbreak.diagnosis.finding import Finding, Where
from symbreak.diagnosis.observation import Loss, Operation
from symbreak.diagnosis.rules import output_bias, shape_broadcast
from symbreak.diagnosis.rules.rule import Context, Rule
from symbreak.diagnosis.wires import passes

# Logits of variance v around zero cost v / 2 nats more than equal ones: 1 nat is a variance of 2, sure mistakes on
# some inputs before anything was learned. Sound starts stay well below.
EXCESS = 1.0
ERROR_EXCESS = 5.0
# Scores of pairs, products of two outputs over a temperature, are meant to be sharp: unit vectors in 20 dimensions at
# CLIP's temperature of 0.07 cost 1 to 2 nats more than equal scores.
PAIRS_EXCESS = 3.0
# A prediction as large as the targets' own size doubles the squared error, and takes the absolute one to its root of
# two; sound outputs are smaller than that.
SQUARED_EXCESS = 2.0
ERROR_FACTOR = 10.0
# An output of half the size of what is wanted, or logits of 1/2, leave the loss near its reference.
SIZE = 0.5
# A sum over fewer targets is no matter; rounding of a sum of thousands stays far below a thousandth.
SUMMED = 8.0
ROUNDED = 1e-3


def find(context: Context) -> Iterator[Finding]:
    """Compare the loss with its reference; look at what the loss is given."""
    loss = context.observation.loss
    if loss is None or loss.targets is None or not math.isfinite(loss.value) or any(shape_broadcast.find(context)):
        return
    yield from _summed(loss, context)
    if loss.normalized:
        finding = _misfed(loss, context)
        if finding is not None:
            yield finding
            return
    if loss.kind == "cross-entropy" and _knows_the_target(loss, context):
        return  # a margin in favour of the other classes, as ArcFace's: the usual losses are no measure
    reference, formula = _reference(loss)
    power = {"squared-error": 1.0, "absolute-error": 0.5}.get(loss.kind)
    excess = loss.value - reference
    relative = loss.value / reference if reference > 0 else math.inf if excess > 0 else 1.0
    if (relative > SQUARED_EXCESS**power and excess > 0) if power else excess > _most(context):
        worse = relative > ERROR_FACTOR**power if power else excess > ERROR_EXCESS
        yield _finding(loss, reference, formula, context, error=worse)
    elif (missing := output_bias.missed(context)) is not None and loss.value > ERROR_FACTOR * max(0.0, missing.best):
        yield _far(loss, missing, context)


def _summed(loss: Loss, context: Context) -> Iterator[Finding]:
    """Explain a total that is the sum over the targets and not their mean."""
    count = len(loss.targets) if loss.targets is not None and loss.targets.ndim else 0
    known = {context.observation.samples, count, loss.targets.size if loss.targets is not None else 0}
    ratio = loss.total / loss.value if loss.value > 0 else 0.0
    if ratio > SUMMED and any(abs(ratio - n) < ROUNDED * n for n in known):
        head = _head(context)
        yield Finding(
            rule=RULE.slug,
            severity="info",
            status="measured",
            where=Where(parameters=head[:1], modules=head[1:]),
            says=f"the {loss.kind} is summed over {ratio:.4g} targets: {loss.total:.4g}, and {loss.value:.4g} for each",
            measured={"total": loss.total, "loss": loss.value},
            expected="reduction='mean', or a learning rate for this size of batch",
            why="A sum makes every gradient, and with plain gradient descent every step, as many times larger as there "
            "are targets: another batch size asks for another learning rate. Adam does not see the difference.",
            synthetic=context.observation.synthetic,
        )


def _knows_the_target(loss: Loss, context: Context) -> bool:
    """Tell whether the scores that a loss is given were made with the help of its targets."""
    known: set[int] = set()
    for operation in context.observation.operations[: (loss.output or 0) + 1]:
        read = operation.kind != "embedding" and known & set(operation.inputs)  # a table's rows are conditions
        if read or (operation.kind == "input" and operation.name == "target"):
            known.add(operation.index)
    return loss.output in known


def _most(context: Context) -> float:
    """Return the excess in nats that is left alone."""
    loss = context.observation.loss
    operation = context.observation.operations[loss.output] if loss and loss.output is not None else None
    while operation is not None and (passes(operation) or _is_tempered(operation)) and operation.inputs:
        operation = context.observation.operations[operation.inputs[-1]]
    pairs = operation is not None and operation.kind == "matmul" and len(operation.inputs) > 1
    return PAIRS_EXCESS if pairs else EXCESS


def _is_tempered(operation: Operation) -> bool:
    """Whether an operation multiplies what it reads by one learned number, or divides it."""
    shapes = operation.attributes.get("operands", ())
    return (
        operation.kind == "multiply" and len(operation.inputs) == 1 and any(math.prod(shape) == 1 for shape in shapes)
    )


def _reference(loss: Loss) -> tuple[float, str]:
    targets = loss.targets
    assert targets is not None, "the rule looks at known targets only"
    if loss.kind == "cross-entropy":
        classes = loss.classes or 2
        return math.log(classes), f"log({classes}): all classes alike"
    if loss.kind == "binary-cross-entropy":
        return math.log(2), "log(2): even odds"
    if loss.kind == "squared-error":
        return float(np.mean(np.square(targets))), "mean of y^2: an output of zero"
    if loss.kind == "absolute-error":
        return float(np.mean(np.abs(targets))), "mean of |y|: an output of zero"
    return math.inf, ""  # rates that scatter make a Poisson loss of any size; only their level is judged


def _finding(loss: Loss, reference: float, formula: str, context: Context, *, error: bool) -> Finding:
    head = _head(context)
    return Finding(
        rule=RULE.slug,
        severity="error" if error else "warning",
        status="measured",
        where=Where(parameters=head[:1], modules=head[1:]),
        says=f"the {loss.kind} loss starts at {loss.value:.4g}; a model that knows nothing has {reference:.4g}",
        measured={"loss": loss.value, "reference": reference},
        expected=f"about {formula} = {reference:.4g}",
        why="An untrained model that is sure of its answers is wrong with certainty, and its first many steps only "
        "unlearn that. The logits are too large: the last layer's weights, or the signal that reaches it.",
        fix=_smaller(context, loss, head),
        synthetic=context.observation.synthetic,
    )


def _far(loss: Loss, missing: output_bias.Missed, context: Context) -> Finding:
    return Finding(
        rule=RULE.slug,
        severity="warning",
        status="measured",
        where=output_bias.place(context),
        says=f"the {loss.kind} loss starts at {loss.value:.4g}; a model that knows only the targets' distribution has "
        f"{missing.best:.4g}",
        measured={"loss": loss.value, "reference": missing.best},
        expected=f"about {missing.best:.4g}, with {missing.expected}",
        why="Nearly all of the loss is the distance from the targets' usual value, which says nothing about the "
        "inputs. Until it is gone every gradient points the same way, and early losses look like progress.",
        fix=output_bias.cure(context, missing),
        synthetic=context.observation.synthetic,
    )


def _smaller(context: Context, loss: Loss, head: tuple[str, ...]) -> str:
    """Return lines that make the output as small as is right: its bias where that is what is large, else its weight."""
    path = list(_back(context))
    signal = path[0].signal if path else None
    if not head or signal is None or not signal.rms or not context.observation.parameter(head[0]).judged:
        return "# make the output smaller: smaller weights in the last layer"
    if any(operation.kind == "norm" for operation in path[:-1]):
        return "# the scores come after a normalization: make the factor smaller by which they are multiplied"
    bias = path[-1].bias
    if bias and signal.std < signal.rms / 2 and abs(context.observation.parameter(bias).summary.mean) > signal.rms / 2:
        missing = output_bias.missed(context)
        zero = f"torch.nn.init.zeros_(model.get_parameter({bias!r}))"
        return zero if missing is None else output_bias.cure(context, missing)
    size = float(np.sqrt(np.mean(np.square(loss.targets)))) if loss.targets is not None and "error" in loss.kind else 1
    factor = SIZE * size / signal.rms
    return (
        f"with torch.no_grad():\n    model.get_parameter({head[0]!r}).mul_({factor:.1g})  # or std = 1 / sqrt(fan_in)"
    )


def _back(context: Context) -> Iterator[Operation]:
    """Yield the operation that gives the prediction and those before it, up to the one with a weight."""
    loss = context.observation.loss
    if loss is None or loss.output is None:
        return
    operation = context.observation.operations[loss.output]
    yield operation
    while operation.weight is None and operation.inputs:
        operation = context.observation.operations[operation.inputs[0]]
        yield operation


def _head(context: Context) -> tuple[str, ...]:
    """Return the weight and the module of the operation that gives the prediction."""
    last = next((op for op in _back(context) if op.weight is not None), None)
    return (last.weight.parameter, last.module) if last is not None and last.weight is not None else ()


def _misfed(loss: Loss, context: Context) -> Finding | None:
    wants_logits = loss.kind == "cross-entropy" or _operation_name(loss, context).endswith("with_logits")
    if loss.normalized == "log-probabilities" or not wants_logits:
        return None  # the log-softmax of log-probabilities is the same log-probabilities
    raw = loss.normalized == "raw scores"
    what = "raw scores where it wants log-probabilities" if raw else "probabilities where it wants logits"
    why = (
        "The negative of a raw score is no cost: it can be lowered without end, by making all scores large."
        if raw
        else "The squashing is applied twice. Probabilities differ by at most 1, so the loss can never fall to zero, "
        "however well the model does, and its gradient is small everywhere."
    )
    return Finding(
        rule=RULE.slug,
        severity="error" if raw else "warning",
        status="proved",
        where=Where(modules=tuple(_head(context)[1:])),
        says=f"the {loss.kind} is given {what}",
        measured={"loss": loss.value},
        expected="logits for cross_entropy and binary_cross_entropy_with_logits, log_softmax for nll_loss",
        why=why,
        fix="loss = torch.nn.functional.cross_entropy(logits, y)  # logits: without softmax",
        synthetic=context.observation.synthetic,
    )


def _operation_name(loss: Loss, context: Context) -> str:
    return context.observation.operations[loss.operation].name


RULE = Rule("loss-at-init", "the loss is far from that of a model that knows only the targets", "loss", find)
