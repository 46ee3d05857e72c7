# wrong: without the learning rate
# caught by: update-value
# ruff: noqa
import numpy as np


def update_parameters(parameters, grads, learning_rate=1.2):
    return {key: parameters[key] - grads["d" + key] for key in parameters}
