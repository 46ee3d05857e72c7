"""Why not zero: the lesson's first figure and its forward pass (R6 to R14)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.datasets import Dataset
from symbreak.errors import InvalidShape
from symbreak.lesson import tied
from symbreak.lesson.claim import Case, Claim, Evidence, Number
from symbreak.lesson.figures import Bars, Diagram, Figure, Frame
from symbreak.lesson.measuring import data
from symbreak.lesson.tied import lesson_net
from symbreak.network import Network, Step, course, forward

Array = NDArray[np.floating[Any]]

INPUTS_DRAWN = 3
"""How many inputs the right half of the lesson's first figure shows."""

THROUGH_ZERO = {"tanh": "tanh", "relu": "ReLU", "leaky_relu": "leaky ReLU"}
ACTIVATIONS = (*THROUGH_ZERO, "sigmoid")
UPDATES = 100


def figures_network() -> Evidence:
    """R6."""
    network, few = lesson_net(), data("planar, unbalanced")
    starts = {
        "zeros, tanh": network,
        "zeros, sigmoid": lesson_net(activation="sigmoid"),
        "random, tanh": lesson_net("normal(0.01)"),
    }
    n_x, n_h, n_y = network.sizes
    found = {"inputs": n_x, "hidden_units": n_h, "outputs": n_y, "weights": sum(w.size for w in network.weights)}
    frames = [Frame(name, _before_and_after(start, few)) for name, start in starts.items()]
    return Evidence(
        (Case("built by the preset `lesson_net`", network.sizes == (2, 2, 1)),),
        found,
        f"The figure's network has {n_x} inputs, {n_h} hidden units and {n_y} output, so {found['weights']} weights. "
        "It is small enough to carry every weight on its edge. The diagrams show it before and after training, from "
        "three starts; watch whether the two hidden units ever carry different numbers.",
        Figure(
            "The lesson's network with its weights",
            "Diagrams of the two-unit network before and after training, from zeros and from random weights.",
            tuple(frames),
            "start",
        ),
    )


def _before_and_after(network: Network, on: Dataset) -> tuple[Diagram, Diagram]:
    end = tied.after(network, on, UPDATES).network
    return _diagram("at the start", network), _diagram(f"after {UPDATES} updates", end)


def _diagram(title: str, network: Network) -> Diagram:
    return Diagram(title, network.weights, tuple(b[:, 0] for b in network.biases))


def third_input() -> Evidence:
    """R6b."""
    network = lesson_net()
    try:
        forward(network, np.ones((INPUTS_DRAWN, 1)))
        refused = False
    except InvalidShape:
        refused = True
    found = {"inputs": network.sizes[0], "inputs_drawn": INPUTS_DRAWN, "refused": refused}
    return Evidence(
        (Case("its inputs are counted", not refused and network.sizes[0] == INPUTS_DRAWN),),
        found,
        f"The text and the left half of the figure have {found['inputs']} inputs, the right half shows "
        f"{found['inputs_drawn']}. A network of the size in the text refuses an example with {found['inputs_drawn']} "
        "numbers. Nothing in the argument depends on it; the diagrams here are drawn from the arrays themselves.",
    )


def zero_arrays() -> Evidence:
    """R7."""
    arrays = course.initialize_parameters_zeros((2, 2, 1))
    shapes = {key: array.shape for key, array in arrays.items()}
    wanted = {"W1": (2, 2), "b1": (2, 1), "W2": (1, 2), "b2": (1, 1)}
    found: dict[str, Number] = {"arrays": len(arrays), "numbers": sum(a.size for a in arrays.values())}
    found["largest_entry"] = max(tied.largest(a) for a in arrays.values())
    return Evidence(
        (
            Case("a column for each bias, b2 too", shapes == wanted),
            Case("every entry is exactly zero", found["largest_entry"] == 0),
        ),
        found,
        f"A zero start of this network fills {found['arrays']} arrays with {found['numbers']} zeros. "
        "A row of W1 belongs to a unit and a column to an input. The lesson writes the output's bias as a plain zero; "
        "here it is an array of one row and one column, like every other bias.",
    )


