"""What a learner can do after the week: each function of the house with the check that it passes."""

from __future__ import annotations

import math

import numpy as np

from symbreak.lesson.claim import Case, Claim, Evidence
from symbreak.lesson.figures import Chart, Series, still
from symbreak.lesson.measuring import Array, data
from symbreak.network import Network, backward, cost, course, descend, forward

# Central differences with this step are wrong by about eps^(2/3) of the cost: the third derivative's share and the
# rounding's are then alike. A hundred times that leaves room for their constants.
STEP: float = float(np.finfo(float).eps) ** (1 / 3)
DIFFERENCE_TOLERANCE = 100 * STEP**2
# A sum of n products is rounded n times or less: the sizes below are under 400.
ROUNDING = 400 * float(np.finfo(float).eps)
SIZES = (3, 4, 2)


def _example(sizes: tuple[int, ...] = (2, 4, 1), activation: str = "tanh", loss: str = "cross-entropy") -> Network:
    return Network.initialize(sizes, "normal(0.5)", seed=1, activation=activation, loss=loss, bias_init="normal(0.1)")


def set_up() -> Evidence:
    """R89."""
    x, y = np.zeros((SIZES[0], 5)), np.zeros((SIZES[2], 5))
    sizes = course.layer_sizes(x, y, n_h=SIZES[1])
    flower = data("planar")
    network = Network.initialize(course.layer_sizes(flower.X, flower.Y), "normal(0.01)", seed=0)
    measured = {
        **{f"n_{name}": n for name, n in zip(("x", "h", "y"), sizes, strict=True)},
        "answers_on_flower": forward(network, flower.X).answer.shape[1],
        "examples_of_flower": flower.samples,
    }
    cases = (
        Case("the three sizes differ", sizes == SIZES),
        Case("the data is the flower", network.sizes == (2, 4, 1) and measured["answers_on_flower"] == flower.samples),
    )
    explanation = (
        f"layer_sizes reads n_x = {measured['n_x']} and n_y = {measured['n_y']} off the data, columns being examples, "
        f"and takes n_h = {measured['n_h']} from us. On the flower the network so set up gives "
        f"{measured['answers_on_flower']} answers for {measured['examples_of_flower']} examples."
    )
    return Evidence(cases, measured, explanation)


def initialization() -> Evidence:
    """R90."""
    n_x, n_h, n_y = 300, 40, 5
    parameters = course.initialize_parameters(n_x, n_h, n_y, seed=0)
    again, other = (course.initialize_parameters(n_x, n_h, n_y, seed=seed) for seed in (0, 1))
    w = parameters["W1"]
    measured = {
        "scale": 0.01,
        "mean": float(w.mean()),
        "std": float(w.std()),
        "largest_bias": max(float(np.abs(parameters[key]).max()) for key in ("b1", "b2")),
        "weights": w.size,
        "same_seed_same_weights": bool(np.array_equal(w, again["W1"])),
        "other_seed_other_weights": bool(not np.array_equal(w, other["W1"])),
    }
    # Five standard errors: of a mean s / sqrt(n), of a standard deviation s / sqrt(2 n).
    scaled = abs(measured["mean"]) < 5 * 0.01 / math.sqrt(w.size)
    spread = abs(measured["std"] / 0.01 - 1) < 5 / math.sqrt(2 * w.size)
    shapes = [array.shape for array in parameters.values()]
    cases = (
        Case("shapes are looked at", shapes == [(n_h, n_x), (n_h, 1), (n_y, n_h), (n_y, 1)]),
        Case("the weights' distribution is looked at", bool(scaled and spread and not measured["largest_bias"])),
        Case("seeds are changed", bool(measured["same_seed_same_weights"] and measured["other_seed_other_weights"])),
    )
    explanation = (
        f"The {measured['weights']} weights of W1 have mean {measured['mean']:.2g} and standard deviation "
        f"{measured['std']:.3g}, both within five standard errors of 0 and 0.01; the biases are exactly "
        f"{measured['largest_bias']:g}. The same seed gives the same weights, another seed others."
    )
    return Evidence(cases, measured, explanation)


def forward_pass() -> Evidence:
    """R91."""
    flower = data("planar")
    parameters = course.to_parameters(_example())
    answer, cache = course.forward_propagation(flower.X, parameters)
    one_by_one = np.array([_by_hand(parameters, x) for x in flower.X.T])
    wide = forward(_example((2, 4, 3)), flower.X).answer
    measured = {
        "largest_difference": float(np.abs(answer[0] - one_by_one).max()),
        "smallest_answer": float(answer.min()),
        "largest_answer": float(answer.max()),
        "softmax_sum_error": float(np.abs(wide.sum(axis=0) - 1).max()),
        "hidden_rows": cache["A1"].shape[0],
    }
    cases = (
        Case("it is compared with one example at a time", measured["largest_difference"] <= ROUNDING),
        Case("the answers are probabilities", measured["smallest_answer"] > 0 and measured["largest_answer"] < 1),
        Case("there are several classes", measured["softmax_sum_error"] <= ROUNDING),
    )
    explanation = (
        "All examples at once, as matrices, give what a loop over examples and units gives: the largest difference "
        f"is {measured['largest_difference']:.1g}. The answers lie between {measured['smallest_answer']:.3f} and "
        f"{measured['largest_answer']:.3f}; with three classes they add up to 1 within "
        f"{measured['softmax_sum_error']:.1g}."
    )
    return Evidence(cases, measured, explanation)


def _by_hand(parameters: dict[str, Array], x: Array) -> float:
    """Answer one example in plain numbers, unit by unit."""
    z = float(parameters["b2"][0, 0])
    for unit, outgoing in enumerate(parameters["W2"][0]):
        inner = sum(float(w) * float(v) for w, v in zip(parameters["W1"][unit], x, strict=True))
        z += float(outgoing) * math.tanh(inner + float(parameters["b1"][unit, 0]))
    return 1 / (1 + math.exp(-z))


