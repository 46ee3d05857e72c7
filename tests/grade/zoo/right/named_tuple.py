# right: a named tuple, and type hints
# ruff: noqa
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Parameters(NamedTuple):
    W1: NDArray[np.float64]
    b1: NDArray[np.float64]
    W2: NDArray[np.float64]
    b2: NDArray[np.float64]


def initialize_parameters(n_x: int, n_h: int, n_y: int) -> Parameters:
    """Return small random weights and zero biases."""
    w1: NDArray[np.float64] = np.random.standard_normal((n_h, n_x)) * 0.01
    w2: NDArray[np.float64] = np.random.standard_normal((n_y, n_h)) * 0.01
    return Parameters(w1, np.zeros((n_h, 1)), w2, np.zeros((n_y, 1)))
