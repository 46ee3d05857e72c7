"""The one-ulp dial: how small a difference parts tied units, and when."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Literal

import numpy as np

from symbreak.datasets import Dataset
from symbreak.diagnosis.symmetry import Separation, steps_to_separate
from symbreak.lesson import tied
from symbreak.lesson.figures import Chart, Figure, Frame, Series
from symbreak.lesson.measuring import data
from symbreak.network import descend

Marker = tuple[Literal["x", "y"], float, str]

ONE_ULP = 2.0**-53
"""The least change that 0.5 feels: the next float above it is so far away."""

EPSILONS = (ONE_ULP, 2.0**-45, 2.0**-37, 2.0**-29, 2.0**-21, 2.0**-13, 1.0)
RATE, UPDATES = 3.0, 150


def _sixteen() -> Dataset:
    """Every 25th point of the flower: few enough to train quickly, and no line separates them."""
    flower = data("planar")
    return replace(flower, name="sixteen points", X=flower.X[:, ::25], Y=flower.Y[:, ::25])


@functools.cache
def separations() -> tuple[Separation, ...]:
    """Return when the lesson's two units part, for each size of the difference, measured and predicted."""
    network, few = tied.lesson_net(tied.SAME), _sixteen()
    return tuple(steps_to_separate(network, few, eps=e, learning_rate=RATE, steps=UPDATES) for e in EPSILONS)


def dial() -> Figure:
    """Return the figure: the units' difference over training, one frame for each size of the change."""
    frames = [Frame(f"{found.eps:.2g}", (_growth(found), _times(found))) for found in separations()]
    return Figure(
        "How small a difference parts the units",
        "The difference of two tied units over training after one weight was changed by epsilon, and the update at "
        "which they part against epsilon, measured and predicted: it falls with the logarithm of epsilon.",
        tuple(frames),
        "epsilon",
        dial=True,
    )


def _growth(found: Separation) -> Chart:
    few, network = _sixteen(), tied.lesson_net(tied.SAME)
    w1 = network.weights[0].copy()
    w1[-1, 0] += found.eps
    moved = network.with_parameters([w1, *network.parameters[1:]])
    last = min(UPDATES, found.measured + 20 if found.measured is not None else UPDATES)
    steps = descend(moved, few.X, few.Y, iterations=last, learning_rate=RATE, arithmetic="unitwise")
    apart = np.array([tied.spread(step.forward.activations[1]) for step in steps])
    shown = apart > 0
    markers: list[Marker] = [("y", found.tolerance, "parted")]
    if found.predicted is not None:
        markers.append(("x", float(found.predicted), "predicted"))
    series = Series("largest difference of the activations", np.flatnonzero(shown).astype(float), apart[shown])
    return Chart("The difference grows", "update", "difference", (series,), y_scale="log", markers=tuple(markers))


def _times(at: Separation) -> Chart:
    measured = np.array([(s.eps, s.measured) for s in separations() if s.measured is not None])
    predicted = np.array([(s.eps, s.predicted) for s in separations() if s.predicted is not None])
    series = (
        Series("predicted", predicted[:, 0], predicted[:, 1]),
        Series("measured", measured[:, 0], measured[:, 1], style="dots"),
    )
    marker: Marker = ("x", at.eps, "this epsilon")
    return Chart("When they part", "epsilon", "update", series, x_scale="log", markers=(marker,))
