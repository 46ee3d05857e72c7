# right: a class that holds its parameters
# ruff: noqa
import numpy as np


class Network:
    def __init__(self, n_x, n_h, n_y):
        self.W1 = np.random.randn(n_h, n_x) * 0.01
        self.b1 = np.zeros((n_h, 1))
        self.W2 = np.random.randn(n_y, n_h) * 0.01
        self.b2 = np.zeros((n_y, 1))
