# wrong: no return
# caught by: init-runs
# ruff: noqa
import numpy as np


def initialize_parameters(n_x, n_h, n_y):
    W1 = np.random.randn(n_h, n_x) * 0.01
