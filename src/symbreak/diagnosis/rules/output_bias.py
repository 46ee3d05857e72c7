"""The last bias and the targets' base rate: what it costs to ignore it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from symbreak.diagnosis.finding import Finding, Where
from symbreak.diagnosis.observation import Loss
from symbreak.diagnosis.rules import shape_broadcast
from symbreak.diagnosis.rules.rule import Context, Rule

Array = NDArray[Any]

# Nats per target that only the bias can save: even odds on a base rate of 9 %, or more uneven, cost as much.
COST = 0.4
# Shares are taken as near to even as the batch allows with this error probability.
DOUBT = 1e-3
# A class distribution is believed if there are this many targets for each class.
TARGETS_PER_CLASS = 20
# Targets whose mean lies this many standard deviations from zero make the offset the larger part of the error.
OFFSET = 2.0
FEWEST = 16


def find(context: Context) -> Iterator[Finding]:
    """Report a base rate or mean that the output does not start with, where the loss says that it does not."""
    loss = context.observation.loss
    if loss is None or loss.targets is None or loss.output is None or not math.isfinite(loss.value):
        return
    signal = context.observation.operations[loss.output].signal
    if signal is None or any(shape_broadcast.find(context)):
        return
    found = {"binary-cross-entropy": _binary, "cross-entropy": _classes, "squared-error": _numbers}.get(loss.kind)
    told = found(loss, signal.mean) if found else None
    if told is not None:
        yield _finding(context, loss, *told)


Told = tuple[float, str, str, str]


def _binary(loss: Loss, mean: float) -> Told | None:
    targets = np.asarray(loss.targets, np.float64)
    columns = targets.reshape(len(targets), -1) if targets.ndim > 1 else targets.reshape(-1, 1)
    if len(columns) < FEWEST or not np.isin(columns, (0, 1)).all():
        return None
    rates = np.array([_towards_half(int(c.sum()), len(c)) for c in columns.T])
    start = 1 / (1 + math.exp(-mean)) if not loss.normalized else min(max(mean, 1e-6), 1 - 1e-6)
    cost = float(np.mean(_divergence(rates, start)))
    observed = float(columns.mean())
    logit = math.log(max(observed, 0.5 / len(columns)) / max(1 - observed, 0.5 / len(columns)))
    if cost <= COST:
        return None
    return cost, f"{observed:.3g} of the targets are 1", f"bias = log(p / (1 - p)) = {logit:.3g}", f"{logit:.4g}"


def _towards_half(ones: int, total: int) -> float:
    """Return the share nearest to one half that the counts still allow (Clopper, Pearson 1934)."""
    if 2 * ones < total:
        return min(0.5, float(stats.beta.ppf(1 - DOUBT, ones + 1, total - ones)))
    return max(0.5, float(stats.beta.ppf(DOUBT, ones, total - ones + 1)))


def _divergence(rates: Array, start: float) -> Array:
    kept = np.clip(rates, 1e-12, 1 - 1e-12)
    return np.asarray(kept * np.log(kept / start) + (1 - kept) * np.log((1 - kept) / (1 - start)))


def _classes(loss: Loss, mean: float) -> Told | None:
    targets = np.asarray(loss.targets)
    classes = loss.classes or 0
    if targets.dtype.kind not in "iu" or classes < 2 or len(targets) < TARGETS_PER_CLASS * classes:
        return None
    shares = (np.bincount(targets, minlength=classes) + 1) / (len(targets) + classes)
    entropy = float(-(shares * np.log(shares)).sum())
    # Equal logits are what a zero bias means; the loss itself says whether the start is that of the base rates.
    cost = math.log(classes) - entropy
    if cost <= COST or loss.value - entropy <= cost / 2:
        return None
    return (
        cost,
        f"the classes' shares run from {shares.min():.2g} to {shares.max():.2g}",
        "bias = log(shares)",
        "shares",
    )


def _numbers(loss: Loss, mean: float) -> Told | None:
    targets = np.asarray(loss.targets, np.float64)
    if targets.size < FEWEST:
        return None
    columns = targets.reshape(len(targets), -1) if targets.ndim > 1 else targets.reshape(-1, 1)
    spread = float(np.mean(columns.var(axis=0)))
    middle = columns.mean(axis=0)
    offset = float(np.mean(np.square(middle))) if columns.shape[1] > 1 else float(np.square(middle[0] - mean))
    if offset <= OFFSET**2 * spread or offset == 0:
        return None
    return (
        offset,
        f"the targets' mean is {middle.mean():.4g}, their standard deviation {math.sqrt(spread):.3g}",
        (f"bias = mean of y = {middle.mean():.4g}"),
        f"{middle.mean():.6g}",
    )


def _finding(context: Context, loss: Loss, cost: float, says: str, expected: str, value: str) -> Finding:
    operation = context.observation.operations[loss.output or 0]
    while operation.weight is None and operation.inputs and operation.bias is None:
        operation = context.observation.operations[operation.inputs[0]]
    bias = operation.bias
    unit = "squared error" if loss.kind == "squared-error" else "nats"
    fill = "torch.log(shares)" if value == "shares" else value
    line = (
        f"with torch.no_grad():\n    model.get_parameter({bias!r}).copy_(torch.as_tensor({fill}))"
        if bias
        else "# give the last layer a bias, and start it there"
    )
    return Finding(
        rule=RULE.slug,
        severity="warning",
        status="measured",
        where=Where((bias,) if bias else (), (operation.module,)),
        says=f"{says}, and the output does not start there: {cost:.3g} of the loss ({unit}) is the bias's alone",
        measured={"cost": cost, "loss": loss.value},
        expected=expected,
        why="The first steps are spent on moving the output to the base rate, with large gradients that all point the "
        "same way through every layer. One number in the last bias saves them.",
        fix=line,
        synthetic=context.observation.synthetic,
    )


RULE = Rule("output-bias", "the last bias ignores the targets' base rate or mean", "loss", find)
