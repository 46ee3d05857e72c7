# wrong: prints
# caught by: sizes-quiet (warn)
# ruff: noqa
import numpy as np


def layer_sizes(X, Y):
    n_x = X.shape[0]
    n_y = Y.shape[0]
    print("here")
    return (n_x, 4, n_y)
