"""What a chunk gives: one record for each network, in arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Whole = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Records:
    """The networks of a chunk, (rows, columns) each; see `MapResult` for the meaning.

    Steps are -1 where there is none, costs and accuracies nan.
    """

    final_cost: Array
    accuracy: Array
    steps_to_half: Whole
    diverged_at: Whole
    effective_units: Whole
    hidden_units: Whole


COLUMNS: dict[str, type[np.generic]] = {
    "final_cost": np.float64,
    "accuracy": np.float64,
    "steps_to_half": np.int64,
    "diverged_at": np.int64,
    "effective_units": np.int64,
    "hidden_units": np.int64,
}
"""The columns of the store that hold what was measured, and the kind of their numbers."""
