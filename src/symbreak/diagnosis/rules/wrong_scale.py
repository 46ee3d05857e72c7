"""Weights whose spread is not what their fans and their place ask for, where it has a consequence."""

from __future__ import annotations

import math
from collections.abc import Iterator

from symbreak import initializers
from symbreak.diagnosis.finding import Finding, Where
from symbreak.diagnosis.observation import Operation
from symbreak.diagnosis.rules.rule import Context, Rule
from symbreak.errors import SymbreakError

# Published initializers differ among each other by up to a factor of 3 (PyTorch's own default is He's over sqrt 6);
# beyond 5 the weight follows none of them.
FACTOR = 5.0
# In a network of one or two hidden layers small weights only delay (see plateau); from three on, the product of
# several small factors is what reaches the first layer.
DEEP = 3
# A signal that has faded to a hundredth along the trunk has a cause: each weight that is this much smaller than its
# fans ask for, which PyTorch's default (a factor of 2.4) is not.
FADED = 1e-2
PART = 3.0
# Weights around zero have a mean of about 1 / sqrt(their number) of their size. Where the mean is the larger part, a
# sum of fan_in terms of one sign grows with fan_in and not with its root: uniform(0, 1) has 0.87 of its size.
LOPSIDED = 0.5


def find(context: Context) -> Iterator[Finding]:
    """Report weights that are much too large or small, with the measured change of the signal."""
    hidden = {op.index for op in context.wires.hidden}
    told: set[str] = set()
    for operation in context.wires.weighted:
        finding = _judge(context, operation, hidden)
        if finding is not None and operation.weight is not None and operation.weight.parameter not in told:
            told.add(operation.weight.parameter)
            yield finding


def _judge(context: Context, operation: Operation, hidden: set[int]) -> Finding | None:
    weight = operation.weight
    received = context.wires.received(operation)
    if weight is None or not received or operation.signal is None or operation.kind == "recurrent":
        return None
    parameter = context.observation.parameter(weight.parameter)
    seen = parameter.summary
    if not parameter.judged or not parameter.trainable or seen.constant or not seen.finite:
        return None
    if context.wires.followed_by(operation, "norm"):
        return None
    expected = expected_std(context, operation)
    ratio, change = seen.rms / expected, context.wires.delivered(operation) / received
    lopsided = abs(seen.mean) > LOPSIDED * seen.rms and ratio > 1
    if (ratio > FACTOR or lopsided) and change > FACTOR:
        return _finding(context, operation, ratio, change, expected)
    least = 1 / PART if _faded(context) else 1 / FACTOR
    change = min(change, _difference(context, operation))  # biases fill up the size, not the difference of inputs
    if max(ratio, change) < least and operation.index in hidden and _stretch(context, operation) >= DEEP:
        return _finding(context, operation, ratio, change, expected)
    return None


def _difference(context: Context, operation: Operation) -> float:
    """Return by what factor an operation, and factors that rescale it, change what tells inputs apart."""
    before = max((op.signal.std for op in context.wires.sources(operation) if op.signal is not None), default=0.0)
    signal = operation.signal
    if signal is None or not before or not signal.rms:
        return math.inf
    return context.wires.delivered(operation) * signal.std / signal.rms / before


def _stretch(context: Context, operation: Operation) -> int:
    """Count the weights of the trunk, heads left out, between the normalizations around this one."""
    norms = [op.index for op in context.wires.trunk if op.kind == "norm"]
    start = max((n for n in norms if n < operation.index), default=-1)
    end = min((n for n in norms if n > operation.index), default=len(context.wires.operations))
    return sum(start < op.index < end for op in context.wires.hidden)


def _faded(context: Context) -> bool:
    """Tell whether what tells inputs apart has nearly vanished before the head."""
    first, last = context.wires.hidden[:1], context.wires.hidden[-1:]
    start = max((context.wires.received(op) or 0.0 for op in first), default=0.0)
    return any(op.signal is not None and op.signal.std < FADED * start for op in last)


def expected_std(context: Context, operation: Operation) -> float:
    """Return gain / sqrt(fan_in), with the gain of the activation whose result the weight reads."""
    assert operation.weight is not None, "only weighted operations have fans"
    name = context.wires.activation_before(operation)
    try:
        gain = initializers.gain(name)
    except SymbreakError:
        gain = 1.0
    return gain / math.sqrt(operation.weight.fan_in)


def _finding(context: Context, operation: Operation, ratio: float, change: float, expected: float) -> Finding:
    assert operation.weight is not None, "only weighted operations are judged"
    weight = operation.weight
    seen = context.observation.parameter(weight.parameter).summary
    std = seen.rms
    before = context.wires.activation_before(operation)
    grouped = f" ({weight.groups} groups)" if weight.groups > 1 else ""
    around = f", around a mean of {seen.mean:.3g}" if abs(seen.mean) > LOPSIDED * std else ""
    return Finding(
        rule=RULE.slug,
        severity="warning",
        status="measured",
        where=Where((weight.parameter,), (operation.module,)),
        says=f"{weight.parameter} is {ratio:.2g} times as large as its {weight.fan_in} inputs{grouped} ask for"
        f"{around}; the signal changes by a factor of {change:.2g} there",
        measured={"rms": std, "ratio": ratio, "signal_factor": change, "fan_in": weight.fan_in},
        expected=f"gain({before}) / sqrt(fan_in) = {expected:.3g}",
        why="A unit adds fan_in terms, whose sum has sqrt(fan_in) times the size of one. Only weights of size "
        "gain / sqrt(fan_in) hand the signal on as large as it came, and nothing after this layer sets it right.",
        fix=f"torch.nn.init.normal_(model.get_parameter({weight.parameter!r}), std={expected:.4g})",
        synthetic=context.observation.synthetic,
    )


RULE = Rule("wrong-scale", "a weight's spread does not fit its fans and its place", "run", find)
