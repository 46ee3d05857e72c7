"""Starts at many scales, trained side by side, and what the claims about scales, curves and biases share."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak import initializers
from symbreak.datasets import Dataset, load
from symbreak.experiments import measures
from symbreak.lesson import measuring
from symbreak.lesson.figures import Chart, Scale, Series
from symbreak.lesson.measuring import Course
from symbreak.network import Network
from symbreak.numerics import activations

Array = NDArray[np.floating[Any]]

# The decades on both sides of the lesson's 0.01 and of the 100 and 1000 that it asks about.
SCALES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1000.0)
SMALL, LARGE = 0.01, 100.0
# A median over five starts is not moved by one lucky or unlucky draw, nor by two.
SEEDS = 5
# The course's learning rate and hidden units; 1000 steps are six times what its own start, 0.01, needs on the flower.
RATE, HIDDEN, ITERATIONS = 1.2, 4, 1000
ACTIVATIONS = ("tanh", "sigmoid", "relu")
# The lesson's example of random weights: two units, two inputs.
EXAMPLE_W1 = np.array([[0.0053, -0.0023], [0.0097, 0.0041]])
# A statistic strays this many standard errors from its law once in two million draws.
STANDARD_ERRORS = 5.0
# What a curve or a cloud is drawn with: enough to see its shape.
CURVE_POINTS, DOTS = 161, 40


def train(networks: Sequence[Network], data: Dataset, *, iterations: int = ITERATIONS) -> Course:
    """Descend from all starts at once, in the arithmetic whose bits are the same on every machine."""
    return measuring.train(networks, data, iterations=iterations, rate=RATE, arithmetic="unitwise")


def iterations_to_target(course: Course) -> Array:
    """Updates until the cost is half of what knowing the classes' frequencies alone costs; inf if it stays above."""
    below = course.costs <= course.base_rate / 2
    return np.where(below.any(axis=0), below.argmax(axis=0), np.inf)


def saturated(course: Course) -> Array:
    """Share of (unit, example) pairs in a flat part of the activation at the start, (networks,)."""
    return np.asarray(measures.saturated_share(course.first.network, course.first.forward)[:, 0])


def pre_activation(course: Course) -> Array:
    """Mean |Z1| at the start, (networks,)."""
    return np.asarray(np.abs(course.first.forward.pre_activations[0]).mean(axis=(1, 2)))


def gradient(course: Course, layer: int) -> Array:
    """Euclidean norm of dW of a layer at the start, (networks,)."""
    return np.asarray(np.linalg.norm(course.first.gradient.weights[layer - 1], axis=(1, 2)))


def relative_gradient(course: Course, layer: int) -> Array:
    """The norm of dW as a share of that of W: how far a step turns the layer, (networks,)."""
    return np.asarray(gradient(course, layer) / np.linalg.norm(course.first.network.weights[layer - 1], axis=(1, 2)))


@dataclass(frozen=True, eq=False)
class Sweep:
    """Descents from several scales, `SEEDS` starts each."""

    scales: tuple[float, ...]
    course: Course

    def median(self, values: Array) -> dict[float, float]:
        """Return the median over the starts of a scale, by scale."""
        medians = np.median(np.asarray(values, np.float64).reshape(len(self.scales), -1), axis=1)
        return dict(zip(self.scales, medians.tolist(), strict=True))


@functools.cache
def sweep(
    data: str,
    *,
    scales: tuple[float, ...] = SCALES,
    activation: str = "tanh",
    loss: str = "cross-entropy",
    first_only: bool = False,
    iterations: int = ITERATIONS,
) -> Sweep:
    """Train from N(0, scale^2) at each scale; with `first_only` W2 stays at the lesson's 0.01."""
    problem = load(data)
    starts = [
        Network.initialize(
            (problem.n_x, HIDDEN, 1),
            [initializers.normal(scale), initializers.normal(SMALL if first_only else scale)],
            seed=seed,
            activation=activation,
            loss=loss,
        )
        for scale in scales
        for seed in range(SEEDS)
    ]
    return Sweep(scales, train(starts, problem, iterations=iterations))


def label(scale: float) -> str:
    """Return a scale as it is written: 0.0001, 0.0316, 1000.

    >>> label(1000.0), label(10**-1.5)
    ('1000', '0.0316')
    """
    return f"{float(f'{scale:.3g}'):g}"


def at(name: str, scale: float) -> str:
    """Return the name of a number measured at a scale.

    >>> at("final_cost", 0.01)
    'final_cost_at_0_01'
    """
    return f"{name}_at_{label(scale).replace('.', '_')}"


def times(iterations: float) -> str:
    """Say how many updates a target took, inf being more than were tried."""
    return f"{iterations:.0f} updates" if np.isfinite(iterations) else f"more than {ITERATIONS} updates"


def distinct_rows(matrix: Array) -> int:
    """Count the rows that differ; one that equals another in every entry counts once."""
    return len(np.unique(matrix, axis=0))


def over_scales(title: str, y_label: str, sweep: Sweep, curves: dict[str, Array], y_scale: Scale = "linear") -> Chart:
    """Return medians over the factor; what is infinite, or 0 on a logarithmic axis, has no place and is left out."""
    factors = np.array(sweep.scales)
    series = []
    for name, values in curves.items():
        medians = np.array(list(sweep.median(values).values()))
        shown = np.isfinite(medians) & ((medians > 0) | (y_scale == "linear"))
        series.append(Series(name, factors[shown], medians[shown]))
    return Chart(title, "factor", y_label, tuple(series), "log", y_scale, (("x", SMALL, label(SMALL)),))


def cost_saturation_and_updates(sweep: Sweep) -> tuple[Chart, Chart, Chart]:
    """Return what a factor decides: the cost before and after, the share of saturated units, updates to the target."""
    course = sweep.course
    costs = {"at the start": course.costs[0], "at the end": course.costs[-1]}
    return (
        over_scales("cost", "cost", sweep, costs, "log"),
        over_scales("saturated at the start", "share", sweep, {"units and examples": saturated(course)}),
        over_scales("updates to the target", "updates", sweep, {"median": iterations_to_target(course)}),
    )


def response_chart(title: str, activation: str, z: Array, *, reach: float, scale: Scale = "linear") -> Chart:
    """Return the activation's curve over [-reach, reach] with units' pre-activations z (n, m) as dots on it."""
    g = activations.get(activation)
    grid = np.linspace(-reach, reach, CURVE_POINTS)
    if scale == "symlog":
        grid = np.sinh(np.linspace(-np.arcsinh(reach), np.arcsinh(reach), CURVE_POINTS))
    shown = z[:, :: max(1, z.shape[1] // DOTS)]
    dots = tuple(Series(f"unit {unit}", row, g(row), "dots") for unit, row in enumerate(shown, 1))
    curve = Series(activation, grid, g(grid))
    return Chart(title, "z", "g(z)", (curve, *dots), scale)


@contextmanager
def numpy_seeded(seed: int) -> Iterator[None]:
    """Run the lesson's own np.random calls from a seed, and leave NumPy's global generator as it was."""
    before = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(before)
