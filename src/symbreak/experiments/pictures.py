"""The numbers that pictures of one run are drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.datasets import Dataset
from symbreak.experiments.result import Boundary, Detail, Histogram
from symbreak.network import Network, Step, forward

Array = NDArray[np.floating[Any]]

BINS = 40
# Points of the decision picture along each side, and the margin around the data as a share of its extent.
GRID = 61
MARGIN = 0.08


def detail(data: Dataset, first: Step, last: Step, trail: Sequence[tuple[int, Array]], seed: int) -> Detail:
    """Return the pictures' numbers for the first network of a stack."""
    hidden = zip(first.forward.activations[1:-1], last.forward.activations[1:-1], strict=True)
    gradients = zip(first.gradient.weights, last.gradient.weights, strict=True)
    return Detail(
        seed=seed,
        trajectory_iterations=tuple(iteration for iteration, _ in trail),
        trajectory_weights=tuple(_nested(np.where(np.isfinite(w[:, :2]), w[:, :2], 0.0)) for _, w in trail),
        activations=tuple(histogram(layer, a[0], b[0]) for layer, (a, b) in enumerate(hidden, 1)),
        gradients=tuple(histogram(layer, a[0], b[0]) for layer, (a, b) in enumerate(gradients, 1)),
        boundary=_boundary(data, last.network[0]) if data.n_x == 2 else None,
    )


def histogram(layer: int, start: Array, end: Array) -> Histogram:
    """Count one layer's numbers before the first step and after the last, over shared bins."""
    start, end = start[np.isfinite(start)], end[np.isfinite(end)]
    both = np.concatenate([start.ravel(), end.ravel(), [0.0] * (not start.size and not end.size)])
    low, high = float(both.min()), float(both.max())
    # A range too narrow for its own magnitude cannot be divided into bins.
    if not high - low > 1e-9 * max(abs(low), abs(high)):
        low, high = low - max(0.5, abs(low) / 2), high + max(0.5, abs(high) / 2)
    edges = np.linspace(low, high, BINS + 1)
    counts = [tuple(np.histogram(values, edges)[0].tolist()) for values in (start, end)]
    return Histogram(layer, tuple(edges.tolist()), *counts)


def _boundary(data: Dataset, network: Network) -> Boundary:
    low, high = data.X.min(axis=1), data.X.max(axis=1)
    margin = MARGIN * np.maximum(high - low, 1e-9)
    x1, x2 = (np.linspace(low[i] - margin[i], high[i] + margin[i], GRID) for i in (0, 1))
    points = np.stack([axis.ravel() for axis in np.meshgrid(x1, x2)])
    answer = forward(network, points).answer
    values = answer[0] if len(answer) == 1 else answer.argmax(axis=0).astype(np.float64)
    finite = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    return Boundary(tuple(x1.tolist()), tuple(x2.tolist()), _nested(finite.reshape(GRID, GRID)))


def _nested(matrix: Array) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in matrix.tolist())
