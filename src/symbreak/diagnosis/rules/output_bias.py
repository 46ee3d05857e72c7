"""The last bias and the targets' base rate: what it costs to ignore it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from symbreak.diagnosis.finding import Finding, Where
from symbreak.diagnosis.observation import Loss, Operation
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
# Maps or sequences whose shares are compared, and the standard errors of their mean that are left to chance.
FEWEST_MAPS = 4
MAP_DEVIATIONS = 4.0
# From fewer rows a column's spread is not known well enough to set its mean against it.
FEWEST_ROWS = 8


def find(context: Context) -> Iterator[Finding]:
    """Report a base rate or mean that the output does not start with, where the loss says that it does not."""
    loss = context.observation.loss
    if loss is None or loss.targets is None or loss.output is None or not math.isfinite(loss.value):
        return
    signal = context.observation.operations[loss.output].signal
    if signal is None or any(shape_broadcast.find(context)):
        return
    found = {"binary-cross-entropy": _binary, "cross-entropy": _classes, "squared-error": _numbers}.get(loss.kind)
    told = found(loss, signal.mean, _units(context)) if found else None
    if told is not None:
        yield _finding(context, loss, *told)


Told = tuple[float, str, str, str]


def _units(context: Context) -> int | None:
    """Return how many numbers the last bias has: one is shared by all places of a map or a sequence."""
    bias = _head(context).bias
    return math.prod(context.observation.parameter(bias).shape) if bias else None


def _columns(targets: Array, units: int | None) -> Array:
    """Return the targets as (rows, columns) with one column for each number of the last bias."""
    if targets.ndim < 2 or units == 1:
        return targets.reshape(-1, 1)
    if units is not None and units == targets.shape[1]:
        return np.moveaxis(targets, 1, -1).reshape(-1, units)
    if units is not None and units == targets.shape[-1]:
        return targets.reshape(-1, units)
    return targets.reshape(len(targets), -1)


def _binary(loss: Loss, mean: float, units: int | None) -> Told | None:
    targets = np.asarray(loss.targets, np.float64)
    columns = _columns(targets, units)
    if len(columns) < FEWEST or not np.isin(columns, (0, 1)).all():
        return None
    rates = _rates(targets, columns)
    start = 1 / (1 + math.exp(-max(min(mean, 500.0), -500.0)))
    start = min(max(mean if loss.normalized else start, 1e-6), 1 - 1e-6)
    cost = float(np.mean(_divergence(rates, start)))
    observed = float(columns.mean())
    # Biases may differ from column to column; the loss itself says whether the start is that of the base rates.
    if loss.value - float(np.mean(_entropy(columns.mean(axis=0)))) <= COST:
        return None
    logit = math.log(max(observed, 0.5 / len(columns)) / max(1 - observed, 0.5 / len(columns)))
    if cost <= COST:
        return None
    return cost, f"{observed:.3g} of the targets are 1", f"bias = log(p / (1 - p)) = {logit:.3g}", f"{logit:.4g}"


def _rates(targets: Array, columns: Array) -> Array:
    """Return each column's share of ones, as near to one half as the batch allows.

    Places of one map or sequence are not independent: there the samples' own shares tell how far it may be off.
    """
    if len(columns) == len(targets):
        return np.array([_towards_half(int(c.sum()), len(c)) for c in columns.T])
    if len(targets) < FEWEST_MAPS:
        return np.full(columns.shape[1], 0.5)
    shares = columns.reshape(len(targets), -1, columns.shape[1]).mean(axis=1)
    doubt = MAP_DEVIATIONS * shares.std(axis=0, ddof=1) / math.sqrt(len(shares)) + 1 / len(columns)
    return np.asarray(
        np.where(shares.mean(0) < 0.5, np.minimum(0.5, shares.mean(0) + doubt), np.maximum(0.5, shares.mean(0) - doubt))
    )


def _entropy(rates: Array) -> Array:
    kept = np.clip(rates, 1e-12, 1 - 1e-12)
    return np.asarray(-kept * np.log(kept) - (1 - kept) * np.log(1 - kept))


def _towards_half(ones: int, total: int) -> float:
    """Return the share nearest to one half that the counts still allow (Clopper, Pearson 1934)."""
    if 2 * ones < total:
        return min(0.5, float(stats.beta.ppf(1 - DOUBT, ones + 1, total - ones)))
    return max(0.5, float(stats.beta.ppf(DOUBT, ones, total - ones + 1)))


def _divergence(rates: Array, start: float) -> Array:
    kept = np.clip(rates, 1e-12, 1 - 1e-12)
    return np.asarray(kept * np.log(kept / start) + (1 - kept) * np.log((1 - kept) / (1 - start)))


def _classes(loss: Loss, mean: float, units: int | None) -> Told | None:
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
        f"[{', '.join(f'{math.log(share):.4g}' for share in shares)}]",
    )


def _numbers(loss: Loss, mean: float, units: int | None) -> Told | None:
    targets = np.asarray(loss.targets, np.float64)
    columns = _columns(targets, units)
    if targets.size < FEWEST or len(columns) < FEWEST_ROWS:
        return None
    spread = float(np.mean(columns.var(axis=0, ddof=1)))
    middle = columns.mean(axis=0)
    offset = float(np.mean(np.square(middle))) if columns.shape[1] > 1 else float(np.square(middle[0] - mean))
    # Where the biases are set column by column the loss does not contain the offset.
    if offset <= OFFSET**2 * spread or offset == 0 or loss.value < offset / 2:
        return None
    return (
        offset,
        f"the targets' mean is {middle.mean():.4g}, their standard deviation {math.sqrt(spread):.3g}",
        (f"bias = mean of y = {middle.mean():.4g}"),
        f"{middle.mean():.6g}",
    )


def _head(context: Context) -> Operation:
    """Return the operation with the weight or bias that gives the prediction."""
    loss = context.observation.loss
    operation = context.observation.operations[(loss.output if loss else None) or 0]
    while operation.weight is None and operation.inputs and operation.bias is None:
        operation = context.observation.operations[operation.inputs[0]]
    return operation


def _finding(context: Context, loss: Loss, cost: float, says: str, expected: str, value: str) -> Finding:
    operation = _head(context)
    bias = operation.bias
    unit = "squared error" if loss.kind == "squared-error" else "nats"
    line = (
        f"with torch.no_grad():\n    model.get_parameter({bias!r}).copy_(torch.as_tensor({value}))"
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
