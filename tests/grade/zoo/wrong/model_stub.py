# wrong: the stub
# caught by: model-runs
# ruff: noqa
import numpy as np


def nn_model(X, Y, n_h, num_iterations=10000, print_cost=False):
    raise NotImplementedError
