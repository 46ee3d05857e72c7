"""The last bias and the targets' base rate: what it costs to ignore it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
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
# Nats per count that only the bias can save: a rate that starts at 1 where about ten are counted costs as much.
COUNTED = 10.0
# Maps or sequences whose shares are compared, and the standard errors of their mean that are left to chance.
FEWEST_MAPS = 4
MAP_DEVIATIONS = 4.0
# From fewer rows a column's spread is not known well enough to set its mean against it.
FEWEST_ROWS = 8


def find(context: Context) -> Iterator[Finding]:
    """Report a base rate or mean that the output does not start with, where the loss says that it does not."""
    missing = missed(context)
    if missing is not None and context.observation.loss is not None:
        yield _finding(context, context.observation.loss, missing)


@dataclass(frozen=True)
class Missed:
    """A base rate or mean that the output does not start with.

    Attributes:
        cost: how much of the loss the bias alone can save.
        best: the loss of a model that knows the base rate or mean and nothing else.
        says: the targets in words.
        expected: the bias that saves it.
        value: the same as code.
    """

    cost: float
    best: float
    says: str
    expected: str
    value: str


def missed(context: Context) -> Missed | None:
    """Return what the output does not start with, or None."""
    loss = context.observation.loss
    if loss is None or loss.targets is None or loss.output is None or not math.isfinite(loss.value):
        return None
    signal = context.observation.operations[loss.output].signal
    look = _LOOKS.get(loss.kind)
    if signal is None or look is None or any(shape_broadcast.find(context)):
        return None
    return look(loss, signal.mean, _units(context))


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


def _binary(loss: Loss, mean: float, units: int | None) -> Missed | None:
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
    best = float(np.mean(_entropy(columns.mean(axis=0))))
    if loss.value - best <= COST or cost <= COST:
        return None
    kept = np.clip(columns.mean(axis=0), 0.5 / len(columns), 1 - 0.5 / len(columns))
    logits = np.log(kept / (1 - kept))
    expected = f"bias = log(p / (1 - p)) = {logits.mean():.3g}" + (" on average" if len(logits) > 1 else "")
    return Missed(cost, best, f"{observed:.3g} of the targets are 1", expected, _code(logits, units))


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


def _classes(loss: Loss, mean: float, units: int | None) -> Missed | None:
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
    return Missed(
        cost,
        entropy,
        f"the classes' shares run from {shares.min():.2g} to {shares.max():.2g}",
        "bias = log(shares)",
        _code(np.log(shares), classes),
    )


def _code(values: Array, units: int | None) -> str:
    """Return one number for each unit of the last bias, or their mean where units and values do not match."""
    if len(values) == 1 or len(values) != units:
        return f"{values.mean():.6g}"
    return f"[{', '.join(f'{value:.6g}' for value in values)}]"


def _numbers(loss: Loss, mean: float, units: int | None) -> Missed | None:
    targets = np.asarray(loss.targets, np.float64)
    columns = _columns(targets, units)
    if targets.size < FEWEST or len(columns) < FEWEST_ROWS:
        return None
    spread = float(np.mean(columns.var(axis=0, ddof=1)))
    middle = columns.mean(axis=0)
    offset = float(np.mean(np.square(middle))) if columns.shape[1] > 1 else float(np.square(middle[0] - mean))
    squared = loss.kind == "squared-error"
    cost = offset if squared else math.sqrt(offset)
    # Where the biases are set column by column the loss does not contain the offset.
    if offset <= OFFSET**2 * spread or offset == 0 or loss.value < cost / 2:
        return None
    level = middle if squared else np.median(columns, axis=0)
    best = spread if squared else float(np.abs(columns - level).mean())
    several = " on average" if len(level) > 1 else ""
    return Missed(
        cost,
        best,
        f"the targets' mean is {middle.mean():.4g}{several}, their standard deviation {math.sqrt(spread):.3g}",
        f"bias = {'mean' if squared else 'median'} of y = {level.mean():.4g}{several}",
        _code(level, units),
    )


def _counts(loss: Loss, mean: float, units: int | None) -> Missed | None:
    columns = _columns(np.asarray(loss.targets, np.float64), units)
    if columns.size < FEWEST or len(columns) < FEWEST_ROWS or columns.mean() <= 0:
        return None
    means = np.maximum(columns.mean(axis=0), 1 / len(columns))
    best = float(np.mean(means - means * np.log(means)))
    cost, log = loss.value - best, math.log(columns.mean())
    # Only what the level of the output misses is the bias's: rates that scatter around the mean cost as well.
    if cost <= COUNTED or abs(mean - log) <= 1:
        return None
    expected = f"bias = log(mean of y) = {log:.3g}"
    return Missed(cost, best, f"the targets' mean is {math.exp(log):.4g}", expected, _code(np.log(means), units))


_LOOKS = {
    "binary-cross-entropy": _binary,
    "cross-entropy": _classes,
    "squared-error": _numbers,
    "absolute-error": _numbers,
    "poisson": _counts,
}
UNITS = {"squared-error": "squared error", "absolute-error": "absolute error"}


def _head(context: Context) -> Operation:
    """Return the operation with the weight or bias that gives the prediction."""
    loss = context.observation.loss
    operation = context.observation.operations[(loss.output if loss else None) or 0]
    while operation.weight is None and operation.inputs and operation.bias is None:
        operation = context.observation.operations[operation.inputs[0]]
    return operation


def place(context: Context) -> Where:
    """Return where the last bias is, or the module that has none."""
    operation = _head(context)
    return Where((operation.bias,) if operation.bias else (), (operation.module,))


def cure(context: Context, missing: Missed) -> str:
    """Return the lines that start the last bias where it should."""
    bias = _head(context).bias
    if not bias:
        return "# give the last layer a bias, and start it there"
    return f"with torch.no_grad():\n    model.get_parameter({bias!r}).copy_(torch.as_tensor({missing.value}))"


def _finding(context: Context, loss: Loss, missing: Missed) -> Finding:
    return Finding(
        rule=RULE.slug,
        severity="warning",
        status="measured",
        where=place(context),
        says=f"{missing.says}, and the output does not start there: {missing.cost:.3g} of the loss "
        f"({UNITS.get(loss.kind, 'nats')}) is the bias's alone",
        measured={"cost": missing.cost, "loss": loss.value},
        expected=missing.expected,
        why="The first steps are spent on moving the output to the base rate, with large gradients that all point the "
        "same way through every layer. One number in the last bias saves them.",
        fix=cure(context, missing),
        synthetic=context.observation.synthetic,
    )


RULE = Rule("output-bias", "the last bias ignores the targets' base rate or mean", "loss", find)
