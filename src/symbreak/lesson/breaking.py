"""R34 to R39: random rows differ, and so do activations, gradients and the ways that units take."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak import initializers
from symbreak.datasets import load
from symbreak.experiments import measures
from symbreak.lesson import figures, scales
from symbreak.lesson.claim import Case, Claim, Evidence
from symbreak.lesson.figures import Chart, Figure, Frame, Matrix, Series, Steps, still
from symbreak.network import Network, Step, backward, descend, forward, stack

Array = NDArray[np.floating[Any]]

# As many updates as take the flower well off the plateau that a start near zero begins on.
UPDATES = 100
# So many starts: one coincidence in a hundred draws would most likely be among them.
DRAWS = 100
# Three starts of different scale, and the updates that are followed.
TRAIL_SCALES, TRAIL_UPDATES, TRAIL_EVERY = (1e-4, 1e-2, 1.0), 600, 5


def causal_chain() -> Evidence:
    """R34."""
    data = load("planar")
    chains = {activation: _links(activation, data.X, data.Y) for activation in scales.ACTIVATIONS}
    measured: dict[str, int] = {}
    for activation, steps in chains.items():
        measured[f"links_that_hold_{activation}"] = sum(step.holds for step in steps)
    links = len(chains["tanh"])
    return Evidence(
        tuple(
            Case(f"the hidden units use {activation}", all(s.holds for s in steps))
            for activation, steps in chains.items()
        ),
        measured | {"links": links, "updates": UPDATES},
        "Each link was measured by itself, on the lesson's network of two hidden units and the flower data: the rows of"
        f" W1 differ, hence the activations, hence the gradients, and after {UPDATES} updates the units still differ."
        f" Of {links} links {measured['links_that_hold_tanh']} hold with tanh,"
        f" {measured['links_that_hold_sigmoid']} with sigmoid and {measured['links_that_hold_relu']} with ReLU. What"
        " counts is that the values differ; chance is merely the cheapest way to make them so.",
        Figure(
            "From random weights to broken symmetry, link by link",
            "Four statements one under the other, each ticked, with the measured difference between the two units.",
            tuple(Frame(name, (Steps("measured on the flower", steps),)) for name, steps in chains.items()),
            control="activation",
        ),
    )


def _links(activation: str, X: Array, Y: Array) -> tuple[figures.Step, ...]:
    start = Network.initialize((2, 2, 1), "normal(0.01)", seed=0, activation=activation)
    for step in descend(start, X, Y, iterations=UPDATES, learning_rate=scales.RATE, arithmetic="unitwise"):
        if step.iteration == 0:
            found = (
                ("the weights are random, so the two rows of W1 differ", start.weights[0]),
                ("so the two units compute different activations", step.forward.activations[1]),
                ("so their gradients differ", step.gradient.weights[0]),
            )
    units = int(measures.effective_units(step.network, step.forward, step.gradient).min())
    links = [
        figures.Step(says, bool((rows[0] != rows[1]).any()), f"up to {np.abs(rows[0] - rows[1]).max():.2g} apart")
        for says, rows in found
    ]
    last = figures.Step(
        "so they stay different: the symmetry is broken", units == 2, f"{units} units after {UPDATES} updates"
    )
    return (*links, last)


def example_weights() -> Evidence:
    """R35."""
    data = load("planar")
    w2 = initializers.normal(0.01)((1, 2), seed=0, name="W2", dtype=np.float64)
    network = Network.from_arrays([scales.EXAMPLE_W1, w2], activation="tanh")
    units = scales.distinct_rows(forward(network, data.X).activations[1])
    largest = float(np.abs(scales.EXAMPLE_W1).max() / 0.01)
    return Evidence(
        (
            Case(
                "it is loaded as W1 of the lesson's network",
                bool(np.array_equal(network.weights[0], scales.EXAMPLE_W1)),
            ),
            Case("it makes two different units", units == 2),
            Case("it is to look like randn * 0.01", largest < scales.STANDARD_ERRORS),
        ),
        {"units_with_different_activations": units, "factor": 0.01, "largest_entry_over_factor": largest},
        f"The example's four numbers load as W1, and on the flower data the network has {units} different units. The"
        f" largest of them is {largest:.2g} times 0.01, as unremarkable as a standard normal draw should be. The lesson"
        " gives no W2 with it, so one was drawn from N(0, 0.01^2).",
        still(
            "The lesson's example of random weights",
            "A matrix of two rows, one for each hidden unit; the rows differ.",
            Matrix("W1", scales.EXAMPLE_W1, ("unit 1", "unit 2"), ("x1", "x2")),
        ),
    )


def rows_differ() -> Evidence:
    """R36."""
    cases = [Case("W1 is the lesson's example", scales.distinct_rows(scales.EXAMPLE_W1) == len(scales.EXAMPLE_W1))]
    coincidences = 0
    for inputs, units, draws in ((2, 2, DRAWS), (3, 4, DRAWS), (2, 1000, 1)):
        starts = [Network.initialize((inputs, units, 1), "normal(0.01)", seed=seed) for seed in range(draws)]
        alike = sum(scales.distinct_rows(start.weights[0]) < units for start in starts)
        cases.append(Case(f"{units} units with {inputs} inputs are drawn", not alike))
        coincidences += alike
    mirrored = Network.from_arrays([[scales.EXAMPLE_W1[0], -scales.EXAMPLE_W1[0]], [[0.01, -0.01]]], activation="tanh")
    parallel = Network.from_arrays(
        [[scales.EXAMPLE_W1[0], 2 * scales.EXAMPLE_W1[0]], [[0.01, 0.01]]], activation="relu"
    )
    data = load("planar")
    passed = forward(mirrored, data.X, arithmetic="unitwise")
    gradient = backward(mirrored, passed, data.Y, arithmetic="unitwise")
    units = int(measures.effective_units(mirrored, passed, gradient).min())
    rank = int(np.linalg.matrix_rank(forward(parallel, data.X).activations[1]))
    return Evidence(
        tuple(cases),
        {
            "starts_drawn": 2 * DRAWS + 1,
            "starts_with_equal_rows": coincidences,
            "rows_of_mirrored_pair": scales.distinct_rows(mirrored.weights[0]),
            "effective_units_of_mirrored_pair": units,
            "rank_of_parallel_relu_pair": rank,
        },
        f"In {2 * DRAWS + 1} random starts, one of them with a thousand units, {coincidences} had two equal rows. But"
        f" unequal rows are not enough to make units different: two tanh units with weights (w, v) and (-w, -v) have"
        f" {scales.distinct_rows(mirrored.weights[0])} rows and count as {units}, and the activations of two ReLU units"
        f" with weights w and 2w span {rank} dimension. Random draws avoid these coincidences too; see R34.",
    )


@functools.cache
def _starts(activation: str) -> Step:
    """Return `DRAWS` networks of four units before their first step on the flower data."""
    data = load("planar")
    networks = stack(
        [Network.initialize((2, 4, 1), "normal(0.01)", seed=seed, activation=activation) for seed in range(DRAWS)]
    )
    return next(iter(descend(networks, data.X, data.Y, iterations=0, learning_rate=scales.RATE)))


def _all_rows_differ(stacked: Array) -> int:
    return sum(scales.distinct_rows(rows) == len(rows) for rows in stacked)


def activations_differ() -> Evidence:
    """R37."""
    cases: list[Case] = []
    measured: dict[str, float] = {}
    for activation in scales.ACTIVATIONS:
        step = _starts(activation)
        hidden = step.forward.activations[1]
        different = _all_rows_differ(hidden)
        cases.append(Case(f"the hidden units use {activation}", different == DRAWS))
        measured[f"starts_with_different_activations_{activation}"] = different
        measured[f"share_of_examples_that_tell_two_units_apart_{activation}"] = float(
            (hidden[:, 0] != hidden[:, 1]).mean()
        )
    apart = "share_of_examples_that_tell_two_units_apart"
    return Evidence(
        tuple(cases),
        {"starts": DRAWS, **measured},
        f"Among {DRAWS} random starts of four units, those in which all four units had different activations on the"
        f" flower data were {measured['starts_with_different_activations_tanh']} with tanh,"
        f" {measured['starts_with_different_activations_sigmoid']} with sigmoid and"
        f" {measured['starts_with_different_activations_relu']} with ReLU. Two units need not differ on each example:"
        f" with tanh {measured[apart + '_tanh']:.0%} of the examples tell the first two apart, with ReLU"
        f" {measured[apart + '_relu']:.0%}, for on the others both are 0.",
    )


def gradients_differ() -> Evidence:
    """R38."""
    cases, measured = [], {}
    for activation in scales.ACTIVATIONS:
        step = _starts(activation)
        different = _all_rows_differ(step.gradient.weights[0])
        cases.append(Case(f"the hidden units use {activation}", different == DRAWS))
        measured[f"starts_with_different_gradients_{activation}"] = different
    rows = _rows_with_zero_output()
    return Evidence(
        tuple(cases),
        {"starts": DRAWS, **measured, "rows_with_zero_w2": rows[0], "rows_with_zero_w2_one_update_later": rows[1]},
        f"Among {DRAWS} random starts, those in which all four rows of dW1 differed were"
        f" {measured['starts_with_different_gradients_tanh']} with tanh,"
        f" {measured['starts_with_different_gradients_sigmoid']} with sigmoid and"
        f" {measured['starts_with_different_gradients_relu']} with ReLU. The gradient of a unit passes through its"
        f" outgoing weight, so W2 has a say: with random W1 and W2 = 0, dW1 has {rows[0]} different row (all zero) at"
        f" the first step, and {rows[1]} one update later.",
    )


def _rows_with_zero_output() -> list[int]:
    data = load("planar")
    start = Network.initialize((2, 4, 1), ["normal(0.01)", "zeros"], seed=0)
    steps = descend(start, data.X, data.Y, iterations=1, learning_rate=scales.RATE, arithmetic="unitwise")
    return [scales.distinct_rows(step.gradient.weights[0]) for step in steps]


@functools.cache
def _trail(scale: float) -> Array:
    """Return W1 of four units along the training, (moments, units, inputs)."""
    data = load("planar")
    start = Network.initialize((2, 4, 1), initializers.normal(scale), seed=0)
    steps = descend(start, data.X, data.Y, iterations=TRAIL_UPDATES, learning_rate=scales.RATE, arithmetic="unitwise")
    return np.array([step.network.weights[0] for step in steps if step.iteration % TRAIL_EVERY == 0])


def _least_cosine(weights: Array) -> float:
    """Return |cos| of the widest angle between the lines of two units: 1 if all point along one line."""
    directions = weights / np.linalg.norm(weights, axis=1, keepdims=True)
    return float(np.abs(directions @ directions.T).min())


def units_part() -> Evidence:
    """R39."""
    trails = {scale: _trail(scale) for scale in TRAIL_SCALES}
    measured: dict[str, float] = {"updates": TRAIL_UPDATES}
    cases = []
    for scale, trail in trails.items():
        apart = all(scales.distinct_rows(weights) == len(weights) for weights in trail)
        cases.append(Case(f"the weights start as randn * {scales.label(scale)}", apart))
        cosines = [_least_cosine(weights) for weights in trail]
        measured[scales.at("first_least_cosine", scale)] = cosines[0]
        measured[scales.at("greatest_least_cosine", scale)] = max(cosines)
        measured[scales.at("update_of_greatest_least_cosine", scale)] = TRAIL_EVERY * int(np.argmax(cosines))
    tiny, one = TRAIL_SCALES[0], TRAIL_SCALES[-1]
    return Evidence(
        tuple(cases),
        measured,
        f"Four units were followed for {TRAIL_UPDATES} updates on the flower, from three scales. Their weights"
        f" {'never became equal' if all(case.holds for case in cases) else 'became equal'}. Yet different is not the"
        f" same as diverse: from the tiny start, randn * {scales.label(tiny)}, all four turn towards one line and after"
        f" {measured[scales.at('update_of_greatest_least_cosine', tiny)]:.0f} updates the widest angle between two"
        f" of them has |cos| = {measured[scales.at('greatest_least_cosine', tiny)]:.3f}, before they fan out again;"
        f" from randn * {scales.label(one)} it never exceeds {measured[scales.at('greatest_least_cosine', one)]:.3f}.",
        _trail_figure(trails),
    )


def _trail_figure(trails: dict[float, Array]) -> Figure:
    frames = []
    for scale, trail in trails.items():
        paths = [Series(f"unit {unit + 1}", trail[:, unit, 0], trail[:, unit, 1]) for unit in range(trail.shape[1])]
        ends = Series("end", trail[-1, :, 0], trail[-1, :, 1], "dots")
        chart = Chart("the weights of each unit", "weight of x1", "weight of x2", (*paths, ends))
        frames.append(Frame(scales.label(scale), (chart,)))
    return Figure(
        "Where the weights of four units go",
        "Paths of four weight vectors in the plane. From a tiny start they run along one line at first and then fan"
        " out; from randn * 1 each goes its own way from the beginning.",
        tuple(frames),
        control="start",
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "R34",
        "solution",
        "Random weights give different values, these different computations, and so the symmetry is broken.",
        causal_chain,
    ),
    Claim(
        "R35",
        "solution",
        "A 2 by 2 matrix of small random numbers stands as the example of W1.",
        example_weights,
        convention=True,
    ),
    Claim("R36", "solution", "In a random W1 every unit has weights of its own.", rows_differ),
    Claim("R37", "solution", "Units with different weights have different activations.", activations_differ),
    Claim("R38", "solution", "Units with different weights get different gradients.", gradients_differ),
    Claim("R39", "solution", "In training, the units take different ways.", units_part),
)
