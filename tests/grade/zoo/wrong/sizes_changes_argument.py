# wrong: changes what it was given
# caught by: sizes-arguments
# ruff: noqa
import numpy as np


def layer_sizes(X, Y):
    n_x = X.shape[0]
    n_y = Y.shape[0]
    X *= 1.5
    return (n_x, 4, n_y)
