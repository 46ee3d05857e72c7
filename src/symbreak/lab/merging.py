"""The merged network beside a large one: the same answers, until something parts the two."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.datasets import Dataset
from symbreak.diagnosis.symmetry.forecast import PARTED
from symbreak.lab import lemmas
from symbreak.lab.pieces import Piece, Trained
from symbreak.lab.state import Entrant
from symbreak.network import Network, backward, cost, forward

Array = NDArray[np.floating[Any]]


def beside(piece: Piece, large: Trained) -> Trained:
    """Train the merged network of a lane, by gradient descent whose rate differs from weight to weight.

    It is compared with the large one at every step, and what it costs is noted at the marks of the piece.
    """
    track, first, costs = piece.track, piece.moment.t, {}
    merged, apart, train = large.lane.merged, large.lane.apart, track.problem.train
    assert merged is not None
    with np.errstate(all="ignore"):
        for t in range(first, first + piece.steps + 1):
            passed = forward(merged.network, train.X, arithmetic="unitwise")
            if t in piece.marks:
                costs[t] = float(cost(merged.network, passed, train.Y, arithmetic="unitwise"))
            if apart < 0 and difference(large.path[t - first], train.X, passed.answer) > PARTED:
                apart = t
            if t == first + piece.steps or piece.halt.is_set():
                break
            gradient = backward(merged.network, passed, train.Y, arithmetic="unitwise")
            merged = merged.updated(gradient.parameters, track.state.rate)
    return Trained(replace(large.lane, merged=merged, apart=apart), costs)


def cost_of(network: Network, train: Dataset) -> float:
    """Return what a merged network costs on all training examples."""
    with np.errstate(all="ignore"):
        return float(cost(network, forward(network, train.X, arithmetic="unitwise"), train.Y, arithmetic="unitwise"))


def difference(large: Network, X: Array, answer: Array) -> float:
    """Return the largest difference of a network's answers from these; nan if it overflowed."""
    # Rounding is far below what counts as apart.
    return float(np.abs(forward(large, X, arithmetic="blas").answer - answer).max())


def cause(entrant: Entrant, step: int) -> str:
    """Return what parted a merged network from its large one by this step, in words.

    >>> cause(Entrant(merged=3, edits=((2, "W1", 0, 0, 1.0), (5, "b1", 0, 0, 0.25))), 7)
    'b1[0, 0] was set to 0.25 at step 5'
    """
    since = -1 if entrant.merged is None else entrant.merged
    found = [lemmas.edited(edit) for edit in entrant.edits if since < edit[0] <= step]
    if entrant.dropout:
        found.append("dropout")
    if entrant.arithmetic == "blas" and not found:
        found.append("BLAS arithmetic")
    return "; ".join(found) or "rounding"
