"""Which units should be one, as the kernels read it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbreak.errors import InvalidInput, InvalidShape
from symbreak.network.network import Network


def checked_ties(networks: Network, tied: ArrayLike | None) -> NDArray[np.int64]:
    """Return (R, hidden units) whole numbers, each a unit of its own layer or ~unit; no rows for None."""
    hidden = networks.sizes[1:-1]
    if tied is None:
        return np.empty((0, 0), np.int64)
    given = np.asarray(tied)
    if given.shape != (len(networks.weights[0]), sum(hidden)) or given.dtype.kind not in "iu":
        raise InvalidShape(
            "ties name a unit for every hidden unit of every network",
            got=f"{given.dtype} of shape {given.shape}",
            allowed=f"whole numbers of shape {(len(networks.weights[0]), sum(hidden))}",
            hint="numpy.tile(numpy.arange(4), (R, 1)) for one layer of 4 units that are not tied",
        )
    units = np.repeat(hidden, hidden)
    wrong = ~((given >= -units) & (given < units))
    if wrong.any():
        raise InvalidInput(
            "a unit is tied to a unit of its layer", got=given[wrong][0], allowed="u or ~u, u from 0", hint="0"
        )
    return np.ascontiguousarray(given, np.int64)
