"""The one-ulp dial: when a small difference in one weight parts units that were one, predicted and measured."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from symbreak.diagnosis.symmetry import symmetry, tangent
from symbreak.diagnosis.symmetry.forecast import PARTED, first_above, fitting
from symbreak.errors import InvalidInput
from symbreak.lab.race import changed
from symbreak.lab.state import Place, check_place
from symbreak.network import Network, descend, optimizers

# Updates that are looked at: what has not parted by then is told as "not within so many".
STEPS = 2000


def default_place(network: Network, optimizer: str) -> Place:
    """Return the weight that `steps_to_separate` moves: the first of the last of some units that are one.

    Raises:
        InvalidInput: no two units are one.
    """
    return _moved(tangent.ties(symmetry(network, optimizer=optimizer)))


def _moved(tied: tuple[tangent.Tie, ...]) -> Place:
    for tie in tied:
        if len(tie.units) > 1:
            return f"W{tie.layer}", tie.units[-1], 0
    raise InvalidInput(
        "no two units are one, so there is nothing to separate",
        got="a network without tied units",
        allowed="a start that ties units",
        hint="zeros, or constant(0.5)",
    )


def told(
    network: Network, X: Any, Y: Any, where: Place, epsilon: float, *, halt: threading.Event, **asked: Any
) -> dict[str, Any] | None:
    """Return what `dial` finds, or why there is nothing to find; None if `halt` was set."""
    try:
        return dial(network, X, Y, where, epsilon, halt=halt, **asked)
    except InvalidInput as refusal:
        return {"epsilon": epsilon, "at": list(where), "predicted": None, "measured": None, "note": refusal.rule}


def dial(
    network: Network,
    X: Any,
    Y: Any,
    where: Place,
    epsilon: float,
    *,
    rate: float,
    optimizer: str,
    steps: int = STEPS,
    halt: threading.Event | None = None,
) -> dict[str, Any] | None:
    """Return after how many updates the units of a start differ by more than `PARTED`; None if `halt` was set.

    As `steps_to_separate`, for any weight: predicted by the growth of the linearised difference, and measured by
    training the network with epsilon added, in arithmetic that treats all units alike.

    Raises:
        InvalidInput: no two units are one, or there is no such weight.
    """
    tied, rule = tangent.ties(symmetry(network, optimizer=optimizer)), optimizers.get(optimizer)
    _moved(tied)
    check_place(where, network.sizes)
    stopped = halt or threading.Event()
    found: dict[str, Any] = {
        "epsilon": epsilon,
        "at": list(where),
        "steps": steps,
        "threshold": PARTED,
        "means": f"activations of tied units differ by more than {PARTED:g} on some example",
        "predicted": None,
        "measured": None,
    }
    if epsilon == 0:
        return found
    x, y = fitting(network, X, Y)
    moved = changed(network, where, add=epsilon)
    change = [b - a for a, b in zip(network.parameters, moved.parameters, strict=True)]
    if not any(np.any(difference) for difference in change):
        name, row, column = where
        least = f"{name}[{row}, {column}] stays as it is: {epsilon:.3g} is less than half of its last bit"
        return {**found, "note": least}
    logs = []
    growing = tangent.grown(network, change, x, y, tied=tied, optimizer=rule, learning_rate=rate, steps=steps)
    for value in growing:
        if stopped.is_set():
            return None
        logs.append(value)
        if first_above([value], PARTED) is not None:
            break
    found["predicted"] = first_above(logs, PARTED)
    run = descend(moved, x, y, iterations=steps, learning_rate=rate, optimizer=rule, arithmetic="unitwise")
    for step in run:
        if stopped.is_set():
            return None
        if tangent.spread(tied, step.forward.activations) > PARTED:
            found["measured"] = step.iteration
            break
    return found
