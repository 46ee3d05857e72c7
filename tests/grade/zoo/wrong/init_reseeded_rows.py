# wrong: the seed is set again for every row
# caught by: init-rows-differ
# ruff: noqa
import numpy as np


def row(n):
    np.random.seed(1)
    return np.random.randn(n) * 0.01


def initialize_parameters(n_x, n_h, n_y):
    W1 = np.array([row(n_x) for _ in range(n_h)])
    W2 = np.array([row(n_h) for _ in range(n_y)])
    return {"W1": W1, "b1": np.zeros((n_h, 1)), "W2": W2, "b2": np.zeros((n_y, 1))}
