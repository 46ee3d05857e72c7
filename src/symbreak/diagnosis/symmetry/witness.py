"""Counterexamples: data on which two units provably answer differently, now or after k updates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.diagnosis.symmetry import formulas
from symbreak.diagnosis.symmetry.formulas import Numbers, each
from symbreak.diagnosis.symmetry.intervals import Interval
from symbreak.diagnosis.symmetry.rules import Range
from symbreak.network import Network, optimizers
from symbreak.network.optimizers import Optimizer

Array = NDArray[np.floating[Any]]

# Proved bounds cost some microseconds for each product. Above this many, over all updates, none are computed; the
# relation is then "measured" in float64.
INTERVAL_WORK = 40_000
# Data sets that are tried before the question is left undecided: so wide is the spread of their inputs.
NARROW = Decimal("1e-12")
WIDTHS = (4.0, 4.0, 0.5, 16.0, 0.0625, 64.0)


@dataclass(frozen=True)
class Entry:
    """One entry of the gradient, as both units have it in the last update before they part."""

    name: str
    first: float
    second: float

    def __str__(self) -> str:
        return f"{self.name}: {self.first:.6g} against {self.second:.6g}"


@dataclass(frozen=True)
class Witness:
    """Data that tell two units apart.

    Attributes:
        step: after how many updates.
        x, y: the examples of every update, (n_x, m) and (n_y, m), as nested tuples.
        learning_rate: of every update.
        example: the column of x on which they answer differently.
        answers: what the two units answer there; rounded for reading, apart by more than the bounds.
        proved: the answers were bounded in interval arithmetic; else they were computed in float64.
        entries: gradient entries of the last update that differ; empty at step 0.
    """

    step: int
    x: tuple[tuple[float, ...], ...]
    y: tuple[tuple[float, ...], ...]
    learning_rate: float
    example: int
    answers: tuple[float, float]
    proved: bool
    entries: tuple[Entry, ...] = ()


def find(
    network: Network, optimizer: Optimizer, bounds: Range, *, layer: int, units: tuple[int, int], step: int
) -> Witness | None:
    """Return data on which the two units of a hidden layer differ after `step` updates, or None if none was found."""
    functions = formulas.of(network.activation)
    work = sum(w.size for w in network.weights) * (6 * step + 1)
    proved = functions is not None and work <= INTERVAL_WORK and network.loss in _losses()
    for trial in range(len(WIDTHS)):
        x, y, rate = _data(network, bounds, trial)
        run = _Intervals(network, optimizer) if proved else _Floats(network, optimizer)
        found = _compare(run, x, y, rate, layer, units, step)
        if found is not None:
            return found
    return None


def _losses() -> tuple[Any, ...]:
    from symbreak.network.losses import CATALOGUE

    return tuple(CATALOGUE.values())


def _data(network: Network, bounds: Range, trial: int) -> tuple[Array, Array, float]:
    """Return one example, then two, ...: inputs spread evenly over a width, and targets that the loss allows."""
    m, n_x, n_y = 1 + trial, network.sizes[0], network.sizes[-1]
    spread = np.modf(np.arange(1, n_x * m + 1) * 0.6180339887498949 + 0.3 * trial)[0].reshape(m, n_x).T
    low, high = bounds
    width = WIDTHS[trial] if low is None or high is None else min(WIDTHS[trial], high - low)
    start = low if low is not None else (high - width if high is not None else -width / 2)
    x = np.clip(start + np.round(spread * 64) / 64 * width, low, high)
    if network.loss.text == "cross-entropy":
        y = (np.arange(n_y)[:, None] == np.arange(m) % max(n_y, 2)).astype(float)
    else:
        y = 0.25 + 0.5 * ((np.arange(n_y)[:, None] + np.arange(m)) % 2)
    return x, y, 0.25


class _Intervals:
    """Training in proved bounds."""

    proved = True

    def __init__(self, network: Network, optimizer: Optimizer) -> None:
        functions = formulas.of(network.activation)
        assert functions is not None
        self.g, self.slope = functions
        self.loss, self.optimizer = network.loss.text, optimizer
        self.parameters: list[Any] = [each(Interval.of, np.asarray(p, object)) for p in network.parameters]
        self.state = optimizer.start(self.parameters)

    def forward(self, x: Array, layers: int) -> tuple[list[Numbers], list[Numbers]]:
        z_all, a_all = [], [each(Interval.of, np.asarray(x, object))]
        for w, b in list(zip(self.parameters[::2], self.parameters[1::2], strict=True))[:layers]:
            z_all.append(np.asarray(w.dot(a_all[-1]) + b))
            a_all.append(each(self.g, z_all[-1]))
        return z_all, a_all

    def gradient(self, x: Array, y: Array) -> list[Numbers]:
        layers = len(self.parameters) // 2
        z_all, a_all = self.forward(x, layers)
        delta = formulas.loss_gradient(self.loss, z_all[-1], each(Interval.of, np.asarray(y, object)))
        gradient: list[Numbers] = []
        for layer in reversed(range(layers)):
            gradient += [delta.sum(1, keepdims=True) / x.shape[1], delta.dot(a_all[layer].T) / x.shape[1]]
            if layer:
                delta = self.parameters[2 * layer].T.dot(delta) * each(self.slope, z_all[layer - 1])
        return gradient[::-1]

    def update(self, gradient: list[Any], rate: float) -> None:
        self.parameters, self.state = self.optimizer.update(self.parameters, gradient, self.state, rate)

    def differ(self, one: Any, other: Any) -> bool:
        return bool(one.is_sure() and other.is_sure() and one.apart(other) and _narrow(one) and _narrow(other))

    def number(self, value: Any) -> float:
        return float(value.low / 2 + value.high / 2)


def _narrow(value: Interval) -> bool:
    """Whether any number of the interval may be printed for it: at a kink, bounds can be sure and yet wide."""
    return value.high - value.low <= NARROW * max(abs(value.low), abs(value.high))


class _Floats:
    """Training in float64, for networks that are too large for bounds, or whose functions have none."""

    proved = False
    # Far above the rounding of a few updates.
    GAP = 2.0**-26

    def __init__(self, network: Network, optimizer: Optimizer) -> None:
        self.network = network.with_parameters([p.astype(np.float64) for p in network.parameters])
        self.optimizer, self.state = optimizer, optimizer.start(self.network.parameters)

    def forward(self, x: Array, layers: int) -> tuple[Any, Any]:
        from symbreak.network import forward

        passed = forward(self.network, x)
        return passed.pre_activations, passed.activations

    def gradient(self, x: Array, y: Array) -> list[Any]:
        from symbreak.network import backward, forward

        return list(backward(self.network, forward(self.network, x), y).parameters)

    def update(self, gradient: list[Any], rate: float) -> None:
        new, self.state = self.optimizer.update(self.network.parameters, gradient, self.state, rate)
        self.network = self.network.with_parameters(new)

    def differ(self, one: float, other: float) -> bool:
        return bool(abs(one - other) > self.GAP * max(abs(one), abs(other)))

    def number(self, value: float) -> float:
        return float(value)


def _compare(
    run: _Intervals | _Floats, x: Array, y: Array, rate: float, layer: int, units: tuple[int, int], step: int
) -> Witness | None:
    gradient: list[Any] = []
    for _ in range(step):
        gradient = run.gradient(x, y)
        run.update(gradient, rate)
    first, second = units
    answers = run.forward(x, layer)[1][layer]
    for example in range(x.shape[1]):
        one, other = answers[first, example], answers[second, example]
        if run.differ(one, other):
            pair = run.number(one), run.number(other)
            entries = tuple(_entries(run, gradient, layer, first, second)) if step else ()
            return Witness(step, _nested(x), _nested(y), rate, example, pair, run.proved, entries)
    return None


def _entries(run: _Intervals | _Floats, gradient: list[Any], layer: int, i: int, j: int) -> Iterator[Entry]:
    """Yield the incoming gradient entries in which the units differ; a tie that broke upstream shows none."""
    for name, array in ((f"dW{layer}", gradient[2 * layer - 2]), (f"db{layer}", gradient[2 * layer - 1])):
        for column in range(array.shape[1]):
            if run.differ(array[i, column], array[j, column]):
                numbers = run.number(array[i, column]), run.number(array[j, column])
                yield Entry(f"{name}[{i}, {column}] and {name}[{j}, {column}]", *numbers)


def _nested(array: Array) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in array.tolist())


def replayed(
    network: Network, optimizer: str | Optimizer, witness: Witness, layer: int, units: tuple[int, int]
) -> bool:
    """Whether the witness's data do tell the units apart, computed anew."""
    x, y = np.array(witness.x), np.array(witness.y)
    rule = optimizers.get(optimizer)
    run = _Intervals(network, rule) if witness.proved else _Floats(network, rule)
    return _compare(run, x, y, witness.learning_rate, layer, units, witness.step) is not None
