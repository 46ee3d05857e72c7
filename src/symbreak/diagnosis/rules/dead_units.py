"""Units that are off on every sample: no gradient reaches them."""

from __future__ import annotations

import math
from collections.abc import Iterator

from symbreak.diagnosis.finding import Finding, Where
from symbreak.diagnosis.observation import Operation
from symbreak.diagnosis.rules.rule import Context, Rule

# Symmetric weights put a unit on either side of zero with even odds, so that even if all inputs point the same way
# half of the units are on; this many standard deviations above one half are no chance.
DEVIATIONS = 3.0
# A bias this many times the spread of the sum that it is added to switches a unit off for good, not by chance.
PUSHED = 5.0
# Inputs with a mean cosine above this differ by less than a fifth of their size; three units in ten off is then no
# accident of one draw but what every draw gives, and the other units are linear.
ALIKE = 0.97
ONE_SIDED = 0.3
# Places that a sentence names before it counts the rest.
SHOWN = 3
# Fewer samples (or positions) leave units off by chance.
FEWEST = 8


def find(context: Context) -> Iterator[Finding]:
    """Report activations with more units off on all samples than chance explains, those wholly off in one finding."""
    found = [operation for operation in context.wires.operations if _off(context, operation)]
    whole = [
        operation for operation in found if operation.signal and len(operation.signal.off) == operation.signal.units
    ]
    if whole:
        yield _finding(context, whole)
    for operation in found:
        if operation not in whole:
            yield _finding(context, [operation])


def _off(context: Context, operation: Operation) -> bool:
    signal = operation.signal
    if operation.kind != "activation" or signal is None or not signal.off:
        return False
    seen = math.prod(operation.shape) / max(1, signal.units)
    chance = 0.5 + DEVIATIONS * 0.5 / math.sqrt(signal.units)
    share = len(signal.off) / signal.units
    if seen < FEWEST or not _hidden(context, operation):
        return False
    return share == 1 or share > chance or _pushed(context, operation) or _one_sided(context, operation, share)


def _hidden(context: Context, operation: Operation) -> bool:
    """Tell whether an activation belongs to the model: a weight follows, or comes right before. A hinge of the loss is
    off where all is well, as is a limit on what is no sum of weights."""
    if context.wires.leads_on(operation) and operation.name != "clamp":
        return True
    source = operation
    while source.inputs and (source is operation or source.kind in ("shape", "norm")):
        source = context.wires.operations[source.inputs[0]]
    return source.weight is not None or source.bias is not None


def _one_sided(context: Context, operation: Operation, share: float) -> bool:
    """Tell whether raw inputs that all look alike decide by the sign of a unit's sum of weights that it is off."""
    source = next((op for op in context.wires.sources(operation) if op.weight is not None), None)
    if source is None or operation.signal is None or operation.signal.units < FEWEST or share < ONE_SIDED:
        return False
    read = [op.signal for op in context.wires.sources(source) if op.kind == "input" and op.signal is not None]
    return any((s.similarity or 0.0) > ALIKE and abs(s.mean) > PUSHED * s.std and s.rms > PUSHED for s in read)


def _pushed(context: Context, operation: Operation) -> bool:
    """Tell whether a bias alone holds some of the units that are off below zero."""
    source = next((op for op in context.wires.sources(operation) if op.bias is not None), None)
    if source is None or source.bias is None or source.signal is None or operation.signal is None:
        return False
    bias = context.observation.parameter(source.bias).values().reshape(-1)
    if len(bias) != operation.signal.units or source.signal.std <= 0:
        return False
    # Beside tiny inputs every bias is large; one that holds a unit off for good is large beside inputs of size 1 too.
    weight = context.observation.parameter(source.weight.parameter).summary.rms if source.weight else 0.0
    usual = weight * math.sqrt(source.weight.fan_in) if source.weight else 0.0
    return bool((bias[list(operation.signal.off)] < -PUSHED * max(source.signal.std, usual)).any())


def _finding(context: Context, found: list[Operation]) -> Finding:
    signals = [operation.signal for operation in found if operation.signal is not None]
    off, units = (sum(counts) for counts in zip(*((len(s.off), s.units) for s in signals), strict=True))
    names = dict.fromkeys(n for op in found for n in (*_made_by(context, op), *_shifts(context, op)))
    places = list(dict.fromkeys(operation.module or operation.name for operation in found))
    shown = ", ".join(places[:SHOWN]) + (f" and {len(places) - SHOWN} more" if len(places) > SHOWN else "")
    biases = [n for op in found for n in _shifts(context, op) or _made_by(context, op)[1:]]
    return Finding(
        rule=RULE.slug,
        severity="error" if off == units else "warning",
        status="measured",
        where=Where(tuple(names), tuple(operation.module for operation in found), tuple(s.off for s in signals)),
        says=f"{off} of {units} units behind {shown} are off on every sample",
        measured={"off": off, "units": units},
        expected="fewer than half, and none by design",
        why="Where the slope is zero on all samples no gradient passes: the unit's weights and what lies before it do "
        "not learn from it. It comes back only if what lies before it happens to move it.",
        fix="\n".join(f"torch.nn.init.zeros_(model.get_parameter({name!r}))" for name in dict.fromkeys(biases))
        or "# a smaller learning rate, centred inputs, or leaky_relu",
        synthetic=context.observation.synthetic,
    )


def _shifts(context: Context, operation: Operation) -> list[str]:
    """Return the biases of a normalization right before an activation."""
    norms = [op for op in context.wires.sources(operation) if op.kind == "norm"]
    return [name for op in norms for name in op.parameters if name.endswith(("bias", "beta"))]


def _made_by(context: Context, operation: Operation) -> tuple[str, ...]:
    """Return the names of the weight and the bias whose sum the activation reads."""
    source = next((op for op in context.wires.sources(operation) if op.weight is not None), None)
    return tuple(n for n in (source.weight.parameter, source.bias) if n) if source and source.weight else ()


RULE = Rule("dead-units", "units are off on all samples", "run", find)
