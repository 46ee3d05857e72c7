# right: Glorot's uniform law
# ruff: noqa
import numpy as np


def initialize_parameters(n_x, n_h, n_y):
    return {
        "W1": np.random.uniform(-1, 1, (n_h, n_x)) * np.sqrt(6 / (n_x + n_h)),
        "b1": np.zeros((n_h, 1)),
        "W2": np.random.uniform(-1, 1, (n_y, n_h)) * np.sqrt(6 / (n_h + n_y)),
        "b2": np.zeros((n_y, 1)),
    }
