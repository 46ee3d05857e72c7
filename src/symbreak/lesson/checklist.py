"""The checklist's boxes on what a function returns, R81 to R84: tried on the house's own and on small wrong ones."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from symbreak.errors import InvalidShape
from symbreak.lesson.claim import Case, Claim, Evidence
from symbreak.lesson.comparison_table import grid_network
from symbreak.lesson.depth import plateau
from symbreak.lesson.measuring import Array, data, train, trained
from symbreak.network.course import initialize_parameters, to_network

Parameters = dict[str, Array]
Function = Callable[[int, int, int], Parameters]

SIZES = (300, 40, 5)
"""n_x, n_h, n_y: all different, so that no transposed matrix fits, and enough numbers to estimate a scale from."""

# Two-sided false alarms of a test at five standard errors: 6e-7, below one in a million.
ERRORS = 5.0


def house(n_x: int, n_h: int, n_y: int) -> Parameters:
    """Return what the house's own function makes; the same in every run of the program."""
    return initialize_parameters(n_x, n_h, n_y, seed=0)


def _from(scale: float = 0.01, **replaced: Callable[[int, int, int], Array]) -> Function:
    """Return a function that makes normal weights of this scale and zero biases, but for some arrays."""

    def make(n_x: int, n_h: int, n_y: int) -> Parameters:
        rng = np.random.RandomState(n_x)
        parameters = {
            "W1": rng.randn(n_h, n_x) * scale,
            "b1": np.zeros((n_h, 1)),
            "W2": rng.randn(n_y, n_h) * scale,
            "b2": np.zeros((n_y, 1)),
        }
        return parameters | {key: array(n_x, n_h, n_y) for key, array in replaced.items()}

    return make


def spread_interval(weights: Array) -> tuple[float, float]:
    """Return the interval of standard deviations that the sample allows: s / (1 +- 5 / sqrt(2 n)), normal entries.

    >>> low, high = spread_interval(np.random.RandomState(0).randn(200, 50) * 0.01)
    >>> low < 0.01 < high
    True
    """
    deviation, error = float(weights.std()), ERRORS / math.sqrt(2 * weights.size)
    return deviation / (1 + error), deviation / (1 - error)


def centred(weights: Array) -> bool:
    """Return whether the mean is 0 within five standard errors, s / sqrt(n)."""
    return bool(abs(weights.mean()) <= ERRORS * weights.std() / math.sqrt(weights.size))


def fits(parameters: Parameters, n_x: int, n_h: int, n_y: int) -> bool:
    """Return whether all four arrays have the shapes of the architecture and hold floating-point numbers."""
    shapes = {"W1": (n_h, n_x), "b1": (n_h, 1), "W2": (n_y, n_h), "b2": (n_y, 1)}
    return parameters.keys() == shapes.keys() and all(
        parameters[key].shape == shape and parameters[key].dtype.kind == "f" for key, shape in shapes.items()
    )


def varied(weights: Array) -> bool:
    """Return whether no two rows and no two columns are equal; a single row or column needs no other."""
    return all(len(np.unique(w, axis=0)) == len(w) for w in (weights, weights.T) if w.shape[1] > 1)


def weights_random() -> Evidence:
    """R81."""
    first, second = initialize_parameters(*SIZES), initialize_parameters(*SIZES)
    alternatives = {
        "all weights equal": trained(init="constant(0.5)", seeds=1, arithmetic="unitwise", iterations=1000),
        "weights from a uniform distribution": trained(init="uniform(-0.02, 0.02)"),
        "different weights without any randomness": train([grid_network()], data("planar"), iterations=2000, rate=1.2),
    }
    normal = trained()
    names = ("equal", "uniform", "distinct")
    units = {name: int(c.units(c.last).min()) for name, c in zip(names, alternatives.values(), strict=True)}
    measured = {
        "calls_differ": bool(not np.array_equal(first["W1"], second["W1"])),
        "rows_and_columns_differ": varied(first["W1"]) and varied(first["W2"]),
        "cost_normal": normal.final_cost,
        **{f"cost_{name}": c.final_cost for name, c in zip(names, alternatives.values(), strict=True)},
        **{f"units_{name}": count for name, count in units.items()},
    }
    works = bool(measured["calls_differ"] and measured["rows_and_columns_differ"] and normal.learned.all())
    cases = tuple(
        Case(f"the alternative is {when}", works and units[name] == 1)
        for name, when in zip(names, alternatives, strict=True)
    )
    explanation = (
        "The house's weights pass: two calls differ, no two rows or columns are equal. Equal weights leave "
        f"{units['equal']} of 4 units. But randn is one way of several: uniform weights of the same size reach a cost "
        f"of {measured['cost_uniform']:.3f} and weights that are just different, nothing random, "
        f"{measured['cost_distinct']:.3f}, against {measured['cost_normal']:.3f}. A check must ask for different "
        "rows, not for the name of a generator."
    )
    return Evidence(cases, measured, explanation)


