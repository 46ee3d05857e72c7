"""The checklist's boxes on what becomes of a start, R85 to R88: networks that are trained from it."""

from __future__ import annotations

import numpy as np

from symbreak.datasets import Dataset
from symbreak.lesson.checklist import varied
from symbreak.lesson.claim import Case, Claim, Evidence
from symbreak.lesson.comparison_table import from_zeros
from symbreak.lesson.depth import plateau
from symbreak.lesson.measuring import Array, Course, data, train, trained
from symbreak.network import Network


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


def _reseeded_rows(n_x: int, n_h: int, n_y: int) -> Array:
    """Draw every row from a generator seeded anew: random to look at, and all rows are equal."""
    return np.stack([np.random.RandomState(1).randn(n_x) * 0.01 for _ in range(n_h)])


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
    Claim("R85", "checklist", "0.01 is the factor for a network with one hidden layer.", shallow_constant),
    Claim("R86", "checklist", "A deep network is better served by Xavier's or He's factor.", deep_constant),
    Claim("R87", "checklist", "Weights that are zero everywhere are ruled out.", never_zero),
    Claim("R88", "checklist", "Weights that all share one value are ruled out.", never_equal),
)
