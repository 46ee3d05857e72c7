# wrong: different numbers, but always the same
# caught by: init-random (warn)
# ruff: noqa
import numpy as np


def spread(n_out, n_in):
    return 0.01 * np.sin(np.arange(1, n_out * n_in + 1) ** 2.0 * n_in).reshape(n_out, n_in)


def initialize_parameters(n_x, n_h, n_y):
    return {"W1": spread(n_h, n_x), "b1": np.zeros((n_h, 1)), "W2": spread(n_y, n_h), "b2": np.zeros((n_y, 1))}
