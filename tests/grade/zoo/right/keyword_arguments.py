# right: seed and scale as keywords
# ruff: noqa
import numpy as np


def initialize_parameters(n_x, n_h, n_y, *, scale=0.01, seed=None):
    rng = np.random.default_rng(seed)
    shapes = {"W1": (n_h, n_x), "b1": (n_h, 1), "W2": (n_y, n_h), "b2": (n_y, 1)}
    return {k: rng.normal(scale=scale, size=s) if k[0] == "W" else np.zeros(s) for k, s in shapes.items()}


def update_parameters(parameters, grads, learning_rate=1.2, **options):
    import copy

    parameters = copy.deepcopy(parameters)
    for key in parameters:
        parameters[key] -= learning_rate * grads["d" + key]
    return parameters
