# wrong: of several outputs the mean over outputs too
# caught by: cost-outputs (warn)
# ruff: noqa
import numpy as np


def compute_cost(A2, Y):
    m = Y.shape[1]
    return float(-np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)))
