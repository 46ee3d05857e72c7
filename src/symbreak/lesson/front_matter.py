"""What the lesson says of itself: its place in the course, and why a start matters (R1 to R5)."""

from __future__ import annotations

import itertools
from typing import Literal

import numpy as np

from symbreak import datasets
from symbreak.datasets import Dataset
from symbreak.experiments import measures
from symbreak.experiments.verdict import PLATEAU
from symbreak.lesson import tied
from symbreak.lesson.claim import Case, Claim, Evidence, Number
from symbreak.lesson.figures import Chart, Figure, Frame, Series, Table, still
from symbreak.lesson.measuring import Course, data, trained
from symbreak.lesson.tied import RATE
from symbreak.network import Network, Step, course

STARTS = ("zeros", "normal(0.01)", "xavier", "normal(100)")
ZERO, RANDOM = "zeros", "normal(0.01)"


def whole_network() -> Evidence:
    """R1."""
    flower, updates = data("planar"), 200
    n_x, n_h, n_y = course.layer_sizes(flower.X, flower.Y)
    parameters, costs = course.initialize_parameters(n_x, n_h, n_y, seed=0), []
    for _ in range(updates):
        answer, cache = course.forward_propagation(flower.X, parameters)
        costs.append(course.compute_cost(answer, flower.Y))
        gradient = course.backward_propagation(flower.X, flower.Y, parameters, cache)
        parameters = course.update_parameters(parameters, gradient, learning_rate=RATE)
    model = course.nn_model(flower.X, flower.Y, n_h, num_iterations=updates, learning_rate=RATE, seed=0)
    found = {
        "updates": updates,
        "hidden_units": n_h,
        "cost_at_start": costs[0],
        "cost_at_end": costs[-1],
        "difference_from_model": max(tied.largest(model[key] - parameters[key]) for key in model),
        "accuracy": float((course.predict(parameters, flower.X) == flower.Y).mean()),
    }
    return Evidence(
        (
            Case("its steps, called one by one, are the whole training", found["difference_from_model"] <= tied.AGREE),
            Case("the training lowers the cost", costs[-1] < costs[0]),
        ),
        found,
        f"Sizes, start, forward pass, cost, backward pass and update are six functions. Called in a loop of {updates} "
        f"updates on the flower data, with {n_h} hidden units, they bring the cost from {costs[0]:.3g} to "
        f"{costs[-1]:.3g} and get {found['accuracy']:.1%} of the points right. The single function that does it all "
        f"ends at weights that differ by at most {found['difference_from_model']:.2g}.",
    )


def start_matters() -> Evidence:
    """R2."""
    settings = {
        "the network has one hidden layer": ("one_layer", (4,), RATE),
        "it has two": ("two_layers", (4, 4), RATE),
        "the learning rate is a tenth": ("slow", (4,), RATE / 10),
    }
    found: dict[str, Number] = {}
    cases, frames = [], []
    for when, (key, hidden, rate) in settings.items():
        runs = [trained("planar", init, hidden=hidden, seeds=3, iterations=300, rate=rate) for init in STARTS]
        found |= {f"{key}_best": min(r.final_cost for r in runs), f"{key}_worst": max(r.final_cost for r in runs)}
        found |= {"base_rate": runs[0].base_rate, "updates": len(runs[0].costs) - 1}
        cases.append(Case(when, any(r.learned.all() for r in runs) and not all(r.learned.any() for r in runs)))
        frames.append(Frame(key.replace("_", " "), (_cost_curves(runs),)))
    return Evidence(
        tuple(cases),
        found,
        f"Networks that share data, rate and number of updates ({found['updates']}) and differ in their start only "
        f"were trained on the flower data. The best start ends at a cost of {found['one_layer_best']:.3g}, the worst "
        f"at {found['one_layer_worst']:.3g}; guessing costs {found['base_rate']:.3g}. With one hidden layer more it "
        f"is {found['two_layers_best']:.3g} against {found['two_layers_worst']:.3g}. Some starts learn under every "
        "seed, and some under none: the start decides.",
        Figure(
            "One network, four starts",
            "Cost curves of four initializations on the flower data, with bands over three seeds.",
            tuple(frames),
            "setting",
        ),
    )


def _cost_curves(runs: list[Course]) -> Chart:
    series = []
    for init, run in zip(STARTS, runs, strict=True):
        x, low, high = np.arange(len(run.costs), dtype=float), run.costs.min(axis=1), run.costs.max(axis=1)
        series.append(Series(init, x, np.median(run.costs, axis=1), low=low, high=high))
    guessing: tuple[Literal["y"], float, str] = ("y", runs[0].base_rate, "guessing")
    return Chart("Cost of training", "update", "cost", tuple(series), y_scale="log", markers=(guessing,))


