"""Where neighbours differ, and how many boxes it takes to cover that: the box-counting dimension."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.errors import InvalidInput

Verdicts = NDArray[np.bool_]

FEWEST_BOXES = 8
"""The largest boxes leave at least so many along a side: fewer are nearly all hit, by whatever boundary."""


def edges(verdicts: Verdicts) -> Verdicts:
    """Return where four neighbours, two by two, do not agree: (rows - 1, columns - 1).

    >>> edges(np.array([[True, True, False], [True, True, False]]))
    array([[False,  True]])
    """
    corners = (verdicts[:-1, :-1], verdicts[:-1, 1:], verdicts[1:, :-1], verdicts[1:, 1:])
    found = np.sum(corners, axis=0)
    return np.asarray((found > 0) & (found < 4))


def box_counts(found: Verdicts) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return edge lengths 1, 2, 4, ... of boxes, and how many of each hold a place that is True.

    Rows and columns that do not fill the largest boxes are left out, so that every box is whole.

    >>> box_counts(np.eye(33, dtype=bool))
    (array([1, 2, 4]), array([32, 16,  8]))
    """
    most = max(1, min(found.shape) // FEWEST_BOXES)
    lengths = 2 ** np.arange(most.bit_length())
    rows, columns = (side - side % int(lengths[-1]) for side in found.shape)
    return lengths, np.array([_hit(found[:rows, :columns], int(length)) for length in lengths])


def _hit(found: Verdicts, length: int) -> int:
    rows, columns = (side // length for side in found.shape)
    return int(found.reshape(rows, length, columns, length).any(axis=(1, 3)).sum())


def slopes(found: Verdicts) -> NDArray[np.floating[Any]]:
    """Return -d log(boxes) / d log(length) between each length and the next; nothing if there is no boundary.

    >>> slopes(np.eye(32, dtype=bool))
    array([1., 1.])
    """
    _, counts = box_counts(found)
    if not counts[0]:
        return np.zeros(0)
    return np.asarray(-np.diff(np.log2(counts)))


def dimension(verdicts: Iterable[Verdicts]) -> float:
    """Return the dimension of the boundary: the median of all slopes of all pictures.

    A smooth line has 1, what fills the plane has 2.

    Raises `InvalidInput` if no picture shows a boundary, or none is large enough to count boxes.

    >>> halves = np.arange(65)[:, None] * np.ones(65) < 20
    >>> dimension([halves])
    1.0
    """
    every = np.concatenate([np.zeros(0), *(slopes(edges(each)) for each in verdicts)])
    if not every.size:
        raise InvalidInput(
            "a dimension needs a boundary",
            got="verdicts that all agree, or pictures that are too small",
            allowed=f"pictures of more than {2 * FEWEST_BOXES} networks a side with both verdicts",
            hint="another window",
        )
    return float(np.median(every))
