# wrong: one random number for a whole layer
# caught by: init-not-constant
# ruff: noqa
import numpy as np


def initialize_parameters(n_x, n_h, n_y):
    W1 = np.ones((n_h, n_x)) * np.random.randn() * 0.01
    b1 = np.zeros((n_h, 1))
    W2 = np.ones((n_y, n_h)) * np.random.randn() * 0.01
    b2 = np.zeros((n_y, 1))
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
