# wrong: the course's own formula, where answers are exactly 0 or 1
# caught by: cost-stable (warn)
# ruff: noqa
import numpy as np


def compute_cost(A2, Y):
    m = Y.shape[1]
    return float(-np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m)
