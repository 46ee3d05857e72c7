# wrong: needs variables of a notebook
# caught by: init-runs
# ruff: noqa
import numpy as np


def initialize_parameters(n_x, n_h, n_y):
    W1 = np.random.randn(hidden_size, input_size) * 0.01
    W2 = np.random.randn(n_y, hidden_size) * 0.01
    return {"W1": W1, "b1": np.zeros((n_h, 1)), "W2": W2, "b2": np.zeros((n_y, 1))}
