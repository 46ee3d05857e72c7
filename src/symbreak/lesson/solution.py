"""R29 to R32: the slide with the random start, its call of randn, its factor, its biases and its sigmoid."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak import initializers
from symbreak.datasets import load
from symbreak.errors import InvalidShape
from symbreak.lesson import scales
from symbreak.lesson.claim import Case, Claim, Evidence
from symbreak.lesson.figures import Chart, Diagram, Figure, Frame, still
from symbreak.network import Network, backward, course, forward
from symbreak.numerics import activations

Array = NDArray[np.floating[Any]]

# Small, usual and large: dots in the middle of the curve, on its bend, on its flat ends.
DOT_FACTORS = (0.01, 1.0, 10.0)
# Rounding of one product and one sum.
ROUNDING = 4 * float(np.finfo(np.float64).eps)


def _refused(shape: tuple[int, int]) -> str:
    """Call randn with the shape as one tuple; return NumPy's complaint, or nothing if it complies."""
    with scales.numpy_seeded(0):
        try:
            np.random.randn(shape)  # type: ignore[call-overload]
        except TypeError as complaint:
            return str(complaint)
    return ""


def slide_call() -> Evidence:
    """R29."""
    complaints = {shape: _refused(shape) for shape in ((2, 2), (1, 2))}
    with scales.numpy_seeded(0):
        two_numbers = np.random.randn(2, 2).shape
    one_tuple = np.random.default_rng(0).standard_normal((2, 2)).shape
    said = next(iter(complaints.values())) or "nothing"
    return Evidence(
        tuple(Case(f"it is called as randn({shape})", not text) for shape, text in complaints.items()),
        {
            "slide_calls_refused": sum(map(bool, complaints.values())),
            "slide_calls": len(complaints),
            "two_numbers_give_the_shape": two_numbers == (2, 2),
            "standard_normal_takes_a_tuple": one_tuple == (2, 2),
        },
        f"NumPy was called as on the slide, and {sum(map(bool, complaints.values()))} of {len(complaints)} calls raised"
        f' a TypeError: "{said}". randn wants the sizes one by one, randn(2, 2), which gave the shape {two_numbers};'
        " the listing below the slide writes it so. np.zeros((2, 1)) on the same slide does take a tuple, and so does"
        " the newer rng.standard_normal((2, 2)), which is why the slip is so common.",
    )


def scale_dial() -> Evidence:
    """R30."""
    cases = []
    measured: dict[str, float] = {"weights": 250 * 40}
    for scale in scales.SCALES:
        w = initializers.normal(scale)((250, 40), seed=0, name="W1", dtype=np.float64)
        allowed = scales.STANDARD_ERRORS * scale / np.sqrt(2 * w.size)
        cases.append(Case(f"the factor is {scales.label(scale)}", bool(abs(w.std() - scale) <= allowed)))
        measured[scales.at("standard_deviation", scale)] = float(w.std())
    low, high = scales.SCALES[0], scales.SCALES[-1]
    return Evidence(
        tuple(cases),
        measured,
        f"Multiplying standard normal numbers by a factor makes the factor their standard deviation: asked for"
        f" {scales.label(low)} and {scales.label(high)}, {measured['weights']:.0f} weights had"
        f" {measured[scales.at('standard_deviation', low)]:.3g} and"
        f" {measured[scales.at('standard_deviation', high)]:.4g}. So the factor is a dial, and 0.01 is one"
        " position of it; what 100 does instead is measured in R43.",
        _dial_figure(),
    )


def _dial_figure() -> Figure:
    X = load("planar").X
    low, high = np.log10(scales.SCALES[0]), np.log10(scales.SCALES[-1])
    positions = np.logspace(low, high, 2 * round(high - low) + 1)
    reach = 10 * scales.SCALES[-1]
    frames = []
    for scale in positions:
        network = Network.initialize((2, 2, 1), initializers.normal(float(scale)), seed=0)
        biases = tuple(b[:, 0] for b in network.biases)
        passed = forward(network, X)
        chart = scales.response_chart(
            "where the units stand", "tanh", passed.pre_activations[0], reach=reach, scale="symlog"
        )
        frames.append(Frame(scales.label(float(scale)), (Diagram("the start", network.weights, biases), chart)))
    return Figure(
        "One draw of weights, multiplied by a factor from 0.0001 to 1000",
        "A network of two inputs, two hidden units and one output with its weights, beside the tanh curve with the"
        " pre-activations of both units on the flower data. Small factors gather all dots at the middle, where the"
        " curve is steep; from 10 on nearly all lie on its flat ends.",
        tuple(frames),
        control="factor",
        dial=True,
    )


