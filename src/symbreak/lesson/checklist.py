"""The lesson's checklist: what each box asks, tried on the house's functions and on small wrong ones."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from symbreak.datasets import Dataset
from symbreak.errors import InvalidShape
from symbreak.lesson.claim import Case, Claim, Evidence
from symbreak.lesson.comparison_table import from_zeros, grid_network
from symbreak.lesson.depth import plateau
from symbreak.lesson.measuring import Array, Course, data, train, trained
from symbreak.network import Network
from symbreak.network.course import initialize_parameters, to_network

Parameters = dict[str, Array]
Function = Callable[[int, int, int], Parameters]

SIZES = (300, 40, 5)
"""n_x, n_h, n_y: all different, so that no transposed matrix fits, and enough numbers to estimate a scale from."""

# Two-sided false alarms of a test at five standard errors: 6e-7, below one in a million.
ERRORS = 5.0


def house(n_x: int, n_h: int, n_y: int) -> Parameters:
    """Return what the house's own function makes; fresh at every call, and the same in every run of the program."""
    house.calls += 1  # type: ignore[attr-defined]
    return initialize_parameters(n_x, n_h, n_y, seed=f"call {house.calls}")  # type: ignore[attr-defined]


house.calls = 0  # type: ignore[attr-defined]


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


def _reseeded_rows(n_x: int, n_h: int, n_y: int) -> Array:
    """Draw every row from a generator seeded anew: random to look at, and all rows are equal."""
    return np.stack([np.random.RandomState(1).randn(n_x) * 0.01 for _ in range(n_h)])


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
    first, second = house(*SIZES), house(*SIZES)
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


def shallow_constant() -> Evidence:
    """R85."""
    small, fitting = trained(), trained(init="xavier", iterations=400)
    circles, circles_xavier = trained("circles", rate=0.1), trained("circles", "xavier", rate=0.1)
    measured = {
        "plateau_flower": plateau(small),
        "plateau_flower_xavier": plateau(fitting),
        "scale_small": 0.01,
        "rate_circles": 0.1,
        "iterations": len(circles.costs) - 1,
        "cost_circles": circles.final_cost,
        "cost_circles_xavier": circles_xavier.final_cost,
    }
    cases = (
        Case("the classes' means lie apart, as on the flower", bool(small.learned.all())),
        Case("they nearly coincide, as on the circles, and the rate is 0.1", bool(circles.learned.all())),
    )
    explanation = (
        f"On the flower 0.01 leaves the plateau after {measured['plateau_flower']} iterations, Xavier's start after "
        f"{measured['plateau_flower_xavier']}: both are right, so a checker should warn of Xavier or He here at most, "
        f"never fail them. On the circles at a rate of 0.1 they are better: {measured['cost_circles_xavier']:.3f} "
        f"against {measured['cost_circles']:.3f}, still the cost of guessing, after {len(circles.costs) - 1} "
        "iterations."
    )
    return Evidence(cases, measured, explanation)


def deep_constant() -> Evidence:
    """R86."""

    def pair(activation: str, fitting: str) -> tuple[Course, Course]:
        on = _some_digits()
        sizes = (on.n_x, *[20] * 8, on.n_y)
        courses = [
            train(
                [Network.initialize(sizes, start, seed=seed, activation=activation) for seed in range(2)],
                on, iterations=60, rate=0.1,
            )
            for start in ("normal(0.01)", fitting)
        ]  # fmt: skip
        return courses[0], courses[1]

    runs = {"tanh": pair("tanh", "xavier"), "relu": pair("relu", "he")}
    measured = {"base_rate": runs["tanh"][0].base_rate, "width": 20, "scale_small": 0.01}
    for name, (small, fitting) in runs.items():
        measured |= {f"cost_{name}_small": small.final_cost, f"cost_{name}_fitting": fitting.final_cost}
    cases = tuple(
        Case(f"hidden units are {name} and the start is {start}", bool(fit.learned.all() and not small.learned.any()))
        for (name, (small, fit)), start in zip(runs.items(), ("Xavier's", "He's"), strict=True)
    )
    explanation = (
        f"Eight hidden layers of 20 units on digits, where guessing costs {measured['base_rate']:.2f}. tanh: 0.01 "
        f"ends at {measured['cost_tanh_small']:.2f}, Xavier's start at {measured['cost_tanh_fitting']:.2f}. ReLU: "
        f"0.01 ends at {measured['cost_relu_small']:.2f}, He's start at {measured['cost_relu_fitting']:.2f}."
    )
    return Evidence(cases, measured, explanation)


