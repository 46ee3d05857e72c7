"""Why not zero: the forward pass from a tied start (R9 to R14)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.diagnosis.symmetry import symmetry
from symbreak.lesson import tied
from symbreak.lesson.claim import Case, Claim, Evidence, Number
from symbreak.lesson.figures import Bars, Figure, Frame, Surface
from symbreak.lesson.measuring import data
from symbreak.lesson.tied import SAME, lesson_net
from symbreak.network import Network, forward
from symbreak.numerics import activations

Array = NDArray[np.floating[Any]]

ACTIVATIONS = ("tanh", "relu", "leaky_relu", "sigmoid")
UPDATES = 100


def z_is_zero() -> Evidence:
    """R9."""
    inputs = {
        "the examples are the flower's": data("planar").X,
        "the examples are the XOR set's": data("xor").X,
        "the inputs are huge": np.array([[1e300, -1e300], [1e-300, 1e300]]),
    }
    sizes = {when: tied.largest(forward(lesson_net(), x).pre_activations[0]) for when, x in inputs.items()}
    found = {"largest_z1": max(sizes.values()), "largest_input": max(tied.largest(x) for x in inputs.values())}
    return Evidence(
        tuple(Case(when, size == 0) for when, size in sizes.items()),
        found,
        "Zero times any finite input is zero, and so is the sum: the largest entry of Z1 is "
        f"{found['largest_z1']:.3g}, even for inputs of size {found['largest_input']:.3g}. The units look at the "
        "example and see nothing of it.",
    )


def activation_at_zero() -> Evidence:
    """R10."""
    flower, names = data("planar"), (*ACTIVATIONS, "softplus")
    cases: list[Case] = []
    found: dict[str, Number] = {}
    for name in names:
        g = activations.get(name)
        answers = forward(lesson_net(activation=name), flower.X).activations[1]
        found |= {f"{name}_at_zero": float(g(0.0)), f"{name}_slope_at_zero": float(g.derivative(0.0))}
        cases.append(Case(f"g is {name}", bool((answers == g.value_at_zero).all())))
    heights = np.array([[found[f"{name}_{what}"] for name in names] for what in ("at_zero", "slope_at_zero")])
    return Evidence(
        tuple(cases),
        found,
        "Every unit answers g(0) to every example, and what that is decides the rest. For tanh it is "
        f"{found['tanh_at_zero']:g} and for ReLU {found['relu_at_zero']:g}: the layer is silent, and W2 gets no "
        f"gradient. For sigmoid it is {found['sigmoid_at_zero']:g}, for softplus {found['softplus_at_zero']:.3g}: "
        "the output hears the same constant from all units, and W2 can move, by the same amount for each.",
        Figure(
            "What a unit answers at zero",
            "Bars of g(0) and of g'(0) for five activations.",
            (Frame("", (Bars("at z = 0", "value", names, heights, ("g(0)", "g'(0)")),)),),
        ),
    )


def equal_activations() -> Evidence:
    """R11."""
    few, cases = data("planar, unbalanced"), []
    found: dict[str, Number] = {"updates": UPDATES}
    for name in ACTIVATIONS:
        for start, init in (("zeros", "zeros"), ("one number everywhere", SAME)):
            seen = [tied.after(lesson_net(init, activation=name), few, n).forward.activations[1] for n in (0, UPDATES)]
            apart = max(map(tied.spread, seen))
            found[f"{name}_{'zeros' if init == 'zeros' else 'same'}"] = apart
            cases.append(Case(f"{name} units start from {start}", apart == 0))
    found["largest_difference"] = max(v for k, v in found.items() if k != "updates")
    return Evidence(
        tuple(cases),
        found,
        f"The two rows of A1 differ by {found['largest_difference']:g} on all examples, before training and after "
        f"{UPDATES} updates, with every activation that was tried. They are compared bit by bit, in arithmetic that "
        "treats every unit alike. Zero is not special here: one number everywhere ties the units just as well.",
    )


def same_function() -> Evidence:
    """R12."""
    few = data("planar, unbalanced")
    networks = {
        "zeros": tied.after(lesson_net(activation="sigmoid"), few, UPDATES).network,
        "random": tied.after(lesson_net("normal(0.01)", activation="sigmoid"), few, UPDATES).network,
        "same": tied.after(lesson_net(SAME), few, UPDATES).network,
    }
    tiles = {name: _responses(network) for name, network in networks.items()}
    found: dict[str, Number] = {f"difference_{name}": tied.largest(one - two) for name, (one, two) in tiles.items()}
    found |= {"points": tiles["zeros"][0].size, "updates": UPDATES, "range_zeros": float(np.ptp(tiles["zeros"][0]))}
    frames = [
        Frame(name, tuple(Surface(f"unit {i}", tile, EXTENT) for i, tile in enumerate(tiles[name], 1)))
        for name in ("zeros", "random")
    ]
    return Evidence(
        (
            Case("they start from zeros", found["difference_zeros"] == 0),
            Case("they start from one number everywhere", found["difference_same"] == 0),
        ),
        found,
        f"A unit is a function of the plane. After {UPDATES} updates from zeros the two sigmoid units have learned "
        f"something, their answers span {found['range_zeros']:.2g}, but on all {found['points']} points of a grid "
        f"they differ by {found['difference_zeros']:g}: one picture, painted twice. From a random start they differ "
        f"by up to {found['difference_random']:.2g}.",
        Figure("What each unit computes", "Response surfaces of the two units.", tuple(frames), "start"),
    )


EXTENT = (-4.0, 4.0, -4.0, 4.0)


def _responses(network: Network) -> tuple[Array, Array]:
    axis = np.linspace(EXTENT[0], EXTENT[1], 41)
    x, y = np.meshgrid(axis, axis)
    answers = forward(network, np.stack([x.ravel(), y.ravel()]), arithmetic="unitwise").activations[1]
    return answers[0].reshape(x.shape), answers[1].reshape(x.shape)


def same_influence() -> Evidence:
    """R13."""
    flower = data("planar")
    starts = {
        "zeros": lesson_net(activation="sigmoid"),
        "equal": tied.equal_rows((0.5, 0.5)),
        "unequal": tied.equal_rows((0.5, -0.25)),
    }
    found = {}
    for name, network in starts.items():
        answers = forward(network, flower.X, arithmetic="unitwise").activations[1]
        found[f"activations_{name}"] = tied.spread(answers)
        found[f"influence_{name}"] = tied.spread(network.weights[1].T * answers)
    return Evidence(
        (
            Case("the outgoing weights are zero as well", found["influence_zeros"] == 0),
            Case("they are equal, as under one number everywhere", found["influence_equal"] == 0),
            Case("only the incoming weights are equal", found["influence_unequal"] == 0),
        ),
        found,
        "What a unit adds to the output is its answer times its outgoing weight. Equal answers and equal outgoing "
        f"weights give equal shares, here to a difference of {found['influence_equal']:g}. With equal answers "
        f"(difference {found['activations_unequal']:g}) but unequal outgoing weights the shares differ by up to "
        f"{found['influence_unequal']:.3g}: the units are twins that are listened to differently.",
    )


def symmetric() -> Evidence:
    """R14."""
    network, other = tied.equal_rows((0.5, 0.5)), tied.equal_rows((0.5, -0.25))
    found = {
        "change_by_swapping_zeros": _change_by_swapping(lesson_net()),
        "change_by_swapping": _change_by_swapping(network),
        "change_by_swapping_unequal": _change_by_swapping(other),
        "classes": len(symmetry(network).layers[0].classes),
        "classes_unequal": len(symmetry(other).layers[0].classes),
    }
    return Evidence(
        (
            Case(
                "swapping the units changes no weight",
                found["change_by_swapping_zeros"] == found["change_by_swapping"] == 0,
            ),
            Case("the proof counts one class of units", found["classes"] == 1),
        ),
        found,
        "Units are symmetric if they can change places and no array shows it: equal rows of W1, equal entries of "
        "b1, equal columns of W2. From zeros swapping them changes the arrays by "
        f"{found['change_by_swapping_zeros']:g}, and the theorem puts them into {found['classes']} class. If the "
        f"outgoing weights differ, swapping changes W2 by {found['change_by_swapping_unequal']:g}, and there are "
        f"{found['classes_unequal']} classes.",
    )


def _change_by_swapping(network: Network) -> float:
    w1, b1, w2, _ = network.parameters
    return max(tied.largest(w1 - w1[::-1]), tied.largest(b1 - b1[::-1]), tied.largest(w2 - w2[:, ::-1]))


CLAIMS: tuple[Claim, ...] = (
    Claim("R9", "zero", "From a zero start the pre-activations Z1 are zero.", z_is_zero),
    Claim("R10", "zero", "Every hidden unit then answers g(0).", activation_at_zero),
    Claim("R11", "zero", "The hidden units have identical activations.", equal_activations),
    Claim("R12", "zero", "The hidden units compute one and the same function of the input.", same_function),
    Claim("R13", "zero", "Units that compute the same have the same influence on the output.", same_influence),
    Claim("R14", "zero", "Such units are called completely symmetric.", symmetric, convention=True),
)
