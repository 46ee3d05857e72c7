# wrong: the stub
# caught by: predict-runs
# ruff: noqa
import numpy as np


def predict(parameters, X):
    raise NotImplementedError
