"""Descending: one state after the other, for one network or a stack of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak import random
from symbreak.errors import InvalidInput
from symbreak.network import arithmetic as arithmetics
from symbreak.network import examples, optimizers, propagation
from symbreak.network.arithmetic import Arithmetic
from symbreak.network.network import Network
from symbreak.network.optimizers import Optimizer
from symbreak.network.propagation import Backward, Forward

Array = NDArray[np.floating[Any]]

MAX_COUNT = 10**12
"""The largest count of anything: as many steps, of a microsecond each, take almost two weeks."""


@dataclass(frozen=True, eq=False)
class Step:
    """A network after `iteration` updates, and what the next update is made of.

    `cost`, `forward` and `gradient` are those of the examples of the next update: all of them, or a mini-batch.
    """

    iteration: int
    network: Network
    forward: Forward
    gradient: Backward
    cost: Array


def descend(
    network: Network,
    X: Array,
    Y: Array,
    *,
    iterations: int,
    learning_rate: float,
    optimizer: str | Optimizer = "gd",
    batch_size: int | None = None,
    batch_seed: int = 0,
    arithmetic: str | Arithmetic = "blas",
) -> Iterator[Step]:
    """Yield the network before the first update, after the first, ..., after the last: `iterations` + 1 steps.

    Args:
        network: one network, or a stack.
        X: (n_x, m). Y: (n_y, m).
        iterations: how many updates.
        learning_rate: > 0.
        batch_size: examples for each update; all of them if None. Each epoch runs through all examples once, in an
            order that depends on `batch_seed` and the epoch alone, so networks that are compared see the same batches.
        arithmetic: "blas" or "unitwise".

    Raises:
        InvalidInput: a rate, a count or a batch size that makes no sense; inf or nan in X or Y, and for cross-entropy
            targets outside [0, 1].
        InvalidShape: X and Y that do not fit each other or the network.
    """
    check_rate(learning_rate)
    check_count("iterations", iterations, least=0)
    x, y = fitting(network, X, Y)
    batches = _batches(x, y, batch_size, batch_seed)
    rule, ops = optimizers.get(optimizer), arithmetics.get(arithmetic)
    # NumPy's own numbers would widen float32.
    return _steps(network, batches, iterations, float(learning_rate), rule, ops)


def _steps(
    network: Network,
    batches: Iterator[tuple[Array, Array]],
    iterations: int,
    rate: float,
    optimizer: Optimizer,
    ops: Arithmetic,
) -> Iterator[Step]:
    state = optimizer.start(network.parameters)
    for iteration in range(iterations + 1):
        x, y = next(batches)
        # A cost that overflows is reported as such by whoever reads it; it is no accident of the arithmetic.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            passed = propagation.forward(network, x, arithmetic=ops)
            gradient = propagation.backward(network, passed, y, arithmetic=ops)
            value = propagation.cost(network, passed, y, arithmetic=ops)
        yield Step(iteration, network, passed, gradient, value)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            parameters, state = optimizer.update(network.parameters, gradient.parameters, state, rate)
        network = network.with_parameters(parameters)


def _batches(x: Array, y: Array, size: int | None, seed: int) -> Iterator[tuple[Array, Array]]:
    m = x.shape[-1]
    if size is not None:
        check_count("the batch size", size, least=1, most=m)
    if size is None or size == m:
        while True:
            yield x, y
    epoch = 0
    while True:
        order = epoch_order(m, seed, epoch)
        for start in range(0, m, size):
            chosen = order[start : start + size]
            yield np.ascontiguousarray(x[..., chosen]), np.ascontiguousarray(y[..., chosen])
        epoch += 1


def epoch_order(m: int, seed: int, epoch: int) -> NDArray[np.intp]:
    """Return the order in which an epoch's mini-batches run through m examples."""
    return np.argsort(random.bits(m, seed=seed, name=f"batches/epoch {epoch}"), kind="stable")


def check_rate(learning_rate: float) -> None:
    """Refuse a learning rate that is not a finite number above 0."""
    number = isinstance(learning_rate, (int, float, np.floating)) and not isinstance(learning_rate, bool)
    if not number or not math.isfinite(learning_rate) or learning_rate <= 0:
        raise InvalidInput(
            "the learning rate must be above 0", got=learning_rate, allowed="a finite number > 0", hint="1.2, or 0.01"
        )


def check_count(what: str, value: int, *, least: int, most: int = MAX_COUNT) -> None:
    """Refuse what is no whole number in [least, most]."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if whole and least <= value <= most:
        return
    bounds = f"a whole number from {least:,} to {most:,}"
    raise InvalidInput(f"{what} must be {bounds}", got=value, allowed=bounds, hint=str(max(least, 1)))


def fitting(network: Network, X: Array, Y: Array) -> tuple[Array, Array]:
    """Return X and Y as the network takes them. What training makes of them may overflow; they may not."""
    first = network.weights[0]
    x = examples.inputs(X, network.sizes[0], first.dtype)
    y = examples.targets(Y, (*first.shape[:-2], network.sizes[-1], x.shape[-1]), first.dtype)
    examples.check_finite(x, "X")
    examples.check_finite(y, "Y")
    if network.loss.probabilities:
        examples.check_probabilities(y, "Y", hint='0 and 1, or the loss "squared-error"')
    return x, y
