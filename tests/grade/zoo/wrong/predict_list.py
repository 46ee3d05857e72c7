# wrong: a list of lists that stands on its side
# caught by: predict-shape
# ruff: noqa
import numpy as np


def predict(parameters, X):
    A1 = np.tanh(parameters["W1"] @ X + parameters["b1"])
    A2 = 1 / (1 + np.exp(-(parameters["W2"] @ A1 + parameters["b2"])))
    return [[int(a > 0.5)] for a in A2[0]]
