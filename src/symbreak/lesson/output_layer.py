"""R55 and R56: the output's sigmoid, and what becomes of learning when it is saturated."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak import initializers
from symbreak.datasets import Dataset, load
from symbreak.lesson import measuring, scales
from symbreak.lesson.claim import Case, Claim, Evidence
from symbreak.lesson.figures import Chart, Figure, Frame, Series
from symbreak.lesson.measuring import Course
from symbreak.lesson.scales import LARGE
from symbreak.network import Network, forward, losses
from symbreak.numerics.activations import FLAT_SLOPE, LIBRARY

Array = NDArray[np.floating[Any]]

EPSILON = float(np.finfo(np.float64).eps)
LOSSES = {"cross_entropy": "cross-entropy", "squared_error": "squared-error(sigmoid)"}
UPDATES = 500
# A start that learns halves its cost in these updates; W2 = randn does under either loss.
LEARNED = 0.5


def output_formula() -> Evidence:
    """R55."""
    cases = []
    measured: dict[str, float] = {}
    tried: tuple[tuple[str, Dataset, tuple[int, ...]], ...] = (
        ("one_hidden_layer", load("planar"), (4,)),
        ("three_hidden_layers", load("planar"), (8, 6, 5)),
        ("thirty_inputs", measuring.data("breast-cancer"), (5,)),
    )
    for name, data, hidden in tried:
        network = Network.initialize((data.n_x, *hidden, 1), "xavier", seed=0, bias_init="normal(0.5)")
        gap, allowed = _gap(network, data.X)
        cases.append(Case(f"the network has {name.replace('_', ' ')}", gap <= allowed))
        measured |= {f"largest_gap_{name}": gap, f"gap_allowed_{name}": allowed}
    return Evidence(
        tuple(cases),
        measured,
        "The answer of three networks was compared with sigma(W a + b) added up by hand, number by number, from the"
        f" activations of the layer before. The largest difference was"
        f" {max(measured[f'largest_gap_{name}'] for name, _, _ in tried):.1g}, which is rounding. The same line holds"
        " whatever the depth: only the last layer has the sigmoid.",
    )


def _gap(network: Network, X: Array) -> tuple[float, float]:
    """Return how far the answers are from a sum by hand, and what rounding allows: the sigmoid's slope is <= 1/4."""
    passed = forward(network, X)
    w, b, a = network.weights[-1][0], float(network.biases[-1][0, 0]), passed.activations[-2]
    by_hand = np.array([1 / (1 + math.exp(-math.fsum([*(w * column), b]))) for column in a.T])
    sizes = (np.abs(w) @ np.abs(a) + abs(b)).max()
    return float(np.abs(passed.answer[0] - by_hand).max()), float((len(w) + 1) * EPSILON * sizes / 4 + 4 * EPSILON)


@functools.cache
def _course(loss: str, scale: float) -> Course:
    """Train with W1 = randn, so that hidden units are alive, and W2 = randn * scale."""
    data = load("planar")
    rules = [initializers.normal(1.0), initializers.normal(scale)]
    starts = [
        Network.initialize((2, scales.HIDDEN, 1), rules, seed=seed, loss=LOSSES[loss]) for seed in range(scales.SEEDS)
    ]
    return scales.train(starts, data, iterations=UPDATES)


def _signal(course: Course) -> float:
    """Return the median over the starts of the mean |dZ2| before the first update."""
    return float(np.median(np.abs(course.first.gradient.deltas[1]).mean(axis=(1, 2))))


