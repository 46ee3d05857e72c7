# wrong: changes what it was given
# caught by: update-arguments
# ruff: noqa
import numpy as np


def update_parameters(parameters, grads, learning_rate=1.2):
    grads["rate"] = learning_rate
    return {key: parameters[key] - learning_rate * grads["d" + key] for key in parameters}
