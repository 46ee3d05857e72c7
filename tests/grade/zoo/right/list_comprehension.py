# right: Python's own random numbers
# ruff: noqa
import random

import numpy as np


def initialize_parameters(n_x, n_h, n_y):
    def normal(rows, columns):
        return np.array([[random.gauss(0, 0.01) for _ in range(columns)] for _ in range(rows)])

    return dict(W1=normal(n_h, n_x), b1=np.zeros((n_h, 1)), W2=normal(n_y, n_h), b2=np.zeros((n_y, 1)))
