# wrong: the seed is set before each layer: both get the same numbers
# caught by: init-independent
# ruff: noqa
import numpy as np


def layer(n_out, n_in):
    np.random.seed(3)
    return np.random.randn(n_out, n_in) * 0.01


def initialize_parameters(n_x, n_h, n_y):
    W1, W2 = layer(n_h, n_x), layer(n_y, n_h)
    return {"W1": W1, "b1": np.zeros((n_h, 1)), "W2": W2, "b2": np.zeros((n_y, 1))}
