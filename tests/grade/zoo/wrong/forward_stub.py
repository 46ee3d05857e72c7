# wrong: the stub
# caught by: forward-runs
# ruff: noqa
import numpy as np


def forward_propagation(X, parameters):
    raise NotImplementedError