def gradients() -> Evidence:
    """R92."""
    tried = {
        "tanh": _example(),
        "sigmoid": _example(activation="sigmoid"),
        "squared_error": _example(loss="squared-error(sigmoid)"),
        "two_hidden_layers": _example((2, 4, 3, 1)),
    }
    errors = {name: _gradient_error(network) for name, network in tried.items()}
    measured = {f"error_{name}": error for name, error in errors.items()} | {"tolerance": DIFFERENCE_TOLERANCE}
    conditions = (
        "hidden units are tanh", "hidden units are sigmoid", "the loss is the squared error", "there are two hidden "
        "layers"
    )  # fmt: skip
    cases = tuple(
        Case(when, error <= DIFFERENCE_TOLERANCE) for when, error in zip(conditions, errors.values(), strict=True)
    )
    explanation = (
        "Each parameter was moved a little up and down, and the difference of the two costs gives its slope. For all "
        f"parameters together, that and backpropagation differ by at most {max(errors.values()):.1g} of the "
        "gradient's length, over two activations, two losses and two depths; what rounding allows is "
        f"{measured['tolerance']:.1g}."
    )
    return Evidence(cases, measured, explanation)


def _gradient_error(network: Network) -> float:
    """Return |backpropagation - differences| / (|backpropagation| + |differences|), over all parameters."""
    flower = data("planar")
    x, y = flower.X[:, ::10], flower.Y[:, ::10]
    exact = backward(network, forward(network, x), y).parameters
    found = [np.empty_like(array) for array in exact]
    for place, array in enumerate(network.parameters):
        for index in np.ndindex(array.shape):
            found[place][index] = _slope(network, place, index, x, y)
    a, b = (np.concatenate([array.ravel() for array in arrays]) for arrays in (exact, found))
    return float(np.linalg.norm(a - b) / (np.linalg.norm(a) + np.linalg.norm(b)))


def _slope(network: Network, place: int, index: tuple[int, ...], x: Array, y: Array) -> float:
    costs: list[float] = []
    for step in (STEP, -STEP):
        moved = [array.copy() for array in network.parameters]
        moved[place][index] += step
        other = network.with_parameters(moved)
        costs.append(float(cost(other, forward(other, x), y)))
    return (costs[0] - costs[1]) / (2 * STEP)


def descent() -> Evidence:
    """R93."""
    rates = {"small": 0.1, "large": 50.0}
    costs = {name: _cost_curve(rate) for name, rate in rates.items()}
    rises = {name: int((np.diff(curve) > 0).sum()) for name, curve in costs.items()}
    measured = {
        **{f"rate_{name}": rate for name, rate in rates.items()},
        **{f"rises_{name}": count for name, count in rises.items()},
        "first_cost": float(costs["small"][0]),
        "last_cost_small": float(costs["small"][-1]),
        "beside_the_promise": abs(_promised() - 1),
        "steps": len(costs["small"]) - 1,
    }
    cases = (
        Case("one update is compared with W - rate dW", _exact_update()),
        Case("the rate is small, and the cost must never rise", rises["small"] == 0),
        Case("the rate is tiny, and the cost falls as the gradient promises", measured["beside_the_promise"] < 0.01),
    )
    explanation = (
        f"At a rate of {rates['small']:g} the cost on the flower fell at each of {measured['steps']} steps, from "
        f"{measured['first_cost']:.3f} to {measured['last_cost_small']:.3f}. For a tiny step it falls by the rate "
        f"times the gradient's squared length, up to a part of {measured['beside_the_promise']:.1g}. At a rate of "
        f"{rates['large']:g} it rose {rises['large']} times: gradient descent goes down only while steps are short."
    )
    chart = Chart(
        "Cost while training", "iteration", "cost",
        tuple(Series(f"rate {rates[name]:g}", np.arange(len(c), dtype=float), c) for name, c in costs.items()),
    )  # fmt: skip
    return Evidence(
        cases, measured, explanation, still("A small and a large rate", "Only the small rate falls.", chart)
    )


def _exact_update() -> bool:
    flower = data("planar")
    parameters = course.to_parameters(_example())
    passed = course.forward_propagation(flower.X, parameters)[1]
    grads = course.backward_propagation(flower.X, flower.Y, parameters, passed)
    new = course.update_parameters(parameters, grads, 0.5)
    return all(np.array_equal(new[key], value - 0.5 * grads[f"d{key}"]) for key, value in parameters.items())


def _cost_curve(rate: float) -> Array:
    flower = data("planar")
    steps = descend(_example(), flower.X, flower.Y, iterations=200, learning_rate=rate)
    return np.array([float(step.cost) for step in steps])


def _promised() -> float:
    """Return the measured fall of the cost in one tiny step over rate * |gradient|^2."""
    flower, rate = data("planar"), 1e-4
    before, after = descend(_example(), flower.X, flower.Y, iterations=1, learning_rate=rate)
    squared = sum(float((array**2).sum()) for array in before.gradient.parameters)
    return float(before.cost - after.cost) / (rate * squared)


CLAIMS: tuple[Claim, ...] = (
    Claim("R89", "functions", "One can now lay out a network with one hidden layer.", set_up),
    Claim("R90", "functions", "One can now give its parameters a right start.", initialization),
    Claim("R91", "functions", "One can now compute its predictions.", forward_pass),
    Claim("R92", "functions", "One can now compute the derivatives of its cost.", gradients),
    Claim("R93", "functions", "One can now train it by gradient descent.", descent),
)
