"""The lesson's table, zero start against random start: every row measured."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np

from symbreak.datasets import Dataset
from symbreak.experiments import measures
from symbreak.lesson.claim import Case, Claim, Evidence
from symbreak.lesson.directions import counted_in_training, directions
from symbreak.lesson.figures import Chart, Figure, Series, Table, still
from symbreak.lesson.measuring import Array, Course, data, train, trained
from symbreak.network import Network, Step, descend, forward
from symbreak.numerics import activations

# More than half of the way from one feature to two.
DIVERSE = 1.5
UNITS = 4
SMALL, LARGE, TINY_SCALE = 0.01, 100, 0.0001
TINY = f"normal({TINY_SCALE})"
PLAIN_RATE = 0.1


def participation_ratio(activations: Array) -> float:
    """How many independent features the units (rows) give: (sum of l)^2 / sum of l^2, l the covariance's eigenvalues.

    >>> participation_ratio(np.array([[1.0, -1.0, 1.0, -1.0], [1.0, 1.0, -1.0, -1.0]]))
    2.0
    """
    spread = activations - activations.mean(axis=1, keepdims=True)
    eigenvalues = np.linalg.svd(spread, compute_uv=False) ** 2
    total = float(eigenvalues.sum())
    return total**2 / float((eigenvalues**2).sum()) if total > 0 else 0.0


def from_zeros(activation: str = "tanh", name: str = "planar") -> Course:
    """Return a zero start, in arithmetic that treats all units alike."""
    return trained(name, "zeros", activation=activation, seeds=1, iterations=1000, arithmetic="unitwise")


def _hidden(step: Step, index: int = 0) -> Array:
    return np.asarray(step.forward.activations[1][index])


def _rank(weights: Array, activation: str) -> int:
    """How many linearly independent answers units with these incoming weights give on the flower."""
    network = Network.from_arrays([weights, np.ones((1, len(weights)))], activation=activation)
    return int(np.linalg.matrix_rank(forward(network, data("planar").X).activations[1]))


def symmetry() -> Evidence:
    """R65."""
    zero, random = from_zeros(), trained()
    row = np.array([[1.0, -0.5]])
    measured = {
        "units": UNITS,
        "distinct_units_zeros": int(zero.units(zero.last).max()),
        "distinct_units_random": int(random.units(random.first).min()),
        "features_independent_rows": _rank(random.first.network.weights[0][0], "tanh"),
        "features_of_two_mirrored_tanh_units": _rank(np.vstack([row, -row]), "tanh"),
        "features_of_two_collinear_relu_units": _rank(np.vstack([row, 2 * row]), "relu"),
    }
    independent = (
        measured["distinct_units_zeros"] == 1
        and measured["distinct_units_random"] == measured["features_independent_rows"] == UNITS
    )
    cases = (
        Case("the random rows are drawn independently of each other", independent),
        Case("a tanh unit's row is another's with turned signs", measured["features_of_two_mirrored_tanh_units"] == 2),
        Case(
            "a ReLU unit's row is a positive multiple of another's",
            measured["features_of_two_collinear_relu_units"] == 2,
        ),
    )
    explanation = (
        f"From zeros the {UNITS} units count as {measured['distinct_units_zeros']}, to the last bit; from random "
        f"weights as {measured['distinct_units_random']}. Different rows alone do not make different units: two tanh "
        f"units with weights w and -w give only {measured['features_of_two_mirrored_tanh_units']} independent answer, "
        "and so do two ReLU units with weights w and 2w. Independent draws practically never fall so."
    )
    return Evidence(cases, measured, explanation, _figure())


def learning() -> Evidence:
    """R66."""
    zero, flower = {a: from_zeros(a) for a in ("tanh", "relu")}, trained()
    sigmoid = from_zeros("sigmoid", "planar, unbalanced")
    slow, large = trained("circles", rate=PLAIN_RATE), trained(init=f"normal({LARGE})")
    measured = {
        "base_rate": flower.base_rate,
        "cost_zeros_tanh": zero["tanh"].final_cost,
        "cost_zeros_relu": zero["relu"].final_cost,
        "cost_random_flower": flower.final_cost,
        "accuracy_random_flower": flower.accuracy,
        "base_rate_unbalanced": sigmoid.base_rate,
        "cost_zeros_sigmoid_unbalanced": sigmoid.final_cost,
        "moved_zeros_sigmoid_unbalanced": float(np.abs(sigmoid.last.network.weights[0]).max()),
        "cost_random_circles": slow.final_cost,
        "cost_random_100": large.final_cost,
        "scale_small": SMALL,
        "scale_large": LARGE,
        "iterations": len(slow.costs) - 1,
        "sigmoid_at_zero": float(activations.get("sigmoid")(0.0)),
    }
    stuck = not any(course.learned.any() for course in zero.values())
    cases = (
        Case("the units are tanh or ReLU, and 0.01 meets the flower data", stuck and bool(flower.learned.all())),
        Case("sigmoid units start from zeros on unbalanced labels", not sigmoid.learned.any()),
        Case(f"0.01 meets the circles at a rate of {PLAIN_RATE:g}", bool(slow.learned.all())),
        Case("the random weights are of size 100", bool(large.learned.all())),
    )
    explanation = (
        f"From zeros tanh and ReLU stay at the cost of guessing, {measured['base_rate']:.3f}, while random weights of "
        f"0.01 reach {measured['cost_random_flower']:.3f} on the flower. But sigmoid units, which answer 0.5 at 0, do "
        f"move from zeros when one class is rarer: the cost falls from {measured['base_rate_unbalanced']:.3f} to "
        f"{measured['cost_zeros_sigmoid_unbalanced']:.3f}, with all units equal. And random is not yet successful: on "
        f"the circles 0.01 is still at {measured['cost_random_circles']:.3f} after {len(slow.costs) - 1} iterations, "
        f"and weights of size 100 end at {measured['cost_random_100']:.3f} on the flower."
    )
    return Evidence(cases, measured, explanation, _costs(zero["tanh"], flower, slow, large))


def gradient_rows() -> Evidence:
    """R67."""
    spreads = {
        f"largest_row_difference_zeros_{activation}": _largest_spread(activation) for activation in ("tanh", "relu")
    }
    spreads["largest_row_difference_zeros_sigmoid"] = _largest_spread("sigmoid")
    sigmoid, random = from_zeros("sigmoid", "planar, unbalanced"), trained()
    measured = {
        **spreads,
        "largest_entry_zeros_sigmoid": float(np.abs(sigmoid.last.gradient.weights[0]).max()),
        "smallest_row_difference_random": _smallest_distance(random.first.gradient.weights[0]),
        "smallest_row_difference_random_end": _smallest_distance(random.last.gradient.weights[0]),
    }
    cases = (
        *(Case(f"{name.rsplit('_', 1)[1]} units start from zeros", spread == 0) for name, spread in spreads.items()),
        Case("the start is random", measured["smallest_row_difference_random"] > 0),
        Case("a random start has been trained", measured["smallest_row_difference_random_end"] > 0),
    )
    explanation = (
        "From zeros the rows of dW1 were equal to the last bit at every step. For tanh and ReLU they are equal "
        "because they are zero; for sigmoid units on unbalanced labels they are equal and not zero (up to "
        f"{measured['largest_entry_zeros_sigmoid']:.2g} at the end). From random weights the two most similar rows "
        f"differ by {measured['smallest_row_difference_random']:.2g} at the start."
    )
    return Evidence(cases, measured, explanation)


def _largest_spread(activation: str) -> float:
    """Return the largest difference between rows of dW1 in a descent from zeros, on unbalanced labels."""
    on = data("planar, unbalanced")
    network = Network.initialize((2, UNITS, 1), "zeros", seed=0, activation=activation)
    steps = descend(network, on.X, on.Y, iterations=300, learning_rate=1.2, arithmetic="unitwise")
    return max(float(np.abs(step.gradient.weights[0] - step.gradient.weights[0][:1]).max()) for step in steps)


def _smallest_distance(stacked: Array) -> float:
    pairs = np.triu_indices(stacked.shape[1], 1)
    return float(min(np.abs(w[pairs[0]] - w[pairs[1]]).max(axis=1).min() for w in stacked))


@functools.cache
def positive_flower() -> Dataset:
    """Return the flower moved so that all inputs are positive, like pixels."""
    flower = data("planar")
    return replace(flower, name="planar, positive", X=flower.X - flower.X.min(axis=1, keepdims=True))


def effective_units() -> Evidence:
    """R68."""
    zero, random = from_zeros(), trained()
    wide = 20
    tiny = trained("blobs", TINY, hidden=(wide,), iterations=10)
    nets = [Network.initialize((2, wide, 1), "normal(0.01)", seed=seed, activation="relu") for seed in range(5)]
    dead = train(nets, positive_flower(), iterations=0, rate=1.2)
    measured = {
        "units_zeros": int(zero.units(zero.last).max()),
        "units_random_start": int(random.units(random.first).min()),
        "units_random_end": int(random.units(random.last).min()),
        "wide_units": wide,
        "scale_tiny": TINY_SCALE,
        "directions_tiny_start": directions(tiny.first.network[0]),
        "directions_tiny_after_10": directions(tiny.last.network[0]),
        "dead_units_positive_inputs": float(np.median(measures.dead_share(dead.first.network, dead.first.forward)))
        * wide,
    }
    counted = measured["units_zeros"] == 1 and measured["units_random_start"] == measured["units_random_end"] == UNITS
    enough = measured["directions_tiny_after_10"] >= measured["directions_tiny_start"]
    cases = (
        Case("units count as different as soon as any bit differs", counted),
        Case("only different directions count, ten steps after a start of size 0.0001", enough),
        Case("the units are ReLU and all inputs positive", measured["dead_units_positive_inputs"] == 0),
    )
    explanation = (
        f"From zeros one unit is left, from random weights all {UNITS}, before and after training. But a different "
        f"unit need not be a useful one. From weights of size 0.0001 the {wide} units, which point in "
        f"{measured['directions_tiny_start']} directions at first, all turn into "
        f"{measured['directions_tiny_after_10']} after ten steps: the first gradient outweighs what was drawn. And "
        f"where all inputs are positive, {measured['dead_units_positive_inputs']:.0f} of {wide} ReLU units answer "
        "zero to every example and never learn."
    )
    return Evidence(cases, measured, explanation, counted_in_training(wide, (TINY, f"normal({SMALL})", "xavier")))


def diversity() -> Evidence:
    """R69."""
    zero, sigmoid = from_zeros(), from_zeros("sigmoid", "planar, unbalanced")
    flower, plateau = trained(), trained("circles", TINY, hidden=(20,), iterations=200)
    measured = {
        "features_zeros": participation_ratio(_hidden(zero.last)),
        "features_zeros_sigmoid": participation_ratio(_hidden(sigmoid.last)),
        "features_random": min(participation_ratio(_hidden(flower.last, i)) for i in range(5)),
        "features_tiny_on_plateau": max(participation_ratio(_hidden(plateau.last, i)) for i in range(5)),
        "plateau_units": 20,
        "plateau_steps": len(plateau.costs) - 1,
        "scale_small": SMALL,
        "scale_tiny": TINY_SCALE,
    }
    none = max(measured["features_zeros"], measured["features_zeros_sigmoid"]) < DIVERSE
    cases = (
        Case("a start of 0.01 has learned the flower", none and measured["features_random"] >= DIVERSE),
        Case("a start of 0.0001 is still on its plateau", none and measured["features_tiny_on_plateau"] >= DIVERSE),
    )
    explanation = (
        "The participation ratio counts how many independent features the hidden answers hold. From zeros it is "
        f"{measured['features_zeros']:.2f} for tanh and {measured['features_zeros_sigmoid']:.2f} for sigmoid units; "
        f"after the flower was learned from 0.01 it is at least {measured['features_random']:.2f}. Random units can "
        f"lose it for a while: from 0.0001, after 200 steps on the circles, {measured['plateau_units']} units hold "
        f"{measured['features_tiny_on_plateau']:.2f} features."
    )
    return Evidence(cases, measured, explanation)


def use() -> Evidence:
    """R70."""
    distinct = train([grid_network()], data("planar"), iterations=2000, rate=1.2)
    runs = {
        "zeros": from_zeros(),
        "zeros_without_hidden_layer": trained("moons", "zeros", hidden=()),
        "only_w2_zero": trained(init=("normal(0.01)", "zeros")),
        "only_w1_zero": trained(init=("zeros", "normal(0.01)")),
        "distinct_not_random": distinct,
        "random": trained(),
    }
    measured = {f"cost_{name}": course.final_cost for name, course in runs.items()}
    measured["base_rate"] = runs["random"].base_rate
    learns = {name: bool(course.learned.all()) for name, course in runs.items()}
    cases = (
        Case("all weights are zero and hidden units are tanh or ReLU", learns["random"] and not learns["zeros"]),
        Case("there is no hidden layer", not learns["zeros_without_hidden_layer"]),
        Case("only W2 is zero", not learns["only_w2_zero"]),
        Case("only W1 is zero, with tanh", not learns["only_w1_zero"]),
        Case("the weights are all different without being random", not learns["distinct_not_random"]),
    )
    explanation = (
        f"With all weights zero the cost stays at {measured['cost_zeros']:.3f}; a random start reaches "
        f"{measured['cost_random']:.3f}. The rule is stricter than need be: with zeros in W2 alone the cost falls to "
        f"{measured['cost_only_w2_zero']:.3f}, with zeros in W1 alone to {measured['cost_only_w1_zero']:.3f}, and "
        f"with weights spread evenly over a circle, nothing random, to {measured['cost_distinct_not_random']:.3f}. "
        "Without a hidden layer zeros are a perfectly good start."
    )
    return Evidence(cases, measured, explanation)


def grid_network() -> Network:
    """Return a 2-4-1 network whose weights are all different and nothing random: directions spread evenly."""
    angles = np.pi * np.arange(UNITS) / UNITS + 0.3
    incoming = 0.01 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return Network.from_arrays([incoming, 0.01 * np.cos(np.arange(UNITS))[None]], activation="tanh")


def _costs(zero: Course, *random: Course) -> Figure:
    names = ("0.01, flower", f"0.01, circles, rate {PLAIN_RATE:g}", "100, flower")
    series = [
        Series(name, np.arange(len(c.costs), dtype=float), np.median(c.costs, axis=1))
        for name, c in zip(names, random, strict=True)
    ]
    zeros = Series("zeros, flower", np.arange(len(zero.costs), dtype=float), zero.costs[:, 0])
    chart = Chart(
        "Cost while training", "iteration", "cost", (zeros, *series), y_scale="log",
        markers=(("y", zero.base_rate, "guessing"),),
    )  # fmt: skip
    return still(
        "Zero and random starts", "Cost curves: zeros stay at the cost of guessing; random starts differ.", chart
    )


def _figure() -> Figure:
    return still("Zero against random, measured", "The lesson's table, each cell filled in by a run.", comparison())


def comparison() -> Table:
    """Return the lesson's table with what was measured on the flower, 2-4-1, tanh, rate 1.2."""
    pair = from_zeros(), trained()
    distances = [_smallest_distance(course.first.gradient.weights[0]) for course in pair]

    def row(aspect: str, *cells: str) -> tuple[str, ...]:
        return (aspect, *cells)

    return Table(
        "2-4-1 tanh network on the flower, 0.01 against zeros",
        ("aspect", "zeros", "random"),
        (
            row("different units at the start", *(f"{int(c.units(c.first).min())} of {UNITS}" for c in pair)),
            row("cost after training", *(f"{c.final_cost:.3f}" for c in pair)),
            row("accuracy", *(f"{c.accuracy:.1%}" for c in pair)),
            row("smallest difference of rows of dW1", *(f"{d:.2g}" for d in distances)),
            row("different units at the end", *(f"{int(c.units(c.last).min())} of {UNITS}" for c in pair)),
            row("independent features", *(f"{participation_ratio(_hidden(c.last)):.2f}" for c in pair)),
            row("leaves the cost of guessing", *("yes" if c.learned.all() else "no" for c in pair)),
        ),
    )  # fmt: skip


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "R65",
        "table",
        "A zero start leaves all hidden units alike; a random start makes every one different.",
        symmetry,
    ),
    Claim("R66", "table", "Nothing is learned from a zero start, while a random start leads to success.", learning),
    Claim("R67", "table", "The rows of dW1 coincide under a zero start and differ under a random one.", gradient_rows),
    Claim(
        "R68", "table", "A zero start leaves one effective unit; with a random start each unit counts.", effective_units
    ),
    Claim("R69", "table", "Only a random start yields a variety of features.", diversity),
    Claim("R70", "table", "A network must never start from zeros and always from random numbers.", use),
)
