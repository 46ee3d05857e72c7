# wrong: 2/n_in without the root
# caught by: init-scale
# ruff: noqa
import numpy as np


def initialize_parameters_he(layers_dims):
    parameters = {}
    for l in range(1, len(layers_dims)):
        n_in, n_out = layers_dims[l - 1], layers_dims[l]
        parameters["W" + str(l)] = np.random.randn(n_out, n_in) * 2 / n_in
        parameters["b" + str(l)] = np.zeros((n_out, 1))
    return parameters
