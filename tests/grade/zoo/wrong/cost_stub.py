# wrong: the stub
# caught by: cost-runs
# ruff: noqa
import numpy as np


def compute_cost(A2, Y):
    raise NotImplementedError
