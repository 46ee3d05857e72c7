# wrong: random whole numbers
# caught by: init-dtype
# ruff: noqa
import numpy as np


def initialize_parameters(n_x, n_h, n_y):
    W1 = np.random.randint(-5, 6, (n_h, n_x))
    b1 = np.zeros((n_h, 1))
    W2 = np.random.randint(-5, 6, (n_y, n_h))
    b2 = np.zeros((n_y, 1))
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
