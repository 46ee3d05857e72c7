# right: orthonormal rows, or columns
# ruff: noqa
import numpy as np


def orthogonal(n_out, n_in):
    q, r = np.linalg.qr(np.random.randn(max(n_out, n_in), min(n_out, n_in)))
    q = q * np.sign(np.diag(r))
    return q if n_out >= n_in else q.T


def initialize_parameters(n_x, n_h, n_y):
    return {
        "W1": orthogonal(n_h, n_x),
        "b1": np.zeros((n_h, 1)),
        "W2": orthogonal(n_y, n_h),
        "b2": np.zeros((n_y, 1)),
    }
