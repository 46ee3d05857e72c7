# wrong: every second unit is the mirror of its neighbour
# caught by: init-mirrored
# ruff: noqa
import numpy as np


def mirrored(n_out, n_in):
    half = np.random.randn((n_out + 1) // 2, n_in) * 0.01
    return np.vstack([half, -half])[:n_out]


def initialize_parameters(n_x, n_h, n_y):
    W1 = mirrored(n_h, n_x)
    W2 = np.random.randn(n_y, n_h) * 0.01
    return {"W1": W1, "b1": np.zeros((n_h, 1)), "W2": W2, "b2": np.zeros((n_y, 1))}
