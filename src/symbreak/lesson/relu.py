"""R57 to R60: ReLU, its slope, how its units die, and whether it needs a small start."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.datasets import load
from symbreak.experiments import measures
from symbreak.lesson import scales
from symbreak.lesson.claim import Case, Claim, Evidence
from symbreak.lesson.figures import Chart, Figure, Frame, Series, still
from symbreak.lesson.scales import SMALL, at, label, times
from symbreak.network import Network, backward, descend, forward, stack
from symbreak.numerics import activations

Array = NDArray[np.floating[Any]]

# From the smallest float64 above 0 to one of the greatest.
SIZES = np.array([5e-324, 2.0**-1000, 2.0**-20, 1.0, 3.0, 2.0**20, 2.0**1000])
# Three choices for g'(0), where the derivative does not exist.
SLOPES_AT_ZERO = (0.0, 0.5, 1.0)
UPDATES, DRAWS = 50, 200


def relu_formula() -> Evidence:
    """R57."""
    g = activations.get("relu")
    by_hand = [max(0.0, float(z)) for z in SIZES]
    above, below = bool((g(SIZES) == by_hand).all()), bool((g(-SIZES) == 0).all())
    at_zero = float(g(0.0))
    return Evidence(
        (
            Case("z is above 0", above),
            Case("z is below 0", below),
            Case("z is 0", at_zero == 0),
        ),
        {
            "values_tried": 2 * len(SIZES) + 1,
            "smallest_z": float(SIZES[0]),
            "greatest_z": float(SIZES[-1]),
            "value_at_0": at_zero,
            "value_at_3": float(g(3.0)),
        },
        f"ReLU here was compared with max(0, z) at {2 * len(SIZES) + 1} numbers, from {SIZES[0]:.2g} to {SIZES[-1]:.2g}"
        f" on both sides of 0. ReLU(3) is {float(g(3.0)):g}, ReLU(0) is {at_zero:g} and all below 0 give 0,"
        " without any rounding: nothing is computed, one of two numbers is chosen.",
    )


def relu_slope() -> Evidence:
    """R58."""
    g = activations.get("relu")
    powers = SIZES[np.log2(SIZES) % 1 == 0][1:]  # for these z + z/2 is exact
    quotients = (g(1.5 * powers) - g(powers)) / (0.5 * powers)
    chosen = {slope: float(activations.relu(slope).derivative(0.0)) for slope in SLOPES_AT_ZERO}
    stuck = {slope: _gradient_from_zero(slope) for slope in (0.0, 1.0)}
    return Evidence(
        (
            Case("one asks the derivative that the backward pass uses", bool((g.derivative(SIZES) == 1).all())),
            Case("one measures rise over run", bool((quotients == 1).all())),
        ),
        {
            "places": len(SIZES),
            "smallest_z": float(SIZES[0]),
            "greatest_z": float(SIZES[-1]),
            "least_slope_above_0": float(g.derivative(SIZES).min()),
            "greatest_slope_above_0": float(g.derivative(SIZES).max()),
            "slope_at_0": float(g.derivative(0.0)),
            "slope_at_0_if_1_is_chosen": chosen[1.0],
            "dw1_from_zero_w1": stuck[0.0],
            "dw1_from_zero_w1_if_1_is_chosen": stuck[1.0],
        },
        f"At {len(SIZES)} places above 0, from {SIZES[0]:.2g} to {SIZES[-1]:.2g}, the slope is"
        f" {_span(g.derivative(SIZES))}, and so is rise over run. At exactly 0"
        f" there is no derivative; one takes {float(g.derivative(0.0)):g} here as frameworks do, and relu(1) takes"
        f" {chosen[1.0]:g}. The choice matters where z is 0 on all data: from W1 = 0 with random W2 the norm of dW1 is"
        f" {stuck[0.0]:g} with the first choice and {stuck[1.0]:.2g} with the second.",
        _slope_figure(),
    )


def _gradient_from_zero(slope_at_zero: float) -> float:
    data = load("moons")
    start = Network.initialize((2, 4, 1), ["zeros", "normal(0.01)"], seed=0, activation=activations.relu(slope_at_zero))
    return float(np.linalg.norm(backward(start, forward(start, data.X), data.Y).weights[0]))


def _span(values: NDArray[Any]) -> str:
    low, high = float(values.min()), float(values.max())
    return f"{low:g}" if low == high else f"between {low:g} and {high:g}"


def _slope_figure() -> Figure:
    grid = np.linspace(-3, 3, scales.CURVE_POINTS)
    frames = []
    for slope in SLOPES_AT_ZERO:
        g = activations.relu(slope)
        there = Series("g'(0)", np.zeros(1), g.derivative(np.zeros(1)), "dots")
        low, high = grid[grid < 0], grid[grid > 0]
        branches = tuple(Series(f"g'(z) {side} 0", z, g.derivative(z)) for side, z in (("below", low), ("above", high)))
        panels = (
            Chart("ReLU", "z", "g(z)", (Series("g(z)", grid, g(grid)),)),
            Chart("its slope", "z", "g'(z)", (*branches, there)),
        )
        frames.append(Frame(label(slope), panels))
    return Figure(
        "ReLU and its slope",
        "On the left ReLU: flat at 0 up to z = 0, then rising at 45 degrees. On the right its slope: 0 below, 1 above,"
        " and a dot at z = 0 for the value chosen there.",
        tuple(frames),
        control="g'(0)",
    )


def dying_units() -> Evidence:
    """R59."""
    data = load("moons")
    random = Network.initialize((2, 2, 1), "normal(1.0)", seed=0, activation="relu")
    pushed = _with(random, b1=random.biases[0] - 30)
    zero = _with(random, w1=np.zeros((2, 2)))
    below = {
        name: forward(start, data.X).pre_activations[0] for name, start in (("pushed", pushed), ("random", random))
    }
    dead = {"pushed": _stays(pushed), "random": _stays(random), "zero": _stays(zero)}
    share = float((below["random"] < 0).mean())
    unlucky = _dead_at_random()
    return Evidence(
        (
            Case("z is below 0 on all examples", bool((below["pushed"] < 0).all()) and dead["pushed"]),
            Case("z is below 0 on some examples only, for the others still teach it", dead["random"]),
            Case("z is exactly 0 on all examples, where it is dead as well", not dead["zero"]),
        ),
        {
            "updates": UPDATES,
            "unchanged_with_z_below_0_everywhere": dead["pushed"],
            "unchanged_with_z_below_0_somewhere": dead["random"],
            "unchanged_with_z_0_everywhere": dead["zero"],
            "share_of_z_below_0_in_the_random_start": share,
            "share_of_units_dead_at_random_on_positive_inputs": unlucky,
        },
        f"Whether a unit is dead was seen from its weights: do {UPDATES} updates leave them as they were, bit for bit?"
        f" With z below 0 on all examples the answer was {_yes(dead['pushed'])}; with z below 0 on {share:.0%} of them,"
        f" as in a random start, {_yes(dead['random'])}: there a unit is merely inactive on some. With W1 = 0, where z"
        f" is 0 and not below, it was {_yes(dead['zero'])}. So dead means z <= 0 on all of the data. A random start"
        f" alone makes such units: on inputs that are all positive, {unlucky:.0%} of the units with two inputs.",
    )


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"


def _with(network: Network, *, w1: Array | None = None, b1: Array | None = None) -> Network:
    first, bias, *rest = network.parameters
    return network.with_parameters([first if w1 is None else w1, bias if b1 is None else b1, *rest])


def _stays(start: Network) -> bool:
    """Whether training leaves the first layer as it was."""
    data = load("moons")
    for step in descend(start, data.X, data.Y, iterations=UPDATES, learning_rate=scales.RATE, arithmetic="unitwise"):
        last = step.network
    return bool(np.array_equal(last.weights[0], start.weights[0]) and np.array_equal(last.biases[0], start.biases[0]))


def _dead_at_random() -> float:
    """Return the share of units with z <= 0 on the whole of a data set that was made positive."""
    X = np.abs(load("planar").X)
    starts = stack([Network.initialize((2, 4, 1), "he", seed=seed, activation="relu") for seed in range(DRAWS)])
    return float(measures.dead_share(starts, forward(starts, X)).mean())


def relu_wants_small() -> Evidence:
    """R60."""
    sweep = scales.sweep("moons", activation="relu")
    course = sweep.course
    first, final = sweep.median(course.costs[0]), sweep.median(course.costs[-1])
    share = sweep.median(scales.saturated(course))
    steps = sweep.median(scales.iterations_to_target(course))
    measured: dict[str, float] = {"updates": scales.ITERATIONS, "largest_saturated_share": max(share.values())}
    for scale in (SMALL, 1.0, 10.0, 100.0, 1000.0):
        measured |= {at("first_cost", scale): first[scale], at("final_cost", scale): final[scale]}
        if np.isfinite(steps[scale]):
            measured[at("updates_to_target", scale)] = steps[scale]
    never = measured["largest_saturated_share"] == 0
    return Evidence(
        tuple(
            Case(f"0.01 is compared with {label(scale)}", never and final[SMALL] < final[scale])
            for scale in (100.0, 1000.0, 1.0, 10.0)
        ),
        measured,
        f"On the moons no unit with ReLU is saturated at any factor: the largest share is"
        f" {measured['largest_saturated_share']:.0%}. What explodes instead is the cost at the start,"
        f" {first[SMALL]:.2f} from 0.01, {first[100.0]:.3g} from 100 and {first[1000.0]:.3g} from 1000, since each"
        f" layer passes the factor on. After {scales.ITERATIONS} updates the cost is {final[SMALL]:.3f} from 0.01 and"
        f" {final[100.0]:.3f} from 100, but {final[1.0]:.3f} from 1, which also reaches the target sooner"
        f" ({times(steps[1.0])} against {times(steps[SMALL])}). Not too large is good advice for ReLU; as small as 0.01"
        " is not needed.",
        still(
            "What the factor decides with ReLU, on the moons",
            "Three charts over the factor. The cost at the start explodes from 1 on; the saturated share is 0"
            " everywhere; updates to the target are fewest at 1.",
            *scales.cost_saturation_and_updates(sweep),
        ),
    )


CLAIMS: tuple[Claim, ...] = (
    Claim("R57", "small", "ReLU(z) = max(0, z).", relu_formula),
    Claim("R58", "small", "Above 0 the slope of ReLU is always 1.", relu_slope),
    Claim("R59", "small", "A ReLU unit dies where z is below 0, and only there.", dying_units),
    Claim(
        "R60",
        "small",
        "With ReLU saturation matters less, but a small start is still the better one.",
        relu_wants_small,
    ),
)
