# wrong: prints
# caught by: update-quiet (warn)
# ruff: noqa
import numpy as np


def update_parameters(parameters, grads, learning_rate=1.2):
    print("here")
    return {key: parameters[key] - learning_rate * grads["d" + key] for key in parameters}
