"""A learner's answer to the first exercise, with one slip: `symbreak grade examples/homework/week3.py` finds it."""

import numpy as np


def initialize_parameters(n_x, n_h, n_y):
    """Start a network of n_x inputs, n_h hidden units and n_y outputs."""
    W1 = np.random.randn(n_h, n_x) * 0.01
    b1 = np.zeros(n_h)
    W2 = np.random.randn(n_y, n_h) * 0.01
    b2 = np.zeros((n_y, 1))
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