def plain_zero_bias() -> Evidence:
    """R31."""
    data = load("planar")
    network = Network.initialize((2, 2, 1), "normal(0.01)", seed=0)
    passed = forward(network, data.X)
    hidden, w2 = passed.activations[1], network.weights[1]
    same = bool(np.array_equal(w2 @ hidden + 0, w2 @ hidden + np.zeros((1, 1))))
    plain = course.to_parameters(network) | {"b2": 0}
    try:
        course.forward_propagation(data.X, plain)
        refused = False
    except InvalidShape:
        refused = True
    updated = 0 - scales.RATE * backward(network, passed, data.Y).biases[1]
    return Evidence(
        (
            Case("only the arithmetic counts, for NumPy adds a number to every column", same),
            Case("shapes are verified, for b2 is then to be (1, 1)", not refused),
        ),
        {
            "same_outputs": same,
            "dimensions_of_the_number_0": np.ndim(0),
            "refused_as_a_shape": refused,
            "dimensions_after_one_update": updated.ndim,
        },
        f"Adding the number 0 gives {'the same' if same else 'other'} outputs as adding zeros of shape (1, 1). But"
        f" a number has {np.ndim(0)} dimensions, a bias column {updated.ndim}, and the course's functions here"
        f" {'refuse' if refused else 'accept'} it where they check shapes. After one update with db2 of shape (1, 1)"
        f" it has {updated.ndim} dimensions by itself: a shape that changes during training is a trap, so write"
        " np.zeros((n2, 1)), as the listing does.",
    )


def sigmoid_curve() -> Evidence:
    """R32."""
    g = activations.get("sigmoid")
    grid = np.linspace(-30, 30, 601)
    values = g(grid)
    ends = float(g(-np.inf)), float(g(np.inf))
    mirror = float(np.abs(g(-grid) - (1 - values)).max())
    rises = bool((np.diff(values) > 0).all())
    return Evidence(
        (
            Case("the curve runs from 0 far left to 1 far right", ends == (0.0, 1.0)),
            Case("it rises all the way", rises),
            Case("it crosses z = 0 at one half and is the same turned by half a turn", mirror <= ROUNDING),
        ),
        {
            "value_at_minus_infinity": ends[0],
            "value_at_infinity": ends[1],
            "value_at_0": float(g(0.0)),
            "largest_departure_from_symmetry": mirror,
            "rises": rises,
            "small_factor": DOT_FACTORS[0],
            "large_factor": DOT_FACTORS[-1],
        },
        f"The sigmoid here goes from {ends[0]:g} at minus infinity through {float(g(0.0)):g} at 0 to {ends[1]:g} at"
        f" plus infinity, rising all the way, and turning it by half a turn about its middle changes no value by more"
        f" than {mirror:.1g}. The slide draws it through the origin of z, where its height is {float(g(0.0)):g} and"
        " not 0. The dots tell where two hidden units stand on it for the flower data: at the factor"
        f" {DOT_FACTORS[0]:g} all in the middle, at {DOT_FACTORS[-1]:g} mostly on the flat ends.",
        _unit_dots("sigmoid"),
    )


def _unit_dots(activation: str) -> Figure:
    X = load("planar").X
    charts: list[Chart] = []
    for scale in DOT_FACTORS:
        network = Network.initialize((2, 2, 1), initializers.normal(scale), seed=0, activation=activation)
        z = forward(network, X).pre_activations[0]
        title = f"weights times {scales.label(scale)}"
        charts.append(scales.response_chart(title, activation, z, reach=max(6.0, float(np.abs(z).max()))))
    return still(
        f"Where two units stand on the {activation} curve",
        f"Three copies of the {activation} curve with the pre-activations of two hidden units as dots. With weights"
        " times 0.01 the dots crowd at z = 0; times 1 they spread over the bend; times 10 most lie on the flat ends.",
        *charts,
    )


CLAIMS: tuple[Claim, ...] = (
    Claim("R29", "solution", "np.random.randn((2, 2)), as on the slide, gives a 2 by 2 matrix.", slide_call),
    Claim(
        "R30",
        "solution",
        "The factor behind randn is a dial that can stand at 0.01, at 100 or anywhere else.",
        scale_dial,
        convention=True,
    ),
    Claim("R31", "solution", "b1 may start as a column of zeros and b2 as the plain number 0.", plain_zero_bias),
    Claim(
        "R32",
        "solution",
        "The sigmoid is a curve from 0 to 1 along the whole axis of z, on which every unit has its place.",
        sigmoid_curve,
        convention=True,
    ),
)