def saturated_output() -> Evidence:
    """R56."""
    measured: dict[str, float] = {"updates": UPDATES}
    stuck = {}
    for loss in LOSSES:
        usual, large = _course(loss, 1.0), _course(loss, LARGE)
        fallen = float(np.median(1 - large.costs[-1] / large.costs[0]))
        measured |= {
            f"dz2_{loss}_at_1": _signal(usual),
            f"dz2_{loss}_at_100": _signal(large),
            f"first_cost_{loss}_at_100": float(np.median(large.costs[0])),
            f"final_cost_{loss}_at_100": large.final_cost,
            f"final_cost_{loss}_at_1": usual.final_cost,
            f"share_of_cost_removed_{loss}_at_100": fallen,
        }
        stuck[loss] = _signal(large) < FLAT_SLOPE * _signal(usual) and fallen < LEARNED
    large = _course("cross_entropy", LARGE)
    measured["saturated_answers_at_100"] = _saturated(large)
    measured["printed_cost_is_a_number_at_100"] = _printed_cost_is_finite(large)
    finite = "stays a number" if measured["printed_cost_is_a_number_at_100"] else "is inf or nan"
    return Evidence(
        (
            Case("the loss is the squared error", stuck["squared_error"]),
            Case("the loss is cross-entropy, as in this course", stuck["cross_entropy"]),
        ),
        measured,
        f"With W2 a hundred times randn, {measured['saturated_answers_at_100']:.0%} of the answers are saturated at the"
        f" start. Under cross-entropy dZ2 = A2 - Y, so a wrong and certain answer has |dZ2| near 1: the mean is"
        f" {measured['dz2_cross_entropy_at_100']:.2g}, and the cost falls from"
        f" {measured['first_cost_cross_entropy_at_100']:.3g} to {measured['final_cost_cross_entropy_at_100']:.3g} in"
        f" {UPDATES} updates. Under squared error dZ2 carries sigma'(Z2) as a factor: the mean is"
        f" {measured['dz2_squared_error_at_100']:.1g} instead of {measured['dz2_squared_error_at_1']:.2g}, and the cost"
        f" only falls from {measured['first_cost_squared_error_at_100']:.3f} to"
        f" {measured['final_cost_squared_error_at_100']:.3f}. Under cross-entropy the harm is a huge"
        f" cost, which by the printed formula {finite} and has to be computed from the logits; and"
        f" {measured['final_cost_cross_entropy_at_100']:.2f} is still worse than the"
        f" {measured['final_cost_cross_entropy_at_1']:.2f} reached from W2 = randn.",
        _loss_figure(),
    )


def _saturated(course: Course) -> float:
    answers = course.first.forward.answer
    return float((answers * (1 - answers) < FLAT_SLOPE / 4).mean())


def _printed_cost_is_finite(course: Course) -> bool:
    """Whether -(1/m) sum(Y log A2 + (1 - Y) log(1 - A2)), as printed, is a number for every start."""
    answers, y = course.first.forward.answer, course.data.Y
    with np.errstate(divide="ignore", invalid="ignore"):
        cost = -(y * np.log(answers) + (1 - y) * np.log(1 - answers)).mean(axis=(1, 2))
    return bool(np.isfinite(cost).all())


def _loss_figure() -> Figure:
    frames = tuple(Frame(text, (_signal_chart(name), _cost_chart(name))) for name, text in LOSSES.items())
    return Figure(
        "A saturated output under two losses",
        "Two charts. On the left dZ2 over Z2 for examples of class 1, with dots where a network with large W2 stands:"
        " under cross-entropy the dots on the wrong side lie at -1, under squared error all lie at 0. On the right the"
        " cost over the updates from a usual and from a large W2: under cross-entropy the large one falls steeply from"
        " far above, under squared error it falls slowly or not at all.",
        frames,
        control="loss",
    )


def _signal_chart(name: str) -> Chart:
    loss = losses.get(LOSSES[name])
    course = _course(name, LARGE)
    z = course.first.forward.logits[0][:, course.data.Y[0] == 1][:, :: len(course.data.Y[0]) // (2 * scales.DOTS)]
    reach = float(np.abs(z).max())
    grid = np.sinh(np.linspace(-np.arcsinh(reach), np.arcsinh(reach), scales.CURVE_POINTS))[None]
    curve = Series("dZ2 where Y = 1", grid[0], loss.gradient(grid, np.ones_like(grid), LIBRARY)[0])
    dots = Series("examples at the start", z[0], loss.gradient(z, np.ones_like(z), LIBRARY)[0], "dots")
    return Chart("the signal that the output sends back", "Z2", "dZ2", (curve, dots), "symlog")


def _cost_chart(name: str) -> Chart:
    shown = np.unique(np.rint(np.geomspace(1, UPDATES + 1, scales.CURVE_POINTS)).astype(int)) - 1
    curves = [
        Series(f"W2 = randn * {scales.label(scale)}", shown, np.median(_course(name, scale).costs, axis=1)[shown])
        for scale in (1.0, LARGE)
    ]
    return Chart("the cost", "updates", "cost", tuple(curves), "linear", "log")


CLAIMS: tuple[Claim, ...] = (
    Claim("R55", "small", "The answer is sigma(W a + b) with the last layer's weights and bias.", output_formula),
    Claim(
        "R56",
        "small",
        "Large output weights saturate the answer at once, so nothing is learned.",
        saturated_output,
    ),
)