def stays_zero() -> Evidence:
    """R8."""
    even, few = data("planar"), data("planar, unbalanced")
    ends = {
        (g, name): tied.after(lesson_net(activation=g), on, UPDATES)
        for g in ACTIVATIONS
        for name, on in (("even", even), ("uneven", few))
    }
    batched = tied.after(lesson_net(activation="sigmoid"), even, UPDATES, batch_size=64)
    found: dict[str, Number] = {f"w1_{g}_{name}": _w1(end) for (g, name), end in ends.items()}
    share = float(few.Y.mean())
    found |= {
        "updates": UPDATES,
        "w1_sigmoid_batches": _w1(batched),
        "output_bias": float(ends["tanh", "uneven"].network.biases[1][0, 0]),
        "log_odds": float(np.log(share / (1 - share))),
    }
    still = {g: found[f"w1_{g}_even"] == found[f"w1_{g}_uneven"] == 0 for g in THROUGH_ZERO}
    return Evidence(
        (
            *(Case(f"the units are {THROUGH_ZERO[g]}", holds) for g, holds in still.items()),
            Case(
                "they are sigmoid, the classes balanced and every update uses all examples",
                not _w1(ends["sigmoid", "even"]),
            ),
            Case("they are sigmoid and the classes unbalanced", not found["w1_sigmoid_uneven"]),
            Case("they are sigmoid and trained in mini-batches", not found["w1_sigmoid_batches"]),
        ),
        found,
        "The gradient of W1 is a product of three factors. At zero W2 is zero, so the first of them is; and W2 can "
        f"move only if the units answer something. Units that answer zero at zero never do: after {UPDATES} updates "
        f"the largest entry of W1 is {found['w1_tanh_uneven']:.3g} with tanh, and only the output's bias has moved, "
        f"to {found['output_bias']:.3g}, the log odds {found['log_odds']:.3g} of the classes. Sigmoid units answer a "
        f"half, so unbalanced classes move W2 and then W1, to {found['w1_sigmoid_uneven']:.3g}; mini-batches do so "
        f"as well, to {found['w1_sigmoid_batches']:.3g}.",
        _dead_centre(few),
    )


def _w1(step: Step) -> float:
    return tied.largest(step.network.weights[0])


def _dead_centre(on: Dataset) -> Figure:
    frames = []
    for updates in (0, 1, 2, UPDATES):
        steps = [tied.after(lesson_net(activation=g), on, updates) for g in ACTIVATIONS]
        heights = np.array([_factors(step) for step in steps])
        names = ("W2^T dZ2", "g'(Z1)", "X", "dW1")
        bars = Bars("largest entry of each factor", "size", names, heights, ACTIVATIONS, y_scale="symlog")
        frames.append(Frame(str(updates), (bars,)))
    return Figure(
        "Dead centre: which factor of dW1 is zero",
        "Bars for the factors W2^T dZ2, g'(Z1) and X of dW1, for four activations; at the start the first is zero.",
        tuple(frames),
        "updates",
        dial=True,
    )


def _factors(step: Step) -> tuple[float, ...]:
    network, gradient = step.network, step.gradient
    slope = network.activation.derivative(step.forward.pre_activations[0])
    pulled = network.weights[1].T @ gradient.deltas[1]
    return tuple(map(tied.largest, (pulled, slope, step.forward.activations[0], gradient.weights[0])))


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "R6",
        "zero",
        "The example is a network of two inputs, two hidden units and one output.",
        figures_network,
        convention=True,
    ),
    Claim("R6b", "zero", "The right half of the first figure shows the same network as the left half.", third_input),
    Claim("R7", "zero", "A zero start sets W1, b1, W2 and b2 of that network to zeros.", zero_arrays, convention=True),
    Claim("R8", "zero", "From a zero start W1 is still a matrix of zeros after any number of updates.", stays_zero),
)
