# wrong: the stub
# caught by: update-runs
# ruff: noqa
import numpy as np


def update_parameters(parameters, grads, learning_rate=1.2):
    raise NotImplementedError