def logistic_regression() -> Evidence:
    """R3."""
    updates, rate = 400, 0.5
    overlapping, separated = data("planar"), _two_clouds()
    zero, small, large = (_regression(start, overlapping, updates, rate) for start in (ZERO, RANDOM, "normal(10)"))
    apart = [_apart(zero, other) for other in (small, large)]
    line, drawn = (_regression(start, separated, updates, rate) for start in (ZERO, RANDOM))
    found = {
        "updates": updates,
        "gradient_at_zero": tied.largest(_regression(ZERO, overlapping, 0, rate).gradient.weights[0]),
        "final_cost_zeros": float(zero.cost),
        "final_cost_random": float(small.cost),
        "difference_small": apart[0],
        "difference_large": apart[1],
        "separable_accuracy_zeros": _accuracy(line, separated),
        "separable_accuracy_random": _accuracy(drawn, separated),
    }
    found |= {"separable_cost_zeros": float(line.cost), "separable_base_rate": _guessing(separated)}
    learned = found["separable_cost_zeros"] <= PLATEAU * found["separable_base_rate"]
    right = found["separable_accuracy_zeros"] >= found["separable_accuracy_random"]
    return Evidence(
        (
            Case("the random start is small", apart[0] <= tied.AGREE),
            Case("the random start is large", apart[1] <= tied.AGREE),
            Case("a line separates the classes", learned and right),
        ),
        found,
        "Without a hidden layer there are no units to be equal: at zero the gradient is already "
        f"{found['gradient_at_zero']:.3g}, one number for each input. After {updates} updates a zero start and a "
        f"random one have the same cost, {found['final_cost_zeros']:.6g} and {found['final_cost_random']:.6g}; their "
        f"weights and bias differ by {apart[0]:.2g}, and by {apart[1]:.2g} from a start a thousand times as large. "
        "The cost is a bowl with one lowest point, and every start rolls into it. Where a line separates the "
        f"classes there is no lowest point, yet both starts get {found['separable_accuracy_zeros']:.0%} right.",
    )


def _two_clouds() -> Dataset:
    """Two corners of the XOR data, of different classes: a line separates them."""
    xor = datasets.load("xor")
    return datasets.from_rows(xor.X[:, :100].T, xor.Y[0, :100].astype(int), name="two corners")


def _regression(start: str, on: Dataset, updates: int, rate: float) -> Step:
    return tied.after(Network.initialize((2, 1), start, seed=0), on, updates, rate=rate, arithmetic="blas")


def _apart(one: Step, other: Step) -> float:
    pairs = zip(one.network.parameters, other.network.parameters, strict=True)
    return max(tied.largest(a - b) for a, b in pairs)


def _guessing(on: Dataset) -> float:
    return measures.base_rate(on.Y, loss="cross-entropy")


def _accuracy(step: Step, on: Dataset) -> float:
    return float(measures.accuracy(step.network, step.forward, on.Y, regression=False)[0])


def randomness() -> Evidence:
    """R4."""
    flower, updates = data("planar"), 300
    starts = {"zeros": _four_units(ZERO), "same": _four_units(tied.SAME), "drawn": _four_units(RANDOM)}
    # Four directions a quarter turn apart, and outgoing weights of both signs: nothing is drawn.
    turns = np.arange(4) * np.pi / 2 + 0.3
    by_hand = [0.01 * np.column_stack([np.cos(turns), np.sin(turns)]), 0.01 * np.array([[1.0, -1.0, 1.0, -1.0]])]
    starts["by_hand"] = Network.from_arrays(by_hand, activation="tanh")
    ends = {name: tied.after(network, flower, updates) for name, network in starts.items()}
    found: dict[str, Number] = {"updates": updates}
    for name, end in ends.items():
        found |= {f"units_{name}": tied.units(end), f"cost_{name}": float(end.cost)}
        found |= {f"accuracy_{name}": _accuracy(end, flower)}
    bound = PLATEAU * _guessing(flower)
    works = {name: tied.units(end) > 1 and float(end.cost) <= bound for name, end in ends.items()}
    return Evidence(
        (
            Case("zeros are put in their place", not works["zeros"]),
            Case("one number is put in the place of all", not works["same"]),
            Case("distinct numbers that nobody drew are put there", not works["by_hand"]),
        ),
        found,
        f"What is needed is difference; chance is only the easiest way to it. After {updates} updates zeros do the "
        f"work of {found['units_zeros']} unit and equal weights that of {found['units_same']}. Four directions set "
        f"down by a formula are {found['units_by_hand']} different units and reach {found['accuracy_by_hand']:.1%}, "
        f"as good as the random start with {found['accuracy_drawn']:.1%}. A formula needs thought at every size of "
        "layer, and randomness does not: this is why everyone draws.",
    )


