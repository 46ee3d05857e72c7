# right: a dataclass
# ruff: noqa
from dataclasses import dataclass

import numpy as np


@dataclass
class Parameters:
    W1: np.ndarray
    b1: np.ndarray
    W2: np.ndarray
    b2: np.ndarray


def initialize_parameters(n_x, n_h, n_y):
    return Parameters(
        np.random.randn(n_h, n_x) * 0.01,
        np.zeros((n_h, 1)),
        np.random.randn(n_y, n_h) * 0.01,
        np.zeros((n_y, 1)),
    )
