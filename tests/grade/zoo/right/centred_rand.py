# right: rand, moved to zero
# ruff: noqa
import numpy as np


def initialize_parameters(n_x, n_h, n_y):
    return {
        "W1": (np.random.rand(n_h, n_x) - 0.5) * 0.02,
        "b1": np.zeros((n_h, 1)),
        "W2": (np.random.rand(n_y, n_h) - 0.5) * 0.02,
        "b2": np.zeros((n_y, 1)),
    }