def _some_digits() -> Dataset:
    """Return every fourth digit: enough to see whether a start is stuck, in a quarter of the time."""
    whole = data("digits")
    kept = slice(None, None, 4)
    return Dataset(
        "digits, every fourth", whole.X[:, kept], whole.Y[:, kept], whole.features, whole.classes, whole.task
    )  # fmt: skip


def never_zero() -> Evidence:
    """R87."""
    runs = {
        "all": from_zeros(),
        "relu": from_zeros("relu"),
        "w2": trained(init=("normal(0.01)", "zeros")),
        "w1": trained(init=("zeros", "normal(0.01)")),
        "no_hidden_layer": trained("moons", "zeros", hidden=()),
    }
    measured = {f"cost_zero_{name}": course.final_cost for name, course in runs.items()}
    fails = {name: not course.learned.any() for name, course in runs.items()}
    cases = (
        Case("every layer is zero and hidden units are tanh or ReLU", fails["all"] and fails["relu"]),
        Case("W2 alone is zero, with tanh", fails["w2"]),
        Case("W1 alone is zero, with tanh", fails["w1"]),
        Case("there is no hidden layer", fails["no_hidden_layer"]),
    )
    explanation = (
        f"All weights zero: tanh and ReLU stay at {measured['cost_zero_all']:.3f}, the cost of guessing. One layer of "
        f"zeros does no harm if the other is random: {measured['cost_zero_w2']:.3f} with W2 zero, "
        f"{measured['cost_zero_w1']:.3f} with W1 zero, for the random layer tells the units apart at the first "
        "updates. A checker must look at the layers together, not at each one alone."
    )
    return Evidence(cases, measured, explanation)


def never_equal() -> Evidence:
    """R88."""
    tied = trained(init="constant(0.5)", seeds=1, arithmetic="unitwise", iterations=1000)
    parted = trained(init=("constant(0.5)", "normal(0.5)"), iterations=1000)
    rows = _reseeded_rows(2, 4, 1)
    trap = train(
        [Network.from_arrays([rows, np.full((1, 4), 0.01)], activation="tanh")],
        data("planar"), iterations=300, rate=1.2, arithmetic="unitwise",
    )  # fmt: skip
    measured = {
        "constant": 0.5,
        "units_all_equal": int(tied.units(tied.last).max()),
        "units_only_w1_equal": int(parted.units(parted.last).min()),
        "cost_all_equal": tied.final_cost,
        "cost_only_w1_equal": parted.final_cost,
        "values_in_a_reseeded_row": len(np.unique(rows[0])),
        "rows_differ_reseeded": varied(rows),
        "units_reseeded": int(trap.units(trap.last).max()),
    }
    cases = (
        Case("all weights of every layer are equal", measured["units_all_equal"] == 1),
        Case("the incoming weights are equal but the outgoing ones differ", measured["units_only_w1_equal"] == 1),
    )
    explanation = (
        f"With 0.5 everywhere the four units stay {measured['units_all_equal']}, at a cost of "
        f"{measured['cost_all_equal']:.3f}. Where only W1 is constant and W2 random, "
        f"{measured['units_only_w1_equal']} units come of them and the cost is {measured['cost_only_w1_equal']:.3f}. "
        "And the box misses a trap: rows drawn from a generator that is seeded anew hold "
        f"{measured['values_in_a_reseeded_row']} different values each, yet all rows are equal, and with equal "
        f"outgoing weights {measured['units_reseeded']} unit remains. Compare rows and columns, not single values."
    )
    return Evidence(cases, measured, explanation)


CLAIMS: tuple[Claim, ...] = (
    Claim("R81", "checklist", "Weights have to be drawn with np.random.randn.", weights_random),
    Claim("R82", "checklist", "The drawn weights should be scaled down, as a rule by 0.01.", small_constant),
    Claim("R83", "checklist", "Biases start at zero, as np.zeros gives them.", zero_biases),
    Claim("R84", "checklist", "The shape of each array has to be checked against the architecture.", dimensions),
    Claim("R85", "checklist", "0.01 is the factor for a network with one hidden layer.", shallow_constant),
    Claim("R86", "checklist", "A deep network is better served by Xavier's or He's factor.", deep_constant),
    Claim("R87", "checklist", "Weights that are zero everywhere are ruled out.", never_zero),
    Claim("R88", "checklist", "Weights that all share one value are ruled out.", never_equal),
)
