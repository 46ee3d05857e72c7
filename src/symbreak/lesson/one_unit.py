"""Why tied units are bad: many of them are worth one (R26 to R28)."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.diagnosis.symmetry import merge
from symbreak.lesson import tied
from symbreak.lesson.claim import Case, Claim, Evidence, Number
from symbreak.lesson.figures import Bars, Chart, Diagram, Figure, Frame, Series, still
from symbreak.lesson.measuring import data
from symbreak.lesson.tied import RATE, SAME
from symbreak.network import Network, backward, descend, forward
from symbreak.network import cost as cost_of

Array = NDArray[np.floating[Any]]

UNITS = 4
UPDATES = 100


def no_better_than_one() -> Evidence:
    """R26."""
    many, followed, alone, apart = _three_trainings()
    small = merge(_layer()).network
    gap = float(np.abs(many - alone).max())
    found = {
        "units": UNITS,
        "units_merged": small.sizes[1],
        "updates": UPDATES,
        "difference_at_start": float(apart[0]),
        "difference_in_training": float(apart.max()),
        "cost_many": float(many[-1]),
        "cost_one_same_rate": float(alone[-1]),
        "largest_cost_gap": gap,
    }
    return Evidence(
        (
            Case("one asks what they can compute", small.sizes[1] == 1 and found["difference_at_start"] <= tied.AGREE),
            Case("the one unit has learning rates to match", found["difference_in_training"] <= tied.AGREE),
            Case("one asks how fast they learn at one learning rate", gap <= tied.AGREE),
        ),
        found,
        f"Put {UNITS} tied units together into {found['units_merged']}, whose outgoing weight is the sum of theirs: "
        f"the answers differ by {found['difference_at_start']:.1g}. With the learning rate of W2 multiplied and that "
        "of W1 and b1 divided by the number of units the small network follows the large one through "
        f"{found['updates']} updates, to a difference of {found['difference_in_training']:.1g}. So nothing is gained "
        "that one unit could not compute. With one rate for all arrays the paths differ, by up to "
        f"{found['largest_cost_gap']:.2g} in cost: tied units change the speed, not what can be learned.",
        _merged_figure(many, followed, alone),
    )


def _layer(init: str = SAME, activation: str = "tanh", *, units: int = UNITS) -> Network:
    return Network.initialize((2, units, 1), init, seed=0, activation=activation)


@functools.cache
def _three_trainings() -> tuple[Array, Array, Array, Array]:
    """Return the costs of the tied units, of the merged one with matching rates, of it at one rate, and |answers|."""
    flower, network = data("planar"), _layer()
    small = merge(network)
    options: dict[str, Any] = {"iterations": UPDATES, "learning_rate": RATE, "arithmetic": "unitwise"}
    alone = [float(step.cost) for step in descend(small.network, flower.X, flower.Y, **options)]
    many, followed, apart = [], [], []
    for step in descend(network, flower.X, flower.Y, **options):
        passed = forward(small.network, flower.X, arithmetic="unitwise")
        many.append(float(step.cost))
        followed.append(float(cost_of(small.network, passed, flower.Y, arithmetic="unitwise")))
        apart.append(tied.largest(step.forward.answer - passed.answer))
        gradient = backward(small.network, passed, flower.Y, arithmetic="unitwise").parameters
        small = small.updated(gradient, RATE)
    return np.array(many), np.array(followed), np.array(alone), np.array(apart)


def _merged_figure(many: Array, followed: Array, alone: Array) -> Figure:
    updates, network = np.arange(len(many), dtype=float), _layer()
    end = tied.after(network, data("planar"), UPDATES).network
    curves = (
        Series(f"{UNITS} tied units", updates, many),
        Series("one unit, matching rates", updates[::10], followed[::10], style="dots"),
        Series("one unit, the same rate for all", updates, alone),
    )
    chart = Chart("Cost", "update", "cost", curves)
    frames = [
        Frame(title, (_drawn(title, shown), chart))
        for title, shown in ((f"{UNITS} tied units", end), ("merged", merge(end).network))
    ]
    return Figure(
        "Tied units, merged",
        "Diagrams of the tied network and of the merged one with summed outgoing weights, and their cost curves.",
        tuple(frames),
        "network",
    )


def _drawn(title: str, network: Network) -> Diagram:
    return Diagram(title, network.weights, tuple(b[:, 0] for b in network.biases))


def wasted() -> Evidence:
    """R27."""
    flower, widths = data("planar"), (2, 4, 16)
    cases: list[Case] = []
    found: dict[str, Number] = {}
    for units in widths:
        network = _layer(units=units)
        small = merge(network).network
        passed, less = (forward(n, flower.X, arithmetic="unitwise") for n in (network, small))
        found |= {f"parameters_{units}": _parameters(network), f"products_{units}": _products(network)}
        found["parameters_merged"], found["products_merged"] = _parameters(small), _products(small)
        found[f"difference_{units}"] = tied.largest(passed.answer - less.answer)
        saved = found["products_merged"] < found[f"products_{units}"]
        cases.append(Case(f"there are {units} tied units", saved and found[f"difference_{units}"] <= tied.AGREE))
    units = widths[-1]
    found["units"] = units
    found |= {"wasted_share": 1 - found["products_merged"] / found[f"products_{units}"]}
    return Evidence(
        tuple(cases),
        found,
        f"A layer of {units} tied units has {found[f'parameters_{units}']} parameters and takes "
        f"{found[f'products_{units}']} multiplications for each example. The merged network has "
        f"{found['parameters_merged']} and takes {found['products_merged']}, and answers the same to within "
        f"{found[f'difference_{units}']:.1g}. So {found['wasted_share']:.0%} of the multiplications are repetition.",
    )


def _parameters(network: Network) -> int:
    return sum(p.size for p in network.parameters)


def _products(network: Network) -> int:
    return sum(w.size for w in network.weights)


def no_diverse_features() -> Evidence:
    """R28."""
    few = data("planar, unbalanced")
    starts = {
        "tanh": ("tanh units start from one number everywhere", _layer()),
        "relu": ("ReLU units do", _layer(activation="relu")),
        "sigmoid": ("sigmoid units start from zeros", _layer("zeros", "sigmoid")),
    }
    drawn = tied.after(_layer("normal(0.01)"), few, 2 * UPDATES)
    ends = {key: tied.after(network, few, 2 * UPDATES) for key, (_, network) in starts.items()}
    found: dict[str, Number] = {"units": UNITS, "updates": 2 * UPDATES}
    for key, end in (*ends.items(), ("random", drawn)):
        found[f"different_{key}"] = tied.units(end)
        found[f"directions_{key}"] = tied.participation_ratio(end.forward.activations[1])
    return Evidence(
        tuple(
            Case(when, found[f"different_{key}"] == 1 and found[f"directions_{key}"] <= 1 + tied.AGREE)
            for key, (when, _) in starts.items()
        ),
        found,
        f"After {found['updates']} updates {UNITS} tied units are {found['different_tanh']} unit, and their answers "
        f"lie in {found['directions_tanh']:.3g} direction of all that could be; so do those of ReLU and of sigmoid "
        f"units. From random weights there are {found['different_random']} different units, whose answers fill "
        f"{found['directions_random']:.3g} directions. Training moves tied units, but always together.",
        _diversity(found),
    )


def _diversity(found: dict[str, Number]) -> Figure:
    names = ("tanh", "relu", "sigmoid", "random")
    heights = np.array([[found[f"{what}_{name}"] for name in names] for what in ("different", "directions")])
    labels = ("tied, tanh", "tied, ReLU", "zeros, sigmoid", "random, tanh")
    bars = Bars("Features after training", "count", labels, heights, ("different units", "directions of the answers"))
    return still("How many features", "Different units and directions of their answers, from four starts.", bars)


CLAIMS: tuple[Claim, ...] = (
    Claim("R26", "proof", "Tied hidden units, however many, are no better than a single one.", no_better_than_one),
    Claim("R27", "proof", "Identical units are computing that is thrown away.", wasted),
    Claim("R28", "proof", "Tied units cannot learn features that differ.", no_diverse_features),
)
