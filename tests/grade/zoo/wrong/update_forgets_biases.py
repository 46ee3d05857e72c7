# wrong: only the weights
# caught by: update-keys
# ruff: noqa
import numpy as np


def update_parameters(parameters, grads, learning_rate=1.2):
    return {key: parameters[key] - learning_rate * grads["d" + key] for key in ("W1", "W2")}
