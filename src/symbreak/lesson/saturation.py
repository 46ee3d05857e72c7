"""R45 to R47 and R49 to R52: the curves of sigmoid and tanh, their slopes, and where both go flat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.datasets import load
from symbreak.lesson import scales
from symbreak.lesson.claim import Case, Claim, Evidence
from symbreak.lesson.figures import Chart, Figure, Series, still
from symbreak.network import Network, forward
from symbreak.numerics import Activation, activations
from symbreak.numerics.activations import FLAT_SLOPE

Array = NDArray[np.floating[Any]]
Curve = Callable[[Array], Array]

EPSILON = float(np.finfo(np.float64).eps)
# An exponential, a sum and a quotient, each off by at most a unit in the last place or two.
ROUNDING = 8 * EPSILON
# Digits of the reference: sixteen are asked for, and e^800 - e^-800 loses none of these.
DIGITS = 60
# Beyond 710 e^z overflows in float64.
TOO_LARGE = 800.0
# Where the curves are looked at as "far from 0".
FAR = np.array([10.0, 20.0, 50.0, 1000.0])


def printed_sigmoid(z: Array) -> Array:
    """Return the sigmoid by the formula as printed, in float64; what overflows does so silently."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(1 / (1 + np.exp(-z)))


def printed_tanh(z: Array) -> Array:
    """Return tanh by the formula as printed, in float64; what overflows does so silently."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray((np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)))


def exact(name: str, z: Array) -> Array:
    """Return the printed formula of sigmoid or tanh at float64 numbers, computed with `DIGITS` digits, then rounded."""
    with localcontext() as context:
        context.prec = DIGITS
        return np.array([float(_formula(name, Decimal(float(number)))) for number in z])


def _formula(name: str, z: Decimal) -> Decimal:
    up, down = z.exp(), (-z).exp()
    return 1 / (1 + down) if name == "sigmoid" else (up - down) / (up + down)


def _error(values: Array, truth: Array) -> float:
    """Return the greatest relative error; inf if a value is not a number."""
    errors = np.abs(values - truth) / np.maximum(np.abs(truth), np.finfo(np.float64).tiny)
    return float(np.max(errors)) if np.isfinite(values).all() else float("inf")


def _overflows(formula: Callable[[], object]) -> bool:
    try:
        with np.errstate(over="raise", invalid="ignore"):
            formula()
    except FloatingPointError:
        return True
    return False


def sigmoid_formula() -> Evidence:
    """R45."""
    g = activations.get("sigmoid")
    grid, far = np.linspace(-30, 30, 241), np.array([-TOO_LARGE, TOO_LARGE])
    error = _error(g(grid), exact("sigmoid", grid))
    printed = _error(printed_sigmoid(grid), exact("sigmoid", grid))
    ends, printed_ends = g(far), printed_sigmoid(far)
    right = exact("sigmoid", far)
    overflow = _overflows(lambda: 1 / (1 + np.exp(-far)))
    return Evidence(
        (
            Case("|z| is at most 30", error <= ROUNDING),
            Case("z is -800 or 800", bool(np.array_equal(ends, right))),
        ),
        {
            "digits_of_the_reference": DIGITS,
            "relative_error": error,
            "relative_error_of_the_printed_formula": printed,
            "value_at_minus_800": float(ends[0]),
            "printed_formula_at_minus_800": float(printed_ends[0]),
            "printed_formula_overflows_at_minus_800": overflow,
            "overflows_here": _overflows(lambda: g(far)),
        },
        f"The sigmoid here was compared with 1 / (1 + e^-z) worked out to {DIGITS} digits: for |z| up to 30 the"
        f" relative error is at most {error:.1g}. Typed into NumPy as printed, the formula is as good there, but at"
        f" z = -800 e^800 {'overflows, with a warning' if overflow else 'does not overflow'}; its answer"
        f" {printed_ends[0]:g} is right by luck, for 1/inf is 0. The sigmoid here only ever forms e^-|z|, which cannot"
        f" overflow, and gives {ends[0]:g}.",
    )


def _flatness(g: Activation, side: float) -> tuple[bool, float, float]:
    """Return whether value and slope have settled far out on a side, and both at the nearest of those points."""
    z = side * FAR
    limit = float(g(side * np.inf))
    values, slopes = g(z), g.derivative(z)
    settled = np.abs(values - limit) < FLAT_SLOPE
    flat = slopes < FLAT_SLOPE * g.derivative(np.linspace(-5, 5, 101)).max()
    return bool((settled & flat).all()), float(values[0]), float(slopes[0])


def _rounds_to_one(g: Activation) -> float:
    """Bisect to the least float64 z at which g(z) is exactly 1."""
    below, above = 0.0, 100.0
    while (middle := (below + above) / 2) not in (below, above):
        below, above = (below, middle) if g(middle) == 1 else (middle, above)
    return above


def _ends(name: str, bottom: str) -> Evidence:
    g = activations.get(name)
    high, low = _flatness(g, 1.0), _flatness(g, -1.0)
    one = _rounds_to_one(g)
    edge = max((region.low for region in g.flat if region.low > 0), default=np.inf)
    measured = {
        "z_above": float(FAR[0]),
        "z_below": -float(FAR[0]),
        "value_at_10": high[1],
        "short_of_1_at_10": 1 - high[1],
        "slope_at_10": high[2],
        "value_at_minus_10": low[1],
        "lowest_value": float(g(-np.inf)),
        "above_lowest_at_minus_10": low[1] - float(g(-np.inf)),
        "slope_at_minus_10": low[2],
        "least_z_whose_value_is_exactly_1": one,
        "slope_there": float(g.derivative(one)),
        "steepest_slope": float(g.derivative(0.0)),
    } | ({"flat_from": edge} if np.isfinite(edge) else {})
    return Evidence(
        (Case("z is far above 0", high[0]), Case("z is far below 0", low[0])),
        measured,
        f"At z = {FAR[0]:g} the value is {1 - high[1]:.3g} short of 1 and the slope {high[2]:.3g}; at z = {-FAR[0]:g}"
        f" the value is {measured['above_lowest_at_minus_10']:.3g} above {measured['lowest_value']:g} and the slope"
        f" {low[2]:.3g}, where the steepest is {measured['steepest_slope']:g}."
        f" The slope falls below a hundredth of that from |z| = {edge:.2f} on. In float64 the value is exactly 1 from"
        f" z = {one:.2f} on, and the slope computed from it is {measured['slope_there']:g}: from there no gradient"
        f" passes at all. {bottom}",
        _flat_figure(name),
    )


def sigmoid_ends() -> Evidence:
    """R46."""
    z = -100.0
    tail = float(activations.get("sigmoid")(z))
    found = _ends("sigmoid", f"Far below 0 floats are finer, and the sigmoid of {z:g} is still {tail:.2g}.")
    return replace(found, measured={**found.measured, "z_far_below": z, "value_far_below": tail})


def tanh_ends() -> Evidence:
    """R50."""
    return _ends("tanh", "tanh is odd, so the same holds below 0 with -1.")


def sigmoid_figure() -> Evidence:
    """R52."""
    g = activations.get("sigmoid")
    figure = _flat_figure("sigmoid")
    high = [region for region in g.flat if region.low > 0]
    edge = high[0].low if high else float("inf")
    inside, outside = g.derivative(np.array([0.0, 0.99 * edge])), g.derivative(np.array([1.01 * edge, 10 * edge]))
    bound = FLAT_SLOPE * float(g.derivative(0.0))
    marks = figure.frames[0].panels[0]
    marked = isinstance(marks, Chart) and len(marks.markers) == 2
    measured = {"slope_that_counts_as_flat": bound, "marked_regions": len(g.flat)}
    return Evidence(
        (
            Case("the figure marks both ends as flat", marked),
            Case("the curve is flat beyond the marks and not within", bool((inside >= bound).all() and marked)),
            Case("it is flat all the way out", bool((outside < bound).all())),
        ),
        measured | ({"flat_from": edge} if high else {}),
        "The lesson's page asks for a picture sigmoid-saturation.png that it does not have, so it is made here from the"
        f" function itself. The two marks stand where the slope falls below {bound:.2g}, a hundredth of the steepest,"
        f" at |z| = {edge:.2f}. The dots are two units on the flower data, small weights in one panel and large ones in"
        " the other.",
        figure,
    )


def _flat_figure(name: str) -> Figure:
    """Return the curve with its slope and marks where it goes flat, beside units of a small and a large start."""
    g = activations.get(name)
    X = load("planar").X
    grid = np.linspace(-12, 12, scales.CURVE_POINTS)
    marks = tuple(("x", edge, "flat") for region in g.flat for edge in (region.low, region.high) if np.isfinite(edge))
    curve = Chart(
        "value and slope", "z", "", (Series("g(z)", grid, g(grid)), Series("g'(z)", grid, g.derivative(grid))),
        markers=marks,  # type: ignore[arg-type]
    )  # fmt: skip
    panels = [curve]
    for scale in (0.01, 10.0):
        z = forward(Network.initialize((2, 2, 1), f"normal({scale})", seed=0, activation=name), X).pre_activations[0]
        title = f"two units, weights times {scales.label(scale)}"
        panels.append(scales.response_chart(title, name, z, reach=max(12.0, float(np.abs(z).max()))))
    return still(
        f"Where {name} responds and where it is flat",
        f"The {name} curve and its bell-shaped slope, with marks where the slope is lost. With small weights the dots"
        " of two units crowd at the steep middle, with large ones they lie along the flat ends.",
        *panels,
    )


def _slope_error(g: Activation, z: Array, third: float) -> tuple[float, float]:
    """Return the greatest gap between g' and a central difference, and what truncation and rounding allow.

    (g(z + h) - g(z - h)) / 2h is off by at most h^2/6 max|g'''| and by the rounding of two values of size 1 over 2h.
    """
    step = float(np.cbrt(EPSILON))
    difference = (g(z + step) - g(z - step)) / (2 * step)
    allowed = step**2 / 6 * third + ROUNDING / step
    return float(np.abs(g.derivative(z) - difference).max()), allowed


def _derivative(name: str, formula: Curve, third: float, text: str) -> Evidence:
    g = activations.get(name)
    near, far = np.linspace(-5, 5, 201), np.concatenate([-FAR, FAR])
    cases = []
    measured = {"steepest_slope": float(g.derivative(near).max()), "places": len(near) + len(far)}
    for when, key, z in (("z is between -5 and 5", "near", near), ("z is far from 0", "far", far)):
        gap, allowed = _slope_error(g, z, third)
        apart = float(np.abs(g.derivative(z) - formula(g(z))).max())
        cases.append(Case(when, gap <= allowed and apart <= ROUNDING))
        measured |= {
            f"gap_to_the_difference_{key}": gap,
            f"gap_allowed_{key}": allowed,
            f"gap_to_the_formula_{key}": apart,
        }
    return Evidence(
        tuple(cases),
        measured,
        f"The slope was measured without the formula, as (g(z + h) - g(z - h)) / 2h at {measured['places']} places."
        f" It differs from the derivative used here by at most {measured['gap_to_the_difference_near']:.1g}; the error"
        f" of such a quotient may be {measured['gap_allowed_near']:.1g}. That derivative and {text} agree to"
        f" {measured['gap_to_the_formula_near']:.1g}. It comes from the activation alone, so a backward pass needs no"
        f" second exponential; its greatest value is {measured['steepest_slope']:g}.",
    )


def sigmoid_slope() -> Evidence:
    """R47."""
    return _derivative("sigmoid", lambda a: a * (1 - a), 1 / 8, "sigma (1 - sigma)")


def tanh_slope() -> Evidence:
    """R51."""
    return _derivative("tanh", lambda a: 1 - a**2, 2.0, "1 - tanh^2")


def tanh_formula() -> Evidence:
    """R49."""
    g = activations.get("tanh")
    usual, tiny, far = np.concatenate([np.linspace(-20, -1, 96), np.linspace(1, 20, 96)]), 1e-9, TOO_LARGE
    every = np.concatenate([usual, [tiny, -far, far]])
    exactly = _error(g(every), exact("tanh", every))
    printed = _error(printed_tanh(usual), exact("tanh", usual))
    near_zero = _error(printed_tanh(np.array([tiny])), exact("tanh", np.array([tiny])))
    at_800 = float(printed_tanh(np.array(far)))
    return Evidence(
        (
            Case(f"it is worked out to {DIGITS} digits", exactly <= ROUNDING),
            Case("it is typed into NumPy as printed and |z| is from 1 to 20", printed <= ROUNDING),
            Case("it is typed so and z is as small as 1e-9", near_zero <= ROUNDING),
            Case("it is typed so and z is 800", at_800 == float(g(far))),
        ),
        {
            "relative_error_here": exactly,
            "relative_error_printed": printed,
            "relative_error_printed_at_1e_9": near_zero,
            "printed_is_nan_at_800": bool(np.isnan(at_800)),
            "value_here_at_800": float(g(far)),
        },
        f"As mathematics the formula is right: worked out to {DIGITS} digits it differs from tanh here by at most"
        f" {exactly:.1g} of the value. As a program it is not safe. At z = 800 it gives {at_800}, for e^800 overflows"
        f" and inf/inf is not a number; np.tanh gives {float(g(far)):g}. At z = 1e-9 it takes the difference of two"
        f" numbers next to 1 and loses half of its digits (relative error {near_zero:.1g}). Use np.tanh.",
    )


CLAIMS: tuple[Claim, ...] = (
    Claim("R45", "small", "sigma(z) = 1 / (1 + e^-z).", sigmoid_formula),
    Claim("R46", "small", "Far above 0 the sigmoid is nearly 1, far below nearly 0; it is flat there.", sigmoid_ends),
    Claim("R47", "small", "The slope of the sigmoid is sigma (1 - sigma).", sigmoid_slope),
    Claim("R49", "small", "tanh(z) = (e^z - e^-z) / (e^z + e^-z).", tanh_formula),
    Claim("R50", "small", "Far above 0 tanh is nearly 1, far below nearly -1; it is flat there.", tanh_ends),
    Claim("R51", "small", "The slope of tanh is 1 - tanh^2.", tanh_slope),
    Claim("R52", "small", "A figure shows where the sigmoid is saturated.", sigmoid_figure, convention=True),
)