def small_constant() -> Evidence:
    """R82."""
    wrong = {"forgot": _from(1.0), "too_big": _from(0.1), "too_small": _from(0.001)}
    low, high = spread_interval(house(*SIZES)["W1"])
    seen = {name: spread_interval(make(*SIZES)["W1"]) for name, make in wrong.items()}
    flower, circles, fitting = trained(), trained("circles", rate=0.1), trained("circles", "xavier", rate=0.1)
    measured = {
        "weights": SIZES[0] * SIZES[1],
        "std_low": low,
        "std_high": high,
        **{f"std_{name}": sum(interval) / 2 for name, interval in seen.items()},
        **{f"caught_{name}": not interval[0] <= 0.01 <= interval[1] for name, interval in seen.items()},
        "plateau_flower": plateau(flower),
        "cost_circles": circles.final_cost,
        "cost_circles_xavier": fitting.final_cost,
    }
    tested = low <= 0.01 <= high and all(measured[f"caught_{name}"] for name in wrong)
    cases = (
        Case("the data is the flower", bool(tested and flower.learned.all())),
        Case("the data is the circles and the rate 0.1", bool(tested and circles.learned.all())),
    )
    explanation = (
        f"From {measured['weights']} weights the house's standard deviation is known to lie between {low:.4f} and "
        f"{high:.4f}, with a false alarm in a million; functions that forgot the factor, or took 0.1 or 0.001, are "
        "told apart from it. Whether 0.01 is a good factor depends on the data: it leaves the flower's plateau after "
        f"{measured['plateau_flower']} iterations, and on the circles at a rate of 0.1 it is at "
        f"{measured['cost_circles']:.3f} when Xavier's start is at {measured['cost_circles_xavier']:.3f}."
    )
    return Evidence(cases, measured, explanation)


def zero_biases() -> Evidence:
    """R83."""
    wrong = {
        "flat": _from(b1=lambda n_x, n_h, n_y: np.zeros(n_h)),
        "random": _from(b1=lambda n_x, n_h, n_y: np.random.RandomState(0).randn(n_h, 1) * 0.01),
        "ones": _from(b2=lambda n_x, n_h, n_y: np.ones((n_y, 1))),
    }
    passes = {name: _zero(make(*SIZES)) for name, make in ({"house": house} | wrong).items()}
    measured = {f"passes_{name}": passed for name, passed in passes.items()} | {"cost": trained().final_cost}
    cases = (
        Case("the function is the house's", passes["house"] and bool(trained().learned.all())),
        Case("the function is wrong", not any(passes[name] for name in wrong)),
    )
    explanation = (
        "The house's biases are exactly zero, each a column, and from them the flower is learned to a cost of "
        f"{measured['cost']:.3f}. The test rejects random biases, ones, and zeros of shape (n,)."
    )
    return Evidence(cases, measured, explanation)


def _zero(parameters: Parameters) -> bool:
    return fits(parameters, *SIZES) and not parameters["b1"].any() and not parameters["b2"].any()


def dimensions() -> Evidence:
    """R84."""
    wrong = {
        "transposed_w1": _from(W1=lambda n_x, n_h, n_y: np.ones((n_x, n_h))),
        "transposed_w2": _from(W2=lambda n_x, n_h, n_y: np.ones((n_h, n_y))),
        "flat_bias": _from(b1=lambda n_x, n_h, n_y: np.zeros(n_h)),
        "whole_numbers": _from(b2=lambda n_x, n_h, n_y: np.zeros((n_y, 1), int)),
    }
    caught = {name: not fits(make(*SIZES), *SIZES) for name, make in wrong.items()}
    square = (4, 4, 4)
    measured = {
        **dict(zip(("n_x", "n_h", "n_y"), SIZES, strict=True)),
        "wrong_functions": len(wrong),
        "house_fits": fits(house(*SIZES), *SIZES),
        **{f"caught_{name}": found for name, found in caught.items()},
        "caught_transposed_w1_equal_sizes": not fits(wrong["transposed_w1"](*square), *square),
        "network_refuses_transposed": _refused(wrong["transposed_w1"](*SIZES)),
        "flat_bias_changes_answer": _flat_bias_error(4),
    }
    cases = (
        Case("the function is the house's", bool(measured["house_fits"])),
        Case("the function is wrong and the three sizes differ", all(caught.values())),
        Case("a network is built from the arrays", bool(measured["network_refuses_transposed"])),
    )
    explanation = (
        f"With sizes {SIZES}, all different, a transposed matrix, a bias of shape (n,) and whole numbers are caught, "
        f"all {len(wrong)} of them. With three equal sizes the transposed one slips through, so tests should take "
        "different sizes. It matters: with as many units as examples a bias of shape (n,) is added along the wrong "
        f"axis without a word, and a pre-activation was wrong by {measured['flat_bias_changes_answer']:.1f}."
    )
    return Evidence(cases, measured, explanation)


def _refused(parameters: Parameters) -> bool:
    try:
        to_network(parameters)
    except InvalidShape:
        return True
    return False


def _flat_bias_error(n: int) -> float:
    """Return the largest error in Z when b has shape (n,) and there are n units and n examples."""
    rng = np.random.RandomState(0)
    w, x, b = rng.randn(n, 2), rng.randn(2, n), rng.randn(n)
    return float(np.abs((w @ x + b) - (w @ x + b[:, None])).max())


CLAIMS: tuple[Claim, ...] = (
    Claim("R81", "checklist", "Weights have to be drawn with np.random.randn.", weights_random),
    Claim("R82", "checklist", "The drawn weights should be scaled down, as a rule by 0.01.", small_constant),
    Claim("R83", "checklist", "Biases start at zero, as np.zeros gives them.", zero_biases),
    Claim("R84", "checklist", "The shape of each array has to be checked against the architecture.", dimensions),
)
