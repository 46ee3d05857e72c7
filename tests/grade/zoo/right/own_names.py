# right: arguments in the site's order, under names of one's own
# ruff: noqa
import numpy as np


def forward_propagation(inputs, w):
    Z1 = w["W1"] @ inputs + w["b1"]
    A1 = np.tanh(Z1)
    Z2 = w["W2"] @ A1 + w["b2"]
    A2 = 1 / (1 + np.exp(-Z2))
    return A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}


def backward_propagation(X, Y, p, c):
    m = X.shape[1]
    d2 = (c["A2"] - Y) / m
    d1 = p["W2"].T @ d2 * (1 - c["A1"] ** 2)
    return {
        "dW1": d1 @ X.T,
        "db1": d1.sum(axis=1, keepdims=True),
        "dW2": d2 @ c["A1"].T,
        "db2": d2.sum(axis=1, keepdims=True),
    }


def nn_model(X, Y, n_h, lr=0.5, epochs=10000, verbose=True):
    rng = np.random.default_rng(0)
    p = {
        "W1": rng.normal(0, 0.01, (n_h, len(X))),
        "b1": np.zeros((n_h, 1)),
        "W2": rng.normal(0, 0.01, (len(Y), n_h)),
        "b2": np.zeros((len(Y), 1)),
    }
    means = []
    for epoch in range(epochs):
        A2, c = forward_propagation(X, p)
        g = backward_propagation(X, Y, p, c)
        p = {key: p[key] - lr * g["d" + key] for key in p}
        means.append(A2.mean())
        if verbose and epoch % 100 == 0:
            print(epoch, means[-1])
    return {"parameters": p, "means": means}


def predict(X, p, threshold=0.5):
    return (forward_propagation(X, p)[0] > threshold).astype(int)
