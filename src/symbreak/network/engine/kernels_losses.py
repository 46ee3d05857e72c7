"""The losses of `network.losses`, compiled: the same operations in the same order. This module loads Numba.

Logits z, targets y and deltas are (n_y, m), flat; `kind` is a tuple whose length is the loss's code, `scratch` a place
for n_y + 2 rows.
"""

from __future__ import annotations

from typing import Any

from numba.extending import overload

from symbreak.compiling import WITHIN, inlined, lent
from symbreak.network.engine.kernels_functions import as_is, exp, log1p, sigmoid, softplus, wide
from symbreak.network.kernels_lanes import in_widest_vectors, load, load_wide, store, wide_lanes
from symbreak.network.unitwise import LANES


def fill_deltas(kind: Any, z: Any, y: Any, m: Any, dz: Any, scratch: Any) -> None:
    """Fill `dz` with dl/dz of every example."""


def fill_losses(kind: Any, z: Any, y: Any, m: Any, out: Any, scratch: Any) -> None:
    """Fill `out` (m,) with the loss of each example."""


@overload(fill_deltas, strict=False, jit_options=WITHIN)
def _fill_deltas(kind: Any, z: Any, y: Any, m: Any, dz: Any, scratch: Any) -> Any:
    return DELTAS[kind.count]


@overload(fill_losses, strict=False)
def _fill_losses(kind: Any, z: Any, y: Any, m: Any, out: Any, scratch: Any) -> Any:
    return LOSSES[kind.count]


@inlined
def _itself(z: Any, c: Any) -> Any:
    return z


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
    def fill(kind, z, y, m, dz, scratch):  # type: ignore[no-untyped-def]
        in_widest_vectors()
        whole = y.size - y.size % wide_lanes(y)
        for k in range(0, whole, wide_lanes(y)):
            store(dz, k, delta(load_wide(z, k), load_wide(y, k)))
        for k in range(whole, y.size, LANES):
            store(dz, k, delta(load(z, k), load(y, k)))

    return fill


def _softmax_minus(kind, z, y, m, dz, scratch):  # type: ignore[no-untyped-def]
    total = scratch[m : 2 * m]
    _exponentials(z, m, scratch[:m], dz, total)
    for start in range(0, y.size, m):
        out, target = dz[start : start + m], y[start : start + m]
        for s in range(m):
            out[s] = out[s] / total[s] - target[s]


@lent
def _exponentials(z: Any, m: Any, top: Any, e: Any, total: Any) -> None:
    """Fill `top` with each column's largest z, `e` with exp(z - top) and `total` with its sums."""
    in_widest_vectors()
    for s in range(m):
        top[s] = z[s]
    for start in range(m, z.size, m):
        logit = z[start : start + m]
        for s in range(m):
            top[s] = logit[s] if logit[s] > top[s] else top[s]
    for start in range(0, z.size, m):
        logit, out = z[start : start + m], e[start : start + m]
        for s in range(m):
            out[s] = exp(logit[s] - top[s])
        for s in range(m):
            total[s] = out[s] if start == 0 else total[s] + out[s]


def _binary_cross_entropy(kind, z, y, m, out, scratch):  # type: ignore[no-untyped-def]
    in_widest_vectors()
    for s in range(m):
        out[s] = softplus(z[s], 0.0)
    for s in range(m):
        out[s] = out[s] - y[s] * z[s]


def _cross_entropy(kind, z, y, m, out, scratch):  # type: ignore[no-untyped-def]
    top, total = scratch[:m], scratch[m : 2 * m]
    _exponentials(z, m, top, scratch[2 * m :], total)
    in_widest_vectors()
    for s in range(m):
        out[s] = log1p(wide(total[s] - as_is(1, total[s])))
    for start in range(0, y.size, m):
        logit, target = z[start : start + m], y[start : start + m]
        for s in range(m):
            term = target[s] * logit[s]
            total[s] = term if start == 0 else total[s] + term
    for s in range(m):
        out[s] = (top[s] + out[s]) - total[s]


def _half_square(answer: Any) -> Any:
    def fill(kind, z, y, m, out, scratch):  # type: ignore[no-untyped-def]
        for start in range(0, y.size, m):
            logit, target = z[start : start + m], y[start : start + m]
            for s in range(m):
                error = answer(logit[s], 0.0) - target[s]
                out[s] = error * error if start == 0 else out[s] + error * error
        for s in range(m):
            out[s] = out[s] / as_is(2, out[s])

    return fill


# In the order of `codes.LOSSES`.
DELTAS = (_elementwise(_sigmoid_minus), _softmax_minus, _elementwise(_minus), _elementwise(_sigmoid_square))
LOSSES = (_binary_cross_entropy, _cross_entropy, _half_square(_itself), _half_square(sigmoid))
