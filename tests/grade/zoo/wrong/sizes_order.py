# wrong: n_h last
# caught by: sizes-values
# ruff: noqa
import numpy as np


def layer_sizes(X, Y):
    n_x = X.shape[0]
    n_y = Y.shape[0]
    return (n_x, n_y, 4)
