# right: softmax where there are several outputs
# ruff: noqa
import numpy as np


def forward_propagation(X, parameters):
    Z1 = parameters["W1"] @ X + parameters["b1"]
    A1 = np.tanh(Z1)
    Z2 = parameters["W2"] @ A1 + parameters["b2"]
    if len(Z2) == 1:
        A2 = 1 / (1 + np.exp(-Z2))
    else:
        e = np.exp(Z2 - Z2.max(axis=0, keepdims=True))
        A2 = e / e.sum(axis=0, keepdims=True)
    return A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}


def compute_cost(A2, Y):
    m = Y.shape[1]
    if len(Y) == 1:
        return float(-(np.log(A2[Y == 1]).sum() + np.log(1 - A2[Y == 0]).sum()) / m)
    return float(-(Y * np.log(A2)).sum() / m)


def backward_propagation(X, Y, parameters, cache):
    m = X.shape[1]
    dZ2 = cache["A2"] - Y
    dZ1 = parameters["W2"].T @ dZ2 * (1 - cache["A1"] ** 2)
    grads = {"dW2": dZ2 @ cache["A1"].T / m, "db2": dZ2.mean(axis=1, keepdims=True)}
    return grads | {"dW1": dZ1 @ X.T / m, "db1": dZ1.mean(axis=1, keepdims=True)}
