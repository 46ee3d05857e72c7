"""The right answers: our own network, and gradients by central differences of its cost."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak import random
from symbreak.grade.checks.parameters import shapes_of
from symbreak.grade.plan import Sizes
from symbreak.network import course, propagation
from symbreak.numerics import activations

Array = NDArray[Any]
Arrays = dict[str, Array]

HIDDEN = ("tanh", "relu", "sigmoid", "leaky_relu(0.01)")
"""Activations of the hidden layer that are recognized; the course's own is tanh."""

ANSWERS = ("sigmoid", "softmax")
"""Functions of the output: the course's own, and, for several outputs, the other that cross-entropy goes with."""

STEP = float(np.finfo(np.float64).eps) ** (1 / 3)
"""Of a central difference: rounding and truncation, about eps/step and step^2, are then equal, near 1e-11."""


def parameters(sizes: Sizes, seed: int) -> Arrays:
    """Return parameters of ordinary size, biases included, so that a forgotten bias shows."""
    return {key: _normal(shape, seed, key) for key, shape in shapes_of(sizes).items()}


def gradients(sizes: Sizes, seed: int) -> Arrays:
    """Return numbers in the shapes of gradients."""
    return {f"d{key}": _normal(shape, seed, f"d{key}") for key, shape in shapes_of(sizes).items()}


def inputs(n_x: int, m: int, seed: int) -> Array:
    """Return X of shape (n_x, m)."""
    return _normal((n_x, m), seed, "X")


def labels(n_y: int, m: int, seed: int) -> Array:
    """Return labels 0 and 1 of shape (n_y, m): of several outputs exactly one is 1 in each column."""
    scores = _normal((max(n_y, 2), m), seed, "Y")
    chosen = (scores == scores.max(axis=0)).astype(np.float64)
    return np.asarray(chosen[:1] if n_y == 1 else chosen)


def probabilities(n_y: int, m: int, seed: int) -> Array:
    """Return answers strictly between 0 and 1; of several outputs each column sums to 1."""
    e = np.exp(_normal((max(n_y, 2), m), seed, "A2"))
    share = e / e.sum(axis=0)
    return np.asarray(share[:1] if n_y == 1 else share)


def _normal(shape: tuple[int, int], seed: int, name: str) -> Array:
    return random.normal(shape, seed=seed, name=f"grade/{name}", dtype=np.float64)


def forward(params: Mapping[str, Any], x: Array, hidden: str = "tanh", answer: str = "sigmoid") -> Arrays:
    """Return Z1, A1, Z2, A2."""
    network = course.to_network(params, hidden)
    passed = propagation.forward(network, x)
    z1, z2 = passed.pre_activations
    return {"Z1": z1, "A1": passed.activations[1], "Z2": z2, "A2": answers(z2, answer)}


def answers(z2: Array, answer: str) -> Array:
    """Return sigmoid(Z2), entry by entry, or softmax(Z2), column by column."""
    if answer == "sigmoid":
        return np.asarray(activations.get("sigmoid")(z2))
    e = np.exp(z2 - z2.max(axis=0))
    return np.asarray(e / e.sum(axis=0))


def cost(params: Mapping[str, Any], x: Array, y: Array, hidden: str, answer: str) -> float:
    """Return the cross-entropy from the logits, summed over outputs, as a mean over examples."""
    z = forward(params, x, hidden, answer)["Z2"]
    if answer == "sigmoid":
        losses = np.asarray(activations.get("softplus")(z)) - y * z
    else:
        losses = y * (np.log(np.exp(z - z.max(axis=0)).sum(axis=0)) + z.max(axis=0) - z)
    return float(losses.sum() / y.shape[1])


@lru_cache(maxsize=128)
def differences(sizes: Sizes, m: int, seed: int, hidden: str, answer: str) -> Arrays:
    """Return dW1, db1, dW2, db2 of the case of these sizes and seed, by central differences."""
    params = parameters(sizes, seed)
    x, y = inputs(sizes[0], m, seed), labels(sizes[-1], m, seed)
    found = {}
    for key, array in params.items():
        slopes = np.empty_like(array)
        for place in np.ndindex(array.shape):
            ends = [_moved(params, key, place, step) for step in (STEP, -STEP)]
            up, down = (cost(end, x, y, hidden, answer) for end in ends)
            slopes[place] = (up - down) / (2 * STEP)
        found[f"d{key}"] = slopes
    return found


def _moved(params: Arrays, key: str, place: tuple[int, ...], step: float) -> Arrays:
    array = params[key].copy()
    array[place] += step
    return params | {key: array}
