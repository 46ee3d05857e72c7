# right: nn_model in one piece, with ReLU
# ruff: noqa
import numpy as np


def nn_model(X, Y, n_h, num_iterations=10000, print_cost=False):
    np.random.seed(3)
    m = X.shape[1]
    W1, b1 = np.random.randn(n_h, X.shape[0]) * np.sqrt(2 / X.shape[0]), np.zeros((n_h, 1))
    W2, b2 = np.random.randn(Y.shape[0], n_h) * np.sqrt(1 / n_h), np.zeros((Y.shape[0], 1))
    for i in range(num_iterations):
        Z1 = np.dot(W1, X) + b1
        A1 = Z1 * (Z1 > 0)
        A2 = 1 / (1 + np.exp(-(np.dot(W2, A1) + b2)))
        dZ2 = A2 - Y
        dZ1 = np.dot(W2.T, dZ2) * (Z1 > 0)
        W1, b1 = W1 - 0.5 * np.dot(dZ1, X.T) / m, b1 - 0.5 * dZ1.sum(axis=1, keepdims=True) / m
        W2, b2 = W2 - 0.5 * np.dot(dZ2, A1.T) / m, b2 - 0.5 * dZ2.sum(axis=1, keepdims=True) / m
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
