"""How sharply the cost is curved where training starts: gradient descent stays there for rates below 2 / sharpness."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak import random
from symbreak.experiments.theory.hessian import hessian_product
from symbreak.network import Network

Array = NDArray[np.floating[Any]]

# After so many products with the Hessian its largest eigenvalue has settled to some digits, and networks with at most
# so many parameters have theirs in full.
PRODUCTS = 40
# A direction that is left with this share of its length lies in those before, up to rounding.
SPENT = 1e-10
# Activations of networks that are looked at together: 64 MiB.
NUMBERS = 2**23


def sharpness(networks: Network, X: Array, Y: Array) -> Array:
    """Return the largest eigenvalue of the Hessian of the cost in all weights and biases, (R,), in float64.

    Where the cost is the quadratic with this Hessian H, gradient descent multiplies the part along an eigenvector of
    eigenvalue l by 1 - rate * l in each step: it stays bounded for rates up to 2 / sharpness, and beyond it does not.
    A real cost is such a quadratic only near the start; so 2 / sharpness says where the first steps leave the
    neighbourhood, not that the training diverges.

    The eigenvalue is found by Lanczos' method on products H v. Where the slope of an activation jumps (relu at 0) the
    cost has no second derivative; H is that of the pieces to both sides, as automatic differentiation has it.

    Args:
        networks: a stack of R networks.
        X: (n_x, m). Y: (n_y, m).

    >>> from symbreak.network import stack
    >>> network = Network.from_arrays([[[0.0, 0.0]]], activation="tanh", loss="squared-error")
    >>> X = np.array([[3.0, -3.0], [1.0, -1.0]])
    >>> sharpness(stack([network]), X, np.ones((1, 2))).round(6)
    array([10.])

    Source: J. Cohen et al., "Gradient descent on neural networks typically occurs at the edge of stability",
    arXiv:2103.00065.
    """
    units = sum(networks.sizes) * X.shape[1]
    at_once = max(1, NUMBERS // units)
    count = len(networks.weights[0])
    parts = [_sharpness(_float64(networks, slice(i, i + at_once)), X, Y) for i in range(0, count, at_once)]
    return np.concatenate(parts)


def _float64(networks: Network, part: slice) -> Network:
    return networks.with_parameters([array[part].astype(np.float64) for array in networks.parameters])


def _sharpness(networks: Network, X: Array, Y: Array) -> Array:
    size = sum(array[0].size for array in networks.parameters)
    first = random.normal(size, seed=0, name="sharpness/first direction", dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        return largest_eigenvalue(
            hessian_product(networks, X, Y), np.broadcast_to(first, (len(networks.weights[0]), size))
        )


def largest_eigenvalue(product: Callable[[Array], Array], first: Array) -> Array:
    """Return the largest eigenvalue of each of R symmetric matrices, whatever the smallest is: (R,).

    Lanczos: in the basis of first, H first, H^2 first, ... made orthonormal, H is a small tridiagonal matrix. Exact to
    rounding after as many products as there are dimensions; `PRODUCTS` at most are made.

    Args:
        product: (R, n) -> (R, n), H v of each matrix.
        first: directions to begin with, (R, n).
    """
    count, size = first.shape
    steps = min(size, PRODUCTS)
    basis = np.zeros((steps, count, size))
    small = np.zeros((count, steps, steps))
    v = first / np.linalg.norm(first, axis=1, keepdims=True)
    for k in range(steps):
        basis[k] = v
        w = product(v)
        length = np.linalg.norm(w, axis=1)
        small[:, k, k] = (w * v).sum(axis=1)
        if k + 1 == steps:
            break
        for _ in range(2):  # once more, for what rounding left
            w = w - np.einsum("kr,krn->rn", np.einsum("krn,rn->kr", basis, w), basis)
        rest = np.linalg.norm(w, axis=1)
        # A spent basis goes on with zeros: rows of zeros, and the eigenvalue 0, in the small matrix.
        rest = np.where(rest > SPENT * length, rest, 0.0)
        small[:, k, k + 1] = small[:, k + 1, k] = rest
        v = w * np.divide(1.0, rest, out=np.zeros_like(rest), where=rest > 0)[:, None]
    return np.linalg.eigvalsh(small)[:, -1]
