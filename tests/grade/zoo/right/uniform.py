# right: uniform around zero
# ruff: noqa
import numpy as np


def initialize_parameters(n_x, n_h, n_y):
    return {
        "W1": np.random.uniform(-0.01, 0.01, size=(n_h, n_x)),
        "b1": np.zeros((n_h, 1)),
        "W2": np.random.uniform(-0.01, 0.01, size=(n_y, n_h)),
        "b2": np.zeros((n_y, 1)),
    }
