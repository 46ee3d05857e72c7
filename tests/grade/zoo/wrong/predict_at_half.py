# wrong: class 1 where the network knows nothing
# caught by: predict-values (warn)
# ruff: noqa
import numpy as np


def predict(parameters, X):
    A1 = np.tanh(parameters["W1"] @ X + parameters["b1"])
    A2 = 1 / (1 + np.exp(-(parameters["W2"] @ A1 + parameters["b2"])))
    return (A2 >= 0.5).astype(int)
