# wrong: the stub
# caught by: init-runs
# ruff: noqa
import numpy as np


def initialize_parameters(n_x, n_h, n_y):
    raise NotImplementedError
