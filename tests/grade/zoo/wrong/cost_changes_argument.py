# wrong: changes what it was given
# caught by: cost-arguments
# ruff: noqa
import numpy as np


def compute_cost(A2, Y):
    m = Y.shape[1]
    cost = float(-np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m)
    Y[:] = 0
    return cost
