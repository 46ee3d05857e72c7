# wrong: the stub
# caught by: sizes-runs
# ruff: noqa
import numpy as np


def layer_sizes(X, Y):
    raise NotImplementedError
