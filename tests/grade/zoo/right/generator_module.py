# right: one Generator for the file
# ruff: noqa
import numpy as np

rng = np.random.default_rng(7)


def initialize_parameters(n_x, n_h, n_y):
    return {
        "W1": rng.normal(0, 0.01, (n_h, n_x)),
        "b1": np.zeros((n_h, 1)),
        "W2": rng.normal(0, 0.01, (n_y, n_h)),
        "b2": np.zeros((n_y, 1)),
    }
