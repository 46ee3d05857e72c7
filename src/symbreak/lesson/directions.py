"""In how many directions the units of a layer point, at the start and while they are trained."""

from __future__ import annotations

import numpy as np

from symbreak.lesson.figures import Chart, Figure, Series, still
from symbreak.lesson.measuring import data
from symbreak.network import Network, descend
from symbreak.network.blas_threads import one_thread

# Two units point the same way if the cosine between (w, b) of theirs exceeds this: an angle below 8.2 degrees.
SAME_DIRECTION = 0.99
UPDATES, RATE, DATA = 100, 1.2, "blobs"


def directions(network: Network) -> int:
    """How many directions, up to sign, the units (w, b) of the first hidden layer of one network point in.

    A unit of zeros points nowhere.

    >>> directions(Network.from_arrays([[[1.0, 0.0], [-2.0, 0.0], [0.0, 1.0]], [[1.0, 1.0, 1.0]]], activation="tanh"))
    2
    """
    rows = np.hstack([network.weights[0], network.biases[0]])
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    alive = norms[:, 0] > 0
    unit = rows[alive] / norms[alive]
    left, count = list(range(len(unit))), 0
    while left:
        cosines = np.abs(unit[left] @ unit[left[0]])
        left = [u for u, cosine in zip(left[1:], cosines[1:], strict=True) if cosine <= SAME_DIRECTION]
        count += 1
    return count


def counted_in_training(units: int, starts: tuple[str, ...]) -> Figure:
    """Return the count of directions over the first updates from each start."""
    series = tuple(Series(start, np.arange(UPDATES + 1.0), _counts(units, start), "steps") for start in starts)
    return still(
        "Directions of the units",
        f"How many directions {units} hidden units point in before each of {UPDATES} updates on the {DATA}, one curve"
        " for each start.",
        Chart("Directions", "update", "directions", series),
    )


def _counts(units: int, start: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    on = data(DATA)
    network = Network.initialize((on.n_x, units, on.n_y), start, seed=0, activation="tanh")
    with one_thread():
        steps = descend(network, on.X, on.Y, iterations=UPDATES, learning_rate=RATE)
        return np.array([float(directions(step.network)) for step in steps])
