# right: closures and comprehensions, cost from clipped answers, stable sigmoid
# ruff: noqa
from functools import reduce

import numpy as np

layer_sizes = lambda X, Y, n_h=4: (X.shape[0], n_h, Y.shape[0])
sigmoid = lambda z: 0.5 * (1 + np.tanh(z / 2))


def initialize_parameters(n_x, n_h, n_y):
    draw = lambda rows, columns: 0.01 * np.random.randn(rows, columns)
    layers = [(n_x, n_h), (n_h, n_y)]
    each = ({f"W{i}": draw(o, n), f"b{i}": np.zeros((o, 1))} for i, (n, o) in enumerate(layers, 1))
    return reduce(lambda a, b: {**a, **b}, each)


def forward_propagation(X, parameters):
    W1, b1, W2, b2 = map(parameters.get, ["W1", "b1", "W2", "b2"])
    Z1 = np.einsum("ij,jm->im", W1, X) + b1
    A1 = np.tanh(Z1)
    Z2 = np.einsum("ij,jm->im", W2, A1) + b2
    return sigmoid(Z2), dict(Z1=Z1, A1=A1, Z2=Z2, A2=sigmoid(Z2))


def compute_cost(A2, Y, parameters=None):
    A2 = np.clip(A2, 1e-12, 1 - 1e-12)
    return -np.mean(np.sum(np.where(Y == 1, np.log(A2), np.log1p(-A2)), axis=0))


def backward_propagation(parameters, cache, X, Y):
    dZ2 = (cache["A2"] - Y) / X.shape[1]
    dZ1 = parameters["W2"].T @ dZ2 * (1 - cache["A1"] ** 2)
    return {
        "dW1": dZ1 @ X.T,
        "db1": dZ1 @ np.ones((X.shape[1], 1)),
        "dW2": dZ2 @ cache["A1"].T,
        "db2": dZ2.sum(1)[:, None],
    }


def predict(parameters, X):
    return np.round(forward_propagation(X, parameters)[0]).astype(int)
