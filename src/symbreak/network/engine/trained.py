"""What the training of many networks gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.network.engine import layout
from symbreak.network.network import Network

Array = NDArray[np.floating[Any]]
Whole = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Memory:
    """What update rules remember of the past, a row for each of R networks: `train_many` goes on from it.

    Attributes:
        first, second: running means of the gradients and of their squares, (R, parameters).
        powers: of the two decay rates, (R, 2).
    """

    first: Array
    second: Array
    powers: NDArray[np.float64]

    def __getitem__(self, chosen: slice) -> Memory:
        """Return the memory of some of the networks."""
        return Memory(self.first[chosen], self.second[chosen], self.powers[chosen])


@dataclass(frozen=True, eq=False)
class Trained:
    """R networks after their training.

    A network that was stopped keeps the parameters it had at `diverged_at`; its later costs are nan.

    Attributes:
        network: the stack as it ended.
        iterations: the iterations that were looked at, 0 and the last among them.
        curve: cost on all examples at these iterations, (R, iterations looked at).
        costs: the cost of the examples of every update, (R, iterations + 1); (0, 0) if it was not asked for.
        reached: the first iteration looked at whose cost on all examples is at most the threshold; -1 if none is. With
            the full batch every iteration is looked at.
        diverged_at: the first iteration whose cost is not finite; -1 if all are.
        watched: which networks' parameters were kept.
        paths: their parameters at the iterations looked at, as `parameters_at` reads them.
        parted: for units that should be one, the first iteration before whose update they differed in a bit of their
            sums z, their answers a, their deltas, or the gradients of their weights, (R, 4); -1 if they never did.
        complete: whether the training ran to its end; if not, nothing else here is.
        memory: what the update rules remember at the end.
    """

    network: Network
    iterations: tuple[int, ...]
    curve: Array
    costs: Array
    reached: Whole
    diverged_at: Whole
    watched: tuple[int, ...]
    paths: Array
    parted: Whole
    complete: bool
    memory: Memory

    @property
    def final_cost(self) -> Array:
        """Cost on all examples after the last update, (R,); nan for a network that was stopped before."""
        return np.asarray(self.curve[:, -1])

    @property
    def diverged(self) -> NDArray[np.bool_]:
        """Which networks' costs ceased to be finite, (R,)."""
        return np.asarray(self.diverged_at >= 0)

    def parameters_at(self, index: int) -> Network:
        """Return the path of a watched network: a stack, one network for each of `iterations`."""
        return layout.network(self.network, self.paths[self.watched.index(index)])
