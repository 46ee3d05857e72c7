# right: a class with slots
# ruff: noqa
import numpy as np


class Parameters:
    __slots__ = ("W1", "b1", "W2", "b2")

    def __init__(self, n_x, n_h, n_y):
        self.W1, self.b1 = np.random.randn(n_h, n_x) * 0.01, np.zeros((n_h, 1))
        self.W2, self.b2 = np.random.randn(n_y, n_h) * 0.01, np.zeros((n_y, 1))
