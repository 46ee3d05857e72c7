# wrong: the stub
# caught by: backward-runs
# ruff: noqa
import numpy as np


def backward_propagation(parameters, cache, X, Y):
    raise NotImplementedError
