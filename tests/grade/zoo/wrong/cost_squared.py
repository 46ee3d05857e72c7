# wrong: squared error
# caught by: cost-value
# ruff: noqa
import numpy as np


def compute_cost(A2, Y):
    m = Y.shape[1]
    return float(np.sum((A2 - Y) ** 2) / m)
