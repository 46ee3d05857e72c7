# wrong: the variant of zeros with random weights
# caught by: init-all-zero
# ruff: noqa
import numpy as np


def initialize_parameters_zeros(layers_dims):
    parameters = {}
    for l in range(1, len(layers_dims)):
        n_in, n_out = layers_dims[l - 1], layers_dims[l]
        parameters["W" + str(l)] = np.random.randn(n_out, n_in) * 0.01
        parameters["b" + str(l)] = np.zeros((n_out, 1))
    return parameters
