"""A start so near a saddle that gradient descent will wait."""

from __future__ import annotations

import math
from collections.abc import Iterator

from symbreak.diagnosis.finding import Finding, Where
from symbreak.diagnosis.observation import Operation
from symbreak.diagnosis.rules.lines import drawn_anew
from symbreak.diagnosis.rules.rule import Context, Rule
from symbreak.diagnosis.rules.wrong_scale import expected_std

# Weights below this share of their usual size leave the network nearly without an output: near the saddle at zero.
SMALL = 0.2
# Steps at learning rate 1; at the usual 0.1 it is ten times as many. The lesson's own start (0.01 on its flower data)
# needs about 200.
STEPS = 500.0
# No initializer makes weights this much smaller than usual; there a wait of a hundred steps at rate 0.1, of a thousand
# at 0.01, is told as well.
TINY = 1e-3
TINY_STEPS = 10.0
KINDS = frozenset(("linear", "conv", "embedding"))


def find(context: Context) -> Iterator[Finding]:
    """Predict how many steps of gradient descent the weights need to grow to their usual size."""
    layers = [op for op in _layers(context) if op.weight is not None and op.kind in KINDS]
    if len(layers) < 2 or context.observation.loss is None:
        return
    sizes, rates = zip(*(_size_and_rate(context, op) for op in layers), strict=True)
    usable = all(0 < each < math.inf for each in (*sizes, *rates))
    if not usable or any(context.wires.followed_by(op, "norm") for op in layers):
        return
    # A layer that grows by itself, as the last does on features that are all bias, takes no other along.
    share, rate = (math.exp(sum(map(math.log, each)) / len(each)) for each in (sizes, rates))
    if share >= SMALL:
        return
    steps = math.log(1 / share) / rate
    if steps > (TINY_STEPS if share < TINY else STEPS):
        yield _finding(context, layers, share, rate, steps)


def _layers(context: Context) -> Iterator[Operation]:
    """Yield the trunk's operations, and rows of tables (their sizes are not measured) that it multiplies."""
    trunk = {op.index for op in context.wires.trunk}
    for operation in context.wires.operations:
        readers = context.wires.readers(operation) if operation.kind == "embedding" else ()
        if operation.index in trunk or any(r.index in trunk and r.kind in ("multiply", "matmul") for r in readers):
            yield operation


def _size_and_rate(context: Context, operation: Operation) -> tuple[float, float]:
    """Return a weight's size beside its usual one, and by what share of itself a step of rate 1 changes it."""
    assert operation.weight is not None, "only weighted operations are asked about"
    parameter = context.observation.parameter(operation.weight.parameter)
    size = parameter.summary.rms
    gradient = parameter.gradient.rms if parameter.gradient else 0.0
    return size / expected_std(context, operation), gradient / size if size > 0 else 0.0


def _finding(context: Context, layers: list[Operation], share: float, rate: float, steps: float) -> Finding:
    names = tuple(op.weight.parameter for op in layers if op.weight)
    return Finding(
        rule=RULE.slug,
        severity="warning",
        status="measured",
        where=Where(parameters=names),
        says=f"gradient descent will wait about {steps:.2g} steps (at learning rate 1) before anything is learned",
        measured={"share_of_usual_size": share, "relative_rate": rate, "steps": steps},
        expected=f"ln(1 / share) / rate = ln(1 / {share:.2g}) / {rate:.2g}, below {STEPS:g}, or {TINY_STEPS:g} for a "
        f"share below {TINY:g}",
        why="At zero weights the gradient is zero. Near there each layer's gradient is the product of the other "
        "layers' small weights, so weights grow only in proportion to themselves: slowly at first, and the slower the "
        "more layers. Adam, which divides by the gradient's size, waits less.",
        fix=drawn_anew(context, tables=True),
        synthetic=context.observation.synthetic,
    )


RULE = Rule("plateau", "the start is so near a saddle that gradient descent will wait", "loss", find)