def _four_units(init: str, *, activation: str = "tanh") -> Network:
    return Network.initialize((2, 4, 1), init, seed=0, activation=activation)


def which_parts_are_random() -> Evidence:
    """R5."""
    few, updates = data("planar, unbalanced"), 500
    ends = {
        (activation, *parts): tied.after(_mixed(parts, activation), few, updates, arithmetic="blas")
        for activation in ("tanh", "relu")
        for parts in itertools.product((ZERO, RANDOM), repeat=3)
    }
    base = _guessing(few)
    works = {key: tied.units(end) > 1 and float(end.cost) <= PLATEAU * base for key, end in ends.items()}
    found: dict[str, Number] = {"updates": updates, "base_rate": base, "combinations": len(works)}
    found |= {f"cost_{_name(key)}": float(end.cost) for key, end in ends.items()}
    found |= {f"units_{_name(key)}": tied.units(end) for key, end in ends.items()}
    found["combinations_that_learn"] = sum(works.values())
    both = all(works[g, RANDOM, bias, RANDOM] for g in ("tanh", "relu") for bias in (ZERO, RANDOM))
    return Evidence(
        (
            Case("all weights are random, whatever the biases", both),
            Case("weights and biases are all zero", not any(works[g, ZERO, ZERO, ZERO] for g in ("tanh", "relu"))),
            Case("W1 and b1 are zero with ReLU, whose slope at 0 is taken as 0", not works["relu", ZERO, ZERO, RANDOM]),
            Case("W1 alone is zero with tanh", not works["tanh", ZERO, ZERO, RANDOM]),
            Case("W2 alone is zero", not all(works[g, RANDOM, ZERO, ZERO] for g in ("tanh", "relu"))),
            Case("only b1 is random, with tanh", not works["tanh", ZERO, RANDOM, ZERO]),
        ),
        found,
        "Each of W1, b1 and W2 was zero or random, with tanh and with ReLU. Zero biases do no harm: with random "
        f"weights tanh ends at {found['cost_tanh_random_zero_random']:.3g} with them and at "
        f"{found['cost_tanh_random_random_random']:.3g} without, where guessing costs {base:.3g}. But not every "
        f"weight must be random: {found['combinations_that_learn']} of {found['combinations']} combinations learn. "
        f"Random biases alone give {found['units_tanh_zero_random_zero']} different tanh units, and one random layer "
        "of the two is enough. A ReLU layer of zeros, biases too, is the exception: it passes no gradient on, so "
        "nothing can part its units.",
        _combinations(ends, works),
    )


def _mixed(parts: tuple[str, ...], activation: str) -> Network:
    w1, b1, w2 = parts
    network = Network.initialize((2, 4, 1), (w1, w2), seed=0, activation=activation)
    biases = Network.initialize((2, 4, 1), ZERO, bias_init=b1, seed=0).biases[0]
    return network.with_parameters([network.weights[0], biases, network.weights[1], network.biases[1]])


def _name(key: tuple[str, ...]) -> str:
    return "_".join("random" if part == RANDOM else "zero" if part == ZERO else part for part in key)


def _combinations(ends: dict[tuple[str, ...], Step], works: dict[tuple[str, ...], bool]) -> Figure:
    rows = tuple(
        (*_name(key).split("_"), str(tied.units(end)), f"{float(end.cost):.3g}", "yes" if works[key] else "no")
        for key, end in ends.items()
    )
    columns = ("activation", "W1", "b1", "W2", "different units", "final cost", "learns")
    table = Table("Which of W1, b1, W2 is random", columns, rows)
    return still("Zero or random, part by part", "A table of all combinations and what became of them.", table)


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "R1",
        "front",
        "The lesson closes the week on networks with one hidden layer, whose parts are put together here.",
        whole_network,
        convention=True,
    ),
    Claim("R2", "front", "How the weights start decides whether a network learns at all.", start_matters),
    Claim("R3", "front", "Logistic regression may start from zeros.", logistic_regression),
    Claim("R4", "front", "A network with hidden units cannot do without random weights.", randomness),
    Claim("R5", "front", "Biases may start at zero; weights may not, they have to be random.", which_parts_are_random),
)
