# wrong: -= on the caller's arrays
# caught by: update-arguments
# ruff: noqa
import numpy as np


def update_parameters(parameters, grads, learning_rate=1.2):
    for key in parameters:
        parameters[key] -= learning_rate * grads["d" + key]
    return parameters
