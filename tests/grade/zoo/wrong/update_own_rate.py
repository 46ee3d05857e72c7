# wrong: always the rate 1.2
# caught by: update-value
# ruff: noqa
import numpy as np


def update_parameters(parameters, grads, learning_rate=1.2):
    return {key: parameters[key] - 1.2 * grads["d" + key] for key in parameters}
