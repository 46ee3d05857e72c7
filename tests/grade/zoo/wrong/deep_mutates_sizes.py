# wrong: takes the sizes out of the caller's list
# caught by: init-arguments
# ruff: noqa
import numpy as np


def initialize_parameters_deep(layer_dims):
    parameters = {}
    n_in = layer_dims.pop(0)
    for l, n_out in enumerate(layer_dims, 1):
        parameters["W" + str(l)] = np.random.randn(n_out, n_in) * np.sqrt(1 / n_in)
        parameters["b" + str(l)] = np.zeros((n_out, 1))
        n_in = n_out
    return parameters
