"""Products of the cost's Hessian with directions, without forming it: Pearlmutter's R-operator on a network's passes.

With R f = d/dt f(parameters + t v) at t = 0 of every quantity f of the forward and the backward pass:

    R z_l  = V_l a_(l-1) + W_l R a_(l-1) + u_l            (v is V_l, u_l for weights and biases)
    R a_l  = g'(z_l) R z_l
    R dz_l = (V^T dz + W^T R dz)_(l+1) g'(z_l) + (W^T dz)_(l+1) g''(z_l) R z_l
    R dW_l = (R dz_l a_(l-1)^T + dz_l R a_(l-1)^T) / m,   R db_l = sum(R dz_l) / m

and the last line is H v. Source: B. Pearlmutter, "Fast exact multiplication by the Hessian" (1994).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.network import Network, backward, forward
from symbreak.numerics import Activation
from symbreak.numerics.activations import LIBRARY

Array = NDArray[np.floating[Any]]

# Only second derivatives of an activation and of a loss are differences, of exact first ones: central differences err
# by this squared times a third derivative, and by rounding over this.
STEP = float(np.cbrt(np.finfo(np.float64).eps))


def hessian_product(networks: Network, X: Array, Y: Array) -> Callable[[Array], Array]:
    """Return v -> H v for each network of a stack in float64, both (R, parameters): W1, b1, W2, b2, ..., flat."""
    passed = forward(networks, X)
    back = backward(networks, passed, Y)
    z, a = passed.pre_activations, passed.activations
    g = networks.activation
    slopes = [g.derivative(each, value) for each, value in zip(z[:-1], a[1:-1], strict=True)]
    bends = [second_derivative(g, each) for each in z[:-1]]

    def product(v: Array) -> Array:
        V, u = _split(networks, v)
        R_z, R_a = _forward(networks, V, u, a, slopes)
        R_dz = _along(networks, z[-1], Y, R_z[-1])
        found = []
        for layer in reversed(range(len(V))):
            dz = back.deltas[layer]
            dW = R_dz @ _turned(a[layer])
            if layer:
                dW = dW + dz @ _turned(R_a[layer])
            found += [R_dz.sum(axis=-1, keepdims=True), dW]
            if layer:
                W = networks.weights[layer]
                pulled = _turned(V[layer]) @ dz + _turned(W) @ R_dz
                R_dz = pulled * slopes[layer - 1] + (_turned(W) @ dz) * bends[layer - 1] * R_z[layer - 1]
        flat = np.concatenate([array.reshape(len(v), -1) for array in reversed(found)], axis=1)
        return np.asarray(flat / X.shape[-1])

    return product


def _forward(
    networks: Network, V: list[Array], u: list[Array], a: tuple[Array, ...], slopes: list[Array]
) -> tuple[list[Array], list[Array]]:
    """Return R z of every layer, and R a of every layer before the last; that of the inputs is 0."""
    R_z: list[Array] = []
    R_a: list[Array] = [np.zeros(())]
    for layer, W in enumerate(networks.weights):
        R = V[layer] @ a[layer] + u[layer]
        if layer:
            R = R + W @ R_a[layer]
        R_z.append(R)
        if layer + 1 < len(V):
            R_a.append(slopes[layer] * R)
    return R_z, R_a


def _along(networks: Network, z: Array, Y: Array, R_z: Array) -> Array:
    """Return how the loss's gradient of every example changes as its logits move along R z."""
    longest = np.abs(R_z).max(axis=-2, keepdims=True)
    step = STEP * np.maximum(1, np.abs(z).max(axis=-2, keepdims=True)) / np.where(longest > 0, longest, 1)
    gradient = networks.loss.gradient
    y = np.broadcast_to(np.asarray(Y, np.float64), z.shape)
    change = gradient(z + step * R_z, y, LIBRARY) - gradient(z - step * R_z, y, LIBRARY)
    return np.asarray(change / (2 * step))


def second_derivative(g: Activation, z: Array) -> Array:
    """Return g''(z); within a step of a kink that of the side on which z lies, and at it that of the right side.

    >>> from symbreak.numerics import activations
    >>> second_derivative(activations.get("relu"), np.array([-1.0, 1e-9, 0.0, 2.0])).tolist()
    [0.0, 0.0, 0.0, 0.0]
    """
    low, high = z - STEP, z + STEP
    for kink in g.kinks:
        near = np.abs(z - kink) < 2 * STEP
        right = z >= kink
        # Both points of the difference on one side, and off the kink itself.
        low = np.where(near, np.where(right, kink + STEP, kink - 3 * STEP), low)
        high = np.where(near, np.where(right, kink + 3 * STEP, kink - STEP), high)
    return np.asarray((g.derivative(high) - g.derivative(low)) / (high - low))


def _split(networks: Network, v: Array) -> tuple[list[Array], list[Array]]:
    """Return the parts of directions that belong to weights, and to biases."""
    parts, start = [], 0
    for array in networks.parameters:
        size = array[0].size
        parts.append(v[:, start : start + size].reshape(array.shape))
        start += size
    return parts[::2], parts[1::2]


def _turned(array: Array) -> Array:
    return array.swapaxes(-1, -2)
