# right: a RandomState of its own
# ruff: noqa
import numpy as np


def initialize_parameters(n_x, n_h, n_y):
    rs = np.random.RandomState(1)
    return {
        "W1": rs.randn(n_h, n_x) * 0.01,
        "b1": np.zeros((n_h, 1)),
        "W2": rs.randn(n_y, n_h) * 0.01,
        "b2": np.zeros((n_y, 1)),
    }
