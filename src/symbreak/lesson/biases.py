"""R40 to R42: biases may start at zero; whether they matter at all is another question."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.datasets import load
from symbreak.lesson import scales
from symbreak.lesson.claim import Case, Claim, Evidence
from symbreak.lesson.figures import Figure, Surface, still
from symbreak.lesson.measuring import Course
from symbreak.network import Network, course

Array = NDArray[np.floating[Any]]

UPDATES = 400
# Where a bias is out of place: tanh and sigmoid are flat there, and ReLU is 0 on all of the data.
FAR = 30.0
# A dot product of two terms is off by no more than this share of the sum of their sizes (two products, one sum).
DOT_ROUNDING = 2 * float(np.finfo(np.float64).eps)


@functools.cache
def _runs(data: str, *, activation: str = "tanh", loss: str = "cross-entropy", init: str = "normal(0.01)",
          biases: str = "zeros", far: int | None = None) -> Course:  # fmt: skip
    """Train four units from `SEEDS` starts; the biases of layer `far` start at -`FAR`, or at `FAR` at the output."""
    problem = load(data)
    starts = []
    for seed in range(scales.SEEDS):
        start = Network.initialize(
            (problem.n_x, scales.HIDDEN, 1), init, seed=seed, activation=activation, loss=loss, bias_init=biases
        )
        shift = {f"b{far}": FAR if far == 2 else -FAR}
        arrays = [a + shift.get(key, 0.0) for key, a in course.to_parameters(start).items()]
        starts.append(start.with_parameters(arrays))
    return scales.train(starts, problem, iterations=UPDATES)


def _as_good(runs: Course, other: Course) -> bool:
    """Whether the median final cost is within what the starts of the other kind reach."""
    return bool(runs.final_cost <= other.costs[-1].max())


def _units(runs: Course) -> int:
    """Return the number of different units at the end, of the start that has the fewest."""
    return int(runs.units(runs.last).min())


def zero_biases() -> Evidence:
    """R40."""
    cases: list[Case] = []
    measured: dict[str, float] = {"updates": UPDATES, "starts": scales.SEEDS}
    for data, activation in (("planar", "tanh"), ("moons", "relu"), ("blobs", "tanh")):
        zero = _runs(data, activation=activation)
        drawn = _runs(data, activation=activation, biases="normal(0.01)")
        broken = _units(zero) == scales.HIDDEN
        cases.append(Case(f"the data is {data} and g is {activation}", broken and _as_good(zero, drawn)))
        measured[f"units_from_zero_biases_{data}"] = _units(zero)
        measured[f"final_cost_from_zero_biases_{data}"] = zero.final_cost
        measured[f"final_cost_from_random_biases_{data}"] = drawn.final_cost
        measured[f"worst_final_cost_from_random_biases_{data}"] = float(drawn.costs[-1].max())
    told = "; ".join(
        f"{data}: {measured[f'final_cost_from_zero_biases_{data}']:.3f} against"
        f" {measured[f'final_cost_from_random_biases_{data}']:.3f}"
        for data in ("planar", "moons", "blobs")
    )
    return Evidence(
        tuple(cases),
        measured,
        f"Four units with random weights were trained for {UPDATES} updates, {scales.SEEDS} times with zero biases and"
        f" {scales.SEEDS} times with biases drawn like the weights. Median final costs, zero against random biases,"
        f" were {told}. With zero biases no fewer than {min(_units_of(measured))} of the {scales.HIDDEN} units were"
        " different at the end: random weights alone had broken the symmetry.",
    )


def _units_of(measured: dict[str, float]) -> list[int]:
    return [int(value) for name, value in measured.items() if name.startswith("units_from")]


def pre_activations_differ() -> Evidence:
    """R41."""
    X = load("planar").X
    difference = scales.EXAMPLE_W1[0] - scales.EXAMPLE_W1[1]
    across = np.array([[-difference[1]], [difference[0]]]) * 100
    z = scales.EXAMPLE_W1 @ across[:, 0]
    share = float((~_equal(X)).mean())
    return Evidence(
        (
            Case("x is a point of the flower data", share == 1.0),
            Case("x = 0", not _equal(np.zeros((2, 1))).any()),
            Case("x is perpendicular to w1 - w2", not _equal(across).any()),
        ),
        {
            "share_of_points_with_different_z": share,
            "z1_across": float(z[0]),
            "z2_across": float(z[1]),
            "across_x1": float(across[0, 0]),
            "across_x2": float(across[1, 0]),
        },
        f"With the lesson's example of W1, z1 and z2 differ on {share:.0%} of the flower's points. But z1 - z2 is"
        f" (w1 - w2) . x, which is 0 at x = 0 and all along the line through 0 that is perpendicular to w1 - w2: at"
        f" x = ({across[0, 0]:.3g}, {across[1, 0]:.3g}) both units have z = {z[0]:.4g}."
        " Units with different weights are different functions, and different functions may meet.",
        _meeting_figure(X, difference),
    )


def _equal(X: Array) -> NDArray[np.bool_]:
    """Whether z1 = w1 . x and z2 = w2 . x are equal up to the rounding of their sums, for each column x."""
    z = scales.EXAMPLE_W1 @ X
    rounding = DOT_ROUNDING * (np.abs(scales.EXAMPLE_W1) @ np.abs(X)).sum(axis=0)
    return np.asarray(np.abs(z[0] - z[1]) <= rounding)


def _meeting_figure(X: Array, difference: Array) -> Figure:
    reach = float(np.abs(X).max())
    side = np.linspace(-reach, reach, 41)
    values = difference[0] * side[None, :] + difference[1] * side[:, None]
    line = (float(difference[0]), float(difference[1]), 0.0)
    classes = load("planar").labels()
    return still(
        "Where two units agree",
        "z1 - z2 over the plane as colour, positive on one side of a line through the origin and negative on the other;"
        " on the line the two units agree. The flower's points lie on both sides.",
        Surface("z1 - z2", values, (-reach, reach, -reach, reach), X, classes, (line,)),
    )


def biases_matter() -> Evidence:
    """R42."""
    pairs = {
        "the output bias starts at 30 and the loss is the squared error": (
            _runs("moons", loss="squared-error(sigmoid)", far=2),
            _runs("moons", loss="squared-error(sigmoid)"),
        ),
        "the hidden biases start at -30 and g is ReLU": (
            _runs("moons", activation="relu", far=1),
            _runs("moons", activation="relu"),
        ),
        "the hidden biases start at -30 and g is tanh": (_runs("moons", far=1), _runs("moons")),
    }
    names = ("output_bias_squared_error", "hidden_biases_relu", "hidden_biases_tanh")
    measured: dict[str, float] = {"updates": UPDATES, "factor_of_weights": 0.01}
    for name, (far, zero) in zip(names, pairs.values(), strict=True):
        measured[f"final_cost_far_{name}"] = far.final_cost
        measured[f"final_cost_zero_{name}"] = zero.final_cost
        measured[f"share_of_gradient_left_{name}"] = float(
            np.median(scales.gradient(far, 1) / scales.gradient(zero, 1))
        )
    tied = _runs("moons", init="constant(0.01)", biases="normal(0.01)")
    small = _runs("moons", biases="normal(0.01)")
    measured["units_from_random_biases_alone"] = _units(tied)
    measured["final_cost_small_biases"] = small.final_cost
    left = max(measured[f"share_of_gradient_left_{name}"] for name in names)
    told = ", ".join(
        f"{measured[f'final_cost_far_{name}']:.3f} instead of {measured[f'final_cost_zero_{name}']:.3f}"
        for name in names
    )
    return Evidence(
        tuple(Case(when, _as_good(far, zero)) for when, (far, zero) in pairs.items()),
        measured,
        f"Zero is a good start for biases (R40), and so are small numbers ({measured['final_cost_small_biases']:.3f} on"
        f" the moons), but not any number. With weights randn * 0.01, an output bias of 30 under squared error, hidden"
        f" biases of -30 with ReLU and the same with tanh ended after {UPDATES} updates at costs of {told}. Of the"
        f" first layer's gradient no more than {left:.1g} of its usual size is left at the start. Biases can even do"
        f" the weights' work: with all weights equal to 0.01 and random biases, {_units(tied)} of {scales.HIDDEN} units"
        " were different at the end.",
    )


CLAIMS: tuple[Claim, ...] = (
    Claim("R40", "solution", "Biases may start at zero if the weights are random.", zero_biases),
    Claim(
        "R41",
        "solution",
        "With random weights and zero biases, two units have different pre-activations.",
        pre_activations_differ,
    ),
    Claim(
        "R42",
        "solution",
        "Since the weights differ already, the biases may start at any value: it makes no difference.",
        biases_matter,
    ),
)
