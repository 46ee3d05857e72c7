"""What is counted at a step of training, of one network or of each network of a stack."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.network import Backward, Forward, Network

Array = NDArray[np.floating[Any]]


def effective_units(network: Network, passed: Forward, gradient: Backward) -> NDArray[np.int64]:
    """Count the units that are really different, (networks, hidden layers).

    Two units are one if their activations on all examples and their deltas on all examples are equal to the last bit,
    up to a common sign where the activation is odd: then every forward and backward pass treats them alike.
    """
    layers = zip(passed.activations[1:-1], gradient.deltas[:-1], strict=True)
    counts = [
        [_distinct_rows(np.hstack(pair), signed=network.activation.odd) for pair in zip(*stacked, strict=True)]
        for stacked in (tuple(_stacked(array) for array in layer) for layer in layers)
    ]
    return np.array(counts, np.int64).reshape(len(counts), _count(passed)).T


def saturated_share(network: Network, passed: Forward) -> Array:
    """Share of (unit, example) pairs in a flat part of a saturating activation, (networks, hidden layers).

    Where the slope is exactly 0, as for ReLU below 0, a unit is not saturated but inactive: see `dead_share`.
    """
    regions = [region for region in network.activation.flat if not region.exact]

    def share(z: Array) -> Array:
        flat = np.zeros(z.shape, bool)
        for region in regions:
            flat |= (z <= region.high) & (z >= region.low)
        return np.asarray(flat.mean(axis=(-1, -2)))

    return _per_layer(share, passed)


def dead_share(network: Network, passed: Forward) -> Array:
    """Share of units whose slope g'(z) is 0 on all examples, (networks, hidden layers): no gradient reaches them."""

    def share(z: Array) -> Array:
        return np.asarray((network.activation.derivative(z) == 0).all(axis=-1).mean(axis=-1))

    return _per_layer(share, passed)


def gradient_norm(gradient: Backward) -> Array:
    """Return the Euclidean norm of the gradient over all parameters, (networks,)."""
    squares = sum((_stacked(array) ** 2).sum(axis=(-1, -2)) for array in gradient.parameters)
    return np.asarray(np.sqrt(squares))


def accuracy(network: Network, passed: Forward, Y: Array, *, regression: bool) -> Array:
    """Return the share of examples whose class is right, or for a regression R^2; (networks,)."""
    answer = _stacked(passed.answer)
    if regression:
        residual = ((answer - Y) ** 2).sum(axis=(-1, -2))
        total = float(((Y - Y.mean(axis=1, keepdims=True)) ** 2).sum())
        return np.asarray(1 - residual / total) if total > 0 else np.full(len(answer), np.nan)
    if len(Y) == 1:
        return np.asarray(((answer > 0.5) == (Y > 0.5)).mean(axis=(-1, -2)))
    return np.asarray((answer.argmax(axis=-2) == Y.argmax(axis=0)).mean(axis=-1))


def base_rate(Y: Array, *, loss: str) -> float:
    """Return the cost of the best model that knows only the targets' frequencies (or mean)."""
    mean = Y.mean(axis=1)
    if loss == "cross-entropy":
        shares = np.array([1 - mean[0], mean[0]]) if len(Y) == 1 else mean
        present = shares[shares > 0]
        return float(-(present * np.log(present)).sum())
    return float(((Y - mean[:, None]) ** 2).sum() / (2 * Y.shape[1]))


def _distinct_rows(rows: Array, *, signed: bool) -> int:
    if signed:
        # The sign of the first entry that is not 0 decides which of two mirrored rows stands for both.
        first = (rows != 0).argmax(axis=1)
        rows = rows * np.where(rows[np.arange(len(rows)), first] < 0, -1.0, 1.0)[:, None]
    # Adding 0 turns -0.0, which equals 0.0 but has other bits, into 0.0.
    return len({row.tobytes() for row in rows + 0.0})


def _per_layer(share: Any, passed: Forward) -> Array:
    hidden = [share(_stacked(z)) for z in passed.pre_activations[:-1]]
    return np.array(hidden, np.float64).reshape(len(hidden), _count(passed)).T


def _count(passed: Forward) -> int:
    return len(_stacked(passed.logits))


def _stacked(array: Array) -> Array:
    return array.reshape(-1, *array.shape[-2:])
