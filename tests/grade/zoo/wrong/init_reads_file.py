# wrong: loads weights from a file
# caught by: init-runs
# ruff: noqa
import numpy as np


def initialize_parameters(n_x, n_h, n_y):
    return dict(np.load("my_weights.npz"))
