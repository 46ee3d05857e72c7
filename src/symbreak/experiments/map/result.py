"""What a map found, as data: it neither prints nor draws itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.errors import UnknownName
from symbreak.experiments.map.settings import MapSettings

Array = NDArray[np.floating[Any]]

SCHEMA = "symbreak/map/1"

VALUES = ("final_cost", "accuracy", "steps_to_half", "diverged", "effective_units")
"""What is mapped, by name."""


def check_value(name: str) -> str:
    """Return the name of a value with underscores: "final-cost" is "final_cost".

    Raises `UnknownName` for what is not one of `VALUES`.
    """
    known = name.replace("-", "_")
    if known not in VALUES:
        raise UnknownName.among("value", name, VALUES)
    return known


@dataclass(frozen=True, eq=False)
class MapResult:
    """A map: one network at each point (y[i], x[j]). Arrays are (m, n) = (len(y), len(x)), row 0 at the lowest y.

    Attributes:
        settings: what was asked.
        version: of symbreak, which made it.
        x: (n,), y: (m,): values along the axes, ascending.
        done: whether the network was trained; where not, the numbers are nan and -1. All True but for a map that was
            interrupted.
        final_cost: on the training examples after the last step; nan where the network diverged.
        accuracy: share of the scored examples whose class is right, or R^2 (`score` tells); nan where diverged.
        steps_to_half: the first step (with mini-batches: the first looked at) at which the cost is half of the base
            rate; nan where that is never.
        diverged_at: the first step at which the cost is not finite; -1 if it always is.
        effective_units: hidden units, of all layers, that are really different at the end: equal ones count once (up
            to sign where the activation is odd); nan where diverged.
        hidden_units: of the network at each point.
        base_rate_cost: the cost of a model that knows only how frequent the classes are.
        score: "accuracy", or "r2" for a regression.
    """

    settings: MapSettings
    version: str
    x: Array
    y: Array
    done: NDArray[np.bool_]
    final_cost: Array
    accuracy: Array
    steps_to_half: Array
    diverged_at: NDArray[np.int64]
    effective_units: Array
    hidden_units: NDArray[np.int64]
    base_rate_cost: float
    score: str

    @property
    def diverged(self) -> NDArray[np.bool_]:
        """Where the cost ceased to be finite, (m, n)."""
        return np.asarray(self.diverged_at >= 0)

    @property
    def complete(self) -> bool:
        """Whether every network was trained."""
        return bool(self.done.all())

    @property
    def shape(self) -> tuple[int, int]:
        """(rows m, columns n)."""
        return len(self.y), len(self.x)

    def value(self, name: str) -> Array:
        """Return what is mapped under this name, as float64, nan where there is none: "final_cost", or "final-cost".

        Raises `UnknownName` for what is not one of `VALUES`.
        """
        return np.where(self.done, np.asarray(getattr(self, check_value(name)), np.float64), np.nan)

    def command(self, i: int, j: int) -> str:
        """Return the command that trains the one network of row i, column j again, with the same bits."""
        return self.settings.command_at(float(self.x[j]), float(self.y[i]))
