"""Losses as records, computed from the logits so that nothing overflows: cross-entropy and squared error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak import notation
from symbreak.errors import UnknownName
from symbreak.numerics import activations
from symbreak.numerics.activations import Math

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Loss:
    """A loss l(z, y) of logits z and targets y, both (n_y, m), columns are examples.

    Attributes:
        text: the name, as `get` reads it.
        output: z -> the network's answer (probabilities, or z itself).
        per_example: (z, y) -> losses of shape (1, m).
        gradient: (z, y) -> dl/dz for every example, (n_y, m), not yet divided by m.
        probabilities: whether targets are probabilities, so that only 0 to 1 makes sense.

    The cost is the mean of `per_example` over the examples. All functions also take stacked arrays (..., n_y, m).
    """

    text: str
    output: Callable[[Array, Math], Array]
    per_example: Callable[[Array, Array, Math], Array]
    gradient: Callable[[Array, Array, Math], Array]
    probabilities: bool = False

    def __repr__(self) -> str:
        return f"Loss({self.text})"


def get(name: str | Loss) -> Loss:
    """Return the loss of that name: "cross-entropy", "squared-error" or "squared-error(sigmoid)".

    >>> get("cross-entropy")
    Loss(cross-entropy)
    """
    if isinstance(name, Loss):
        return name
    call = notation.parse(name) if isinstance(name, str) else None
    text = notation.write(call.name.replace("_", "-"), call.arguments) if call else name
    if text not in CATALOGUE:
        raise UnknownName.among("loss", name, CATALOGUE)
    return CATALOGUE[text]


def _sigmoid(z: Array, m: Math) -> Array:
    return activations.get("sigmoid")(z, math=m)


def _softmax(z: Array, m: Math) -> Array:
    e = m.exp(z - z.max(axis=-2, keepdims=True))
    return e / _sum_outputs(e)


def _probabilities(z: Array, m: Math) -> Array:
    return _sigmoid(z, m) if z.shape[-2] == 1 else _softmax(z, m)


def _cross_entropy(z: Array, y: Array, m: Math) -> Array:
    """One output: log(1 + e^z) - y z. More: log sum e^z - y . z, with the largest z taken out."""
    if z.shape[-2] == 1:
        return activations.get("softplus")(z, math=m) - y * z
    top = z.max(axis=-2, keepdims=True)
    # The logarithm of a sum in [1, n]: log1p is exact to rounding there, and portable.
    log_sum = m.log1p(_sum_outputs(m.exp(z - top)) - 1).astype(z.dtype, copy=False)
    return np.asarray(top + log_sum - _sum_outputs(y * z))


def _half_square(a: Array, y: Array) -> Array:
    return _sum_outputs((a - y) ** 2) / 2


def _sum_outputs(values: Array) -> Array:
    """Sum over the outputs one after the other: a library's reduction may choose another order on another machine."""
    total = values[..., :1, :]
    for row in range(1, values.shape[-2]):
        total = total + values[..., row : row + 1, :]
    return total


def _sigmoid_square_gradient(z: Array, y: Array, m: Math) -> Array:
    a = _sigmoid(z, m)
    return (a - y) * (a * (1 - a))


CATALOGUE = {
    loss.text: loss
    for loss in (
        Loss("cross-entropy", _probabilities, _cross_entropy, lambda z, y, m: _probabilities(z, m) - y, True),
        Loss("squared-error", lambda z, m: z, lambda z, y, m: _half_square(z, y), lambda z, y, m: z - y),
        Loss(
            "squared-error(sigmoid)",
            _sigmoid,
            lambda z, y, m: _half_square(_sigmoid(z, m), y),
            _sigmoid_square_gradient,
        ),
    )
}
