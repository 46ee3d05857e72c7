# wrong: logarithm to base 10
# caught by: cost-value
# ruff: noqa
import numpy as np


def compute_cost(A2, Y):
    m = Y.shape[1]
    return float(-np.sum(Y * np.log10(A2) + (1 - Y) * np.log10(1 - A2)) / m)
