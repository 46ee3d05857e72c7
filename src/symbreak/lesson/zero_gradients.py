"""Why the symmetry lasts: the backward pass and the update from a tied start (R15 to R19)."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.lesson import tied
from symbreak.lesson.claim import Case, Claim, Evidence, Number
from symbreak.lesson.figures import Chart, Figure, Frame, Matrix, Series, still
from symbreak.lesson.measuring import data
from symbreak.lesson.tied import RATE, SAME, lesson_net
from symbreak.network import Network, Step, course, descend

Array = NDArray[np.floating[Any]]

UPDATES = 100
WIDTHS = tuple(range(2, 9))
"""Hidden layers that are tried with BLAS: its tiles are 2, 4 or 8 rows high, so that some of these have an edge."""


def equal_deltas() -> Evidence:
    """R15."""
    few = data("planar, unbalanced")
    ends = {
        "zeros": tied.after(lesson_net(activation="sigmoid"), few, UPDATES),
        "equal": tied.after(lesson_net(SAME), few, UPDATES),
        "unequal": tied.after(tied.equal_rows((0.5, -0.25)), few, 0),
    }
    found: dict[str, Number] = {"updates": UPDATES}
    for name, end in ends.items():
        found[f"difference_{name}"] = tied.spread(end.gradient.deltas[0])
        found[f"size_{name}"] = tied.largest(end.gradient.deltas[0])
    return Evidence(
        (
            Case("all weights started from zero", found["difference_zeros"] == 0),
            Case("the outgoing weights are equal too", found["difference_equal"] == 0),
            Case("only the incoming weights are equal", found["difference_unequal"] == 0),
        ),
        found,
        "What flows back to a unit passes its outgoing weight first: dZ1 is W2^T dZ2 times the slope. With equal "
        f"outgoing weights the rows of dZ1 differ by {found['difference_equal']:g}, where its entries are as large as "
        f"{found['size_equal']:.2g}. If only the incoming weights are equal the rows differ at once, by up to "
        f"{found['difference_unequal']:.2g}, although the units' answers are still the same.",
    )


def equal_gradient_rows() -> Evidence:
    """R16."""
    steps = _gradients()
    found: dict[str, Number] = {"updates": UPDATES}
    for name, step in steps.items():
        found[f"difference_{name}"] = tied.spread(step.gradient.weights[0])
        found[f"size_{name}"] = tied.largest(step.gradient.weights[0])
    return Evidence(
        (
            Case("all weights are zero and the units tanh", found["difference_zeros_tanh"] == 0),
            Case("the units are sigmoid and have moved away from zero", found["difference_zeros_sigmoid"] == 0),
            Case("all weights started as one number", found["difference_same"] == 0),
            Case("the outgoing weights differ", found["difference_unequal"] == 0),
        ),
        found,
        "A row of dW1 is the unit's row of dZ1 times X^T, so equal rows there give equal rows here: the difference "
        f"is {found['difference_same']:g} from one number everywhere. From zeros with tanh the rows are equal "
        f"because both are zero, the largest entry is {found['size_zeros_tanh']:g}; sigmoid units that have left "
        f"zero have rows that are equal and alive, up to {found['size_zeros_sigmoid']:.2g}. Unequal outgoing weights "
        f"part the rows by {found['difference_unequal']:.2g}.",
        _matrices(steps),
    )


def u_and_v() -> Evidence:
    """R17."""
    steps = _gradients()
    patterns = {name: _pattern(step) for name, step in steps.items()}
    w1 = steps["zeros_sigmoid"].gradient.weights[0]
    found = {"u": float(w1[0, 0]), "v": float(w1[0, 1]), "updates": UPDATES}
    found |= {f"largest_{name}": tied.largest(step.gradient.weights[0]) for name, step in steps.items()}
    return Evidence(
        (
            Case("all weights started as one number that is not zero", patterns["same"]),
            Case("they started from zero and sigmoid units have begun to move", patterns["zeros_sigmoid"]),
            Case("nothing has moved yet", patterns["first_sigmoid"]),
            Case("they started from zero with tanh", patterns["zeros_tanh"]),
            Case("they started from zero with ReLU", patterns["zeros_relu"]),
        ),
        found,
        f"Two equal rows u, v with numbers in them: after {found['updates']} updates from zeros sigmoid units have u "
        f"= {found['u']:.2g} and v = {found['v']:.2g}. The very first gradient from zeros is zero with every "
        f"activation (largest entry {found['largest_first_sigmoid']:g}), for W2 is zero. With tanh and ReLU it stays "
        f"so (largest entries {found['largest_zeros_tanh']:g} and {found['largest_zeros_relu']:g}): both letters are "
        "zero.",
        _matrices(steps),
    )


@functools.cache
def _gradients() -> dict[str, Step]:
    few = data("planar, unbalanced")
    return {
        "same": tied.after(lesson_net(SAME), few, 0),
        "zeros_sigmoid": tied.after(lesson_net(activation="sigmoid"), few, UPDATES),
        "first_sigmoid": tied.after(lesson_net(activation="sigmoid"), few, 0),
        "zeros_tanh": tied.after(lesson_net(), few, UPDATES),
        "zeros_relu": tied.after(lesson_net(activation="relu"), few, UPDATES),
        "unequal": tied.after(tied.equal_rows((0.5, -0.25)), few, 0),
    }


def _pattern(step: Step) -> bool:
    """Tell whether dW1 is [[u, v], [u, v]] with u and v that are not zero."""
    dw1 = step.gradient.weights[0]
    return tied.spread(dw1) == 0 and bool((dw1 != 0).all())


def _matrices(steps: dict[str, Step]) -> Figure:
    names = {
        "same": "one number",
        "zeros_sigmoid": "zeros, sigmoid",
        "zeros_tanh": "zeros, tanh",
        "unequal": "unequal W2",
    }
    frames = []
    for key, title in names.items():
        panel = Matrix("dW1", steps[key].gradient.weights[0], ("unit 1", "unit 2"), ("u (x1)", "v (x2)"))
        frames.append(Frame(title, (panel,)))
    alternative = "dW1 with a row for each unit, from four starts: equal, equal, zero, and unequal rows."
    return Figure("dW1, row by row", alternative, tuple(frames), "start")


def the_update() -> Evidence:
    """R18."""
    flower = data("planar")
    parameters = course.initialize_parameters(2, 4, 1, seed=0)
    _, cache = course.forward_propagation(flower.X, parameters)
    gradient = course.backward_propagation(flower.X, flower.Y, parameters, cache)
    cases: list[Case] = []
    found: dict[str, Number] = {}
    for rate in (0.01, RATE):
        updated = course.update_parameters(parameters, gradient, learning_rate=rate)
        by_formula = {key: value - rate * gradient[f"d{key}"] for key, value in parameters.items()}
        steps = list(descend(course.to_network(parameters), flower.X, flower.Y, iterations=1, learning_rate=rate))
        trained = course.to_parameters(steps[1].network)
        key = f"rate_{rate:g}".replace(".", "_")
        found[f"{key}_from_formula"] = max(tied.largest(updated[k] - by_formula[k]) for k in updated)
        found[f"{key}_from_training"] = max(tied.largest(updated[k] - trained[k]) for k in updated)
        found[f"{key}_cost_change"] = float(steps[1].cost - steps[0].cost)
        exact = found[f"{key}_from_formula"] == 0 and found[f"{key}_from_training"] <= tied.AGREE
        cases.append(Case(f"the rate is {rate:g}", exact and found[f"{key}_cost_change"] < 0))
    found["rate"] = RATE
    return Evidence(
        tuple(cases),
        found,
        "Each array takes a step against its gradient, as long as the learning rate says. The function "
        f"`update_parameters` differs from the formula by {found['rate_1_2_from_formula']:g}, and from what training "
        f"does by {found['rate_1_2_from_training']:g}. At a rate of {found['rate']:g} the first step changes the "
        f"cost by {found['rate_1_2_cost_change']:.2g}: downhill.",
    )


def rows_stay_equal() -> Evidence:
    """R19."""
    blas = {n: row_spreads(n, "blas") for n in WIDTHS}
    parted = {n: trace for n, trace in blas.items() if trace[-1] > 0}
    worst = max(WIDTHS, key=lambda n: float(blas[n][-1]))
    alike = row_spreads(worst, "unitwise")
    found = {
        "updates": len(alike) - 1,
        "spread_unit_alike": float(alike.max()),
        "spread_blas": float(blas[worst][-1]),
        "units": worst,
        "widths_tried": len(WIDTHS),
        "widths_parted": len(parted),
        "first_update_parted": min((int(np.flatnonzero(trace)[0]) for trace in parted.values()), default=0),
    }
    return Evidence(
        (
            Case(
                "every unit's numbers are formed by the same operations in the same order",
                found["spread_unit_alike"] == 0,
            ),
            Case("a BLAS library is free to add up some rows in another order", not parted),
        ),
        found,
        "Subtracting equal rows from equal rows leaves equal rows. In arithmetic that treats every unit alike "
        f"{worst} tied units differ by {found['spread_unit_alike']:g} after {found['updates']} updates. With BLAS, "
        f"{found['widths_parted']} of {found['widths_tried']} layer widths came apart: at the edge of a tile a row "
        f"may be summed in another order, and rounds otherwise. With {worst} units the rows then differ by "
        f"{found['spread_blas']:.2g}. The algebra is right, and the computer does not do algebra.",
        _trace(blas[worst], alike),
    )


@functools.cache
def row_spreads(units: int, arithmetic: str) -> Array:
    """Return by how much the rows of W1 differ after 0, 1, ... updates from one number everywhere."""
    flower, network = data("planar"), Network.initialize((2, units, 1), SAME, seed=0)
    steps = descend(network, flower.X, flower.Y, iterations=2 * UPDATES, learning_rate=RATE, arithmetic=arithmetic)
    return np.array([tied.spread(step.network.weights[0]) for step in steps])


def _trace(blas: Array, alike: Array) -> Figure:
    updates = np.arange(len(blas), dtype=float)
    series = (Series("BLAS", updates, blas), Series("every unit alike", updates, alike))
    title = "Difference of the rows of W1"
    chart = Chart(title, "update", "largest difference", series, y_scale="symlog")
    return still("Equal rows, in two arithmetics", "The spread of W1's rows over training, BLAS and unit-alike.", chart)


CLAIMS: tuple[Claim, ...] = (
    Claim("R15", "zero", "Units with equal weights have equal rows of dZ1.", equal_deltas),
    Claim("R16", "zero", "The rows of dW1 are identical.", equal_gradient_rows),
    Claim("R17", "zero", "dW1 has the form of two equal rows u, v.", u_and_v),
    Claim("R18", "zero", "The update subtracts the gradient times the learning rate.", the_update),
    Claim("R19", "zero", "After the update the rows of W1 are still identical.", rows_stay_equal),
)
