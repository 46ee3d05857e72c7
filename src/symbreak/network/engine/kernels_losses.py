"""The losses of `network.losses`, compiled: the same operations in the same order. This module loads Numba.

Logits z, targets y and deltas are (n_y, m); `kind` is a tuple whose length is the loss's code.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import overload

from symbreak.compiling import compiled, inlined
from symbreak.network.engine.kernels_functions import as_is, exp, log1p, sigmoid, softplus, wide


def fill_deltas(kind: Any, z: Any, y: Any, dz: Any) -> None:
    """Fill `dz` with dl/dz of every example."""


def fill_losses(kind: Any, z: Any, y: Any, out: Any) -> None:
    """Fill `out` (m,) with the loss of each example."""


@overload(fill_deltas, strict=False)
def _fill_deltas(kind: Any, z: Any, y: Any, dz: Any) -> Any:
    return DELTAS[kind.count]


@overload(fill_losses, strict=False)
def _fill_losses(kind: Any, z: Any, y: Any, out: Any) -> Any:
    return LOSSES[kind.count]


@inlined
def _minus(z: Any, y: Any) -> Any:
    return z - y


@inlined
def _sigmoid_minus(z: Any, y: Any) -> Any:
    return sigmoid(z, 0.0) - y


@inlined
def _sigmoid_square(z: Any, y: Any) -> Any:
    a = sigmoid(z, 0.0)
    return (a - y) * (a * (as_is(1, a) - a))


def _elementwise(delta: Any) -> Any:
    def fill(kind, z, y, dz):  # type: ignore[no-untyped-def]
        for i in range(z.shape[0]):
            logit, target, out = z[i], y[i], dz[i]
            for s in range(z.shape[1]):
                out[s] = delta(logit[s], target[s])

    return fill


def _softmax_minus(kind, z, y, dz):  # type: ignore[no-untyped-def]
    top, total = np.empty(z.shape[1], z.dtype), np.empty(z.shape[1], z.dtype)
    _exponentials(z, top, dz, total)
    for i in range(z.shape[0]):
        target, out = y[i], dz[i]
        for s in range(z.shape[1]):
            out[s] = out[s] / total[s] - target[s]


@compiled
def _exponentials(z: Any, top: Any, e: Any, total: Any) -> None:
    """Fill `top` with each column's largest z, `e` with exp(z - top) and `total` with its sums."""
    rows, m = z.shape
    top[:] = z[0]
    for i in range(1, rows):
        logit = z[i]
        for s in range(m):
            top[s] = logit[s] if logit[s] > top[s] else top[s]
    for i in range(rows):
        logit, out = z[i], e[i]
        for s in range(m):
            out[s] = exp(logit[s] - top[s])
        for s in range(m):
            total[s] = out[s] if i == 0 else total[s] + out[s]


def _binary_cross_entropy(kind, z, y, out):  # type: ignore[no-untyped-def]
    logit, target = z[0], y[0]
    for s in range(z.shape[1]):
        out[s] = softplus(logit[s], 0.0)
    for s in range(z.shape[1]):
        out[s] = out[s] - target[s] * logit[s]


def _cross_entropy(kind, z, y, out):  # type: ignore[no-untyped-def]
    rows, m = z.shape
    top, total, e = np.empty(m, z.dtype), np.empty(m, z.dtype), np.empty_like(z)
    _exponentials(z, top, e, total)
    for s in range(m):
        out[s] = log1p(wide(total[s] - as_is(1, total[s])))
    for i in range(rows):
        logit, target = z[i], y[i]
        for s in range(m):
            term = target[s] * logit[s]
            total[s] = term if i == 0 else total[s] + term
    for s in range(m):
        out[s] = (top[s] + out[s]) - total[s]


def _half_square(answer: Any) -> Any:
    def fill(kind, z, y, out):  # type: ignore[no-untyped-def]
        for i in range(z.shape[0]):
            logit, target = z[i], y[i]
            for s in range(z.shape[1]):
                error = answer(logit[s], 0.0) - target[s]
                out[s] = error * error if i == 0 else out[s] + error * error
        for s in range(z.shape[1]):
            out[s] = out[s] / as_is(2, out[s])

    return fill


@inlined
def _itself(z: Any, c: Any) -> Any:
    return z


# In the order of `codes.LOSSES`.
DELTAS = (_elementwise(_sigmoid_minus), _softmax_minus, _elementwise(_minus), _elementwise(_sigmoid_square))
LOSSES = (_binary_cross_entropy, _cross_entropy, _half_square(_itself), _half_square(sigmoid))
