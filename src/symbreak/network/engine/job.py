"""What the training of many networks works on, whatever the arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from symbreak.network.engine.layout import Architecture, Data, Rule

Array = NDArray[np.floating[Any]]
Whole = NDArray[np.int64]


class State(NamedTuple):
    """What changes while networks train: parameters, means of gradients and of squares, powers of the betas."""

    p: Array
    first: Array
    second: Array
    powers: NDArray[np.float64]


class Notes(NamedTuple):
    """What is written down, and what is asked to be: see `Trained`."""

    iterations: int
    places: Whole
    curve: Array
    costs: Array
    thresholds: NDArray[np.float64]
    reached: Whole
    diverged: Whole
    watched: Whole
    paths: Array
    tied: Whole
    parted: Whole
    bound: float
    stop: bool


@dataclass(frozen=True, eq=False)
class Job:
    """All of it; only `state` and `notes` are written to."""

    kind: Architecture
    data: Data
    rule: Rule
    state: State
    notes: Notes
