# right: the argument order of the course site, and matrix products by @
# ruff: noqa
import numpy as np


def forward_propagation(X, parameters):
    Z1 = parameters["W1"] @ X + parameters["b1"]
    A1 = np.tanh(Z1)
    Z2 = parameters["W2"] @ A1 + parameters["b2"]
    A2 = 1 / (1 + np.exp(-Z2))
    cache = {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2, "W2": parameters["W2"]}
    return A2, cache


def backward_propagation(X, Y, parameters, cache):
    m = X.shape[1]
    dZ2 = cache["A2"] - Y
    dZ1 = cache["W2"].T @ dZ2 * (1 - cache["A1"] ** 2)
    return {
        "dW1": 1 / m * dZ1 @ X.T,
        "db1": 1 / m * np.sum(dZ1, axis=1, keepdims=True),
        "dW2": 1 / m * dZ2 @ cache["A1"].T,
        "db2": 1 / m * np.sum(dZ2, axis=1, keepdims=True),
    }


def predict(X, parameters):
    A2, _ = forward_propagation(X, parameters)
    return (A2 > 0.5).astype(np.uint8)
