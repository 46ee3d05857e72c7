# wrong: losses that were not added up
# caught by: cost-scalar
# ruff: noqa
import numpy as np


def compute_cost(A2, Y):
    m = Y.shape[1]
    return -(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m
