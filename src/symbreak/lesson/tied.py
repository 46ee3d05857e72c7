"""Small networks whose hidden units start as one, and how far apart their units are after each update."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbreak import random
from symbreak.datasets import Dataset
from symbreak.experiments import measures
from symbreak.network import Network, Step, backward, descend, forward
from symbreak.numerics import Activation
from symbreak.numerics.activations import Math

Array = NDArray[np.floating[Any]]

RATE = 1.2
"""The learning rate of the course's assignment on these data."""

AGREE = 2.0**-26
"""Half of float64's digits: rounding over some hundred updates stays far below, another rule or network far above."""

SAME = "constant(0.5)"
"""A start that ties all units away from zero: far from the saddle, and not yet saturated."""


def lesson_net(init: str | tuple[str, ...] = "zeros", *, activation: str = "tanh", seed: int = 0) -> Network:
    """Return the network of the lesson's figure: two inputs, two hidden units, one output.

    >>> lesson_net()
    Network(2-2-1, tanh, cross-entropy)
    """
    return Network.initialize((2, 2, 1), init, seed=seed, activation=activation)


def equal_rows(outgoing: ArrayLike, *, activation: str = "tanh") -> Network:
    """Return the lesson's network with W1 full of 0.5, zero biases, and these outgoing weights, one for each unit."""
    w2 = np.asarray(outgoing, np.float64).reshape(1, -1)
    return Network.from_arrays([np.full((w2.size, 2), 0.5), w2], activation=activation)


def after(
    network: Network, data: Dataset, updates: int, *, rate: float = RATE, arithmetic: str = "unitwise", **how: Any
) -> Step:
    """Return the network after so many updates of gradient descent, or of the optimizer that is named."""
    steps = descend(network, data.X, data.Y, iterations=updates, learning_rate=rate, arithmetic=arithmetic, **how)
    *_, last = steps
    return last


def spread(units: Array) -> float:
    """Return by how much rows differ at most, entry by entry: 0.0 if all are equal to the last bit."""
    return float((units.max(axis=0) - units.min(axis=0)).max())


def largest(array: Array) -> float:
    """Return the largest size of an entry."""
    return float(np.abs(array).max())


def units(step: Step) -> int:
    """Count the hidden units of the first layer that are really different."""
    return int(measures.effective_units(step.network, step.forward, step.gradient)[0, 0])


@dataclass(frozen=True)
class Spreads:
    """By how much the units of the first hidden layer differ at one step; 0.0: equal to the last bit."""

    z: float
    activation: float
    delta: float
    incoming_gradient: float
    outgoing_gradient: float
    incoming: float
    outgoing: float

    @property
    def worst(self) -> float:
        """The largest of them."""
        return max(float(getattr(self, each.name)) for each in fields(self))


def spreads(step: Step) -> Spreads:
    """Measure one step: what the induction's lemmas speak of, and the weights that carry it on."""
    (w1, b1, w2, _), (dw1, db1, dw2, _) = step.network.parameters, step.gradient.parameters
    return Spreads(
        z=spread(step.forward.pre_activations[0]),
        activation=spread(step.forward.activations[1]),
        delta=spread(step.gradient.deltas[0]),
        incoming_gradient=spread(np.hstack([dw1, db1])),
        outgoing_gradient=spread(dw2.T),
        incoming=spread(np.hstack([w1, b1])),
        outgoing=spread(w2.T),
    )


def watched(
    network: Network, data: Dataset, updates: int, *, arithmetic: str = "unitwise", **how: Any
) -> list[Spreads]:
    """Measure the network before the first update, after each, and after the last."""
    options = {"learning_rate": RATE, **how}
    return [spreads(s) for s in descend(network, data.X, data.Y, iterations=updates, arithmetic=arithmetic, **options)]


def with_dropout(network: Network, data: Dataset, updates: int, *, keep: float = 0.5) -> Iterator[Network]:
    """Yield the network after each update of gradient descent with inverted dropout on the hidden layer."""
    shape = (network.sizes[1], data.samples)
    for update in range(updates):
        kept = random.uniform(shape, seed=0, name=f"dropout/{update}") < keep
        thinned = replace(network, activation=_thinned(network.activation, kept / keep))
        passed = forward(thinned, data.X, arithmetic="unitwise")
        gradient = backward(thinned, passed, data.Y, arithmetic="unitwise").parameters
        moved = [p - RATE * g for p, g in zip(network.parameters, gradient, strict=True)]
        network = network.with_parameters(moved)
        yield network


def _thinned(activation: Activation, mask: Array) -> Activation:
    """Return g times a mask: what is dropped neither answers nor learns."""

    def slope(z: Array, _: Array, math: Math) -> Array:
        return np.asarray(mask * activation.derivative(z, math=math))

    return replace(activation, evaluate=lambda z, math: mask * activation.evaluate(z, math), slope=slope)


def participation_ratio(rows: Array) -> float:
    """Return (sum s^2)^2 / sum s^4 of the singular values s: in how many directions rows spread; 0 for zeros."""
    squares = np.linalg.svd(rows, compute_uv=False) ** 2
    total = float((squares**2).sum())
    return float(squares.sum()) ** 2 / total if total > 0 else 0.0
