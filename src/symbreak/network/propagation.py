"""Forward and backward: what a network answers, what it costs, and how the cost changes with every parameter.

forward      z_l = W_l a_(l-1) + b_l,  a_l = g(z_l)
backward     dz_L = d(loss)/d(z_L),    dz_l = (W_(l+1)^T dz_(l+1)) * g'(z_l)
             dW_l = dz_l a_(l-1)^T / m,   db_l = sum(dz_l) / m
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.network import arithmetic as arithmetics
from symbreak.network import examples
from symbreak.network.arithmetic import Arithmetic
from symbreak.network.network import Network

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Forward:
    """Pre-activations z and activations a of every layer.

    `activations[0]` is X and `activations[l]` that of layer l, (n_l, m); `pre_activations[l - 1]` belongs to it. The
    last activation is the network's answer: probabilities, or the predicted values.
    """

    pre_activations: tuple[Array, ...]
    activations: tuple[Array, ...]

    @property
    def logits(self) -> Array:
        """The last pre-activation, (n_y, m)."""
        return self.pre_activations[-1]

    @property
    def answer(self) -> Array:
        """The last activation, (n_y, m)."""
        return self.activations[-1]


@dataclass(frozen=True, eq=False)
class Backward:
    """Gradients: `deltas[l - 1]` is dz of layer l for each example (not divided by m); dW and db are of the cost."""

    deltas: tuple[Array, ...]
    weights: tuple[Array, ...]
    biases: tuple[Array, ...]

    @property
    def parameters(self) -> tuple[Array, ...]:
        """dW1, db1, dW2, db2, ..."""
        return tuple(array for pair in zip(self.weights, self.biases, strict=True) for array in pair)


def forward(network: Network, X: Array, *, arithmetic: str | Arithmetic = "blas") -> Forward:
    """Return what every layer makes of X, (n_x, m).

    >>> net = Network.initialize((2, 4, 1), "zeros", seed=0)
    >>> forward(net, np.ones((2, 3))).answer
    array([[0.5, 0.5, 0.5]])
    """
    ops = arithmetics.get(arithmetic)
    a = examples.inputs(X, network.sizes[0], network.weights[0].dtype)
    z_all: list[Array] = []
    a_all = [a]
    for layer, (w, b) in enumerate(zip(network.weights, network.biases, strict=True), 1):
        z = ops.product(w, a) + b
        last = layer == len(network.weights)
        a = network.loss.output(z, ops.math) if last else network.activation(z, math=ops.math)
        z_all.append(z)
        a_all.append(a)
    return Forward(tuple(z_all), tuple(a_all))


def cost(network: Network, passed: Forward, Y: Array, *, arithmetic: str | Arithmetic = "blas") -> Array:
    """Return the mean loss over the examples: a 0-d array, or one number for each network of a stack.

    Raises `InvalidShape` if Y is not of the answer's shape.
    """
    ops = arithmetics.get(arithmetic)
    y = examples.targets(Y, passed.logits.shape, passed.logits.dtype)
    losses = network.loss.per_example(passed.logits, y, ops.math)
    return np.asarray(ops.sum_examples(losses)[..., 0, 0] / y.shape[-1])


def backward(network: Network, passed: Forward, Y: Array, *, arithmetic: str | Arithmetic = "blas") -> Backward:
    """Return the gradients of the cost, from the outputs back to the inputs.

    Raises `InvalidShape` if Y is not of the answer's shape.
    """
    ops = arithmetics.get(arithmetic)
    y = examples.targets(Y, passed.logits.shape, passed.logits.dtype)
    m = passed.logits.dtype.type(y.shape[-1])
    dz = network.loss.gradient(passed.logits, y, ops.math)
    deltas, weights, biases = [], [], []
    for layer in reversed(range(len(network.weights))):
        deltas.append(dz)
        weights.append(ops.weight_gradient(dz, passed.activations[layer]) / m)
        biases.append(ops.sum_examples(dz) / m)
        if layer:
            z, a = passed.pre_activations[layer - 1], passed.activations[layer]
            slope = network.activation.derivative(z, a, math=ops.math)
            dz = ops.pull_back(network.weights[layer], dz) * slope
    return Backward(tuple(deltas[::-1]), tuple(weights[::-1]), tuple(biases[::-1]))
