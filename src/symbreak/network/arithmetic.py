"""How a network's products and functions are computed: by BLAS, or with every unit treated alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.errors import UnknownName
from symbreak.network import unitwise
from symbreak.numerics import portable, single
from symbreak.numerics.activations import LIBRARY, PORTABLE, Math

Array = NDArray[np.floating[Any]]

# Below this many multiplications a product in NumPy costs less than loading Numba and its cached kernels.
KERNEL_WORK = 2**12


@dataclass(frozen=True)
class Arithmetic:
    """The four operations in which networks may differ in the last bit, and the elementary functions.

    Attributes:
        product: W (n_out, n_in), A (n_in, m) -> W A.
        pull_back: W, dZ (n_out, m) -> W^T dZ.
        weight_gradient: dZ, A -> dZ A^T.
        sum_examples: (..., m) -> (..., 1).
        math: exp, tanh, ...: the library's or the portable ones.
    """

    name: str
    product: Callable[[Array, Array], Array]
    pull_back: Callable[[Array, Array], Array]
    weight_gradient: Callable[[Array, Array], Array]
    sum_examples: Callable[[Array], Array]
    math: Math


def get(name: str | Arithmetic) -> Arithmetic:
    """Return the arithmetic of that name, "blas" or "unitwise".

    "unitwise" forms every unit's numbers by the same operations in the same order and uses portable functions: tied
    units stay bit-identical, and the bits are the same on every machine. "blas" is faster for wide layers and promises
    neither.
    """
    if isinstance(name, Arithmetic):
        return name
    if name not in CATALOGUE:
        raise UnknownName.among("arithmetic", name, CATALOGUE)
    return CATALOGUE[name]


def _product(w: Array, a: Array) -> Array:
    if w.size * a.shape[-1] < KERNEL_WORK or not w.shape[-1]:
        return unitwise.product(w, a)
    from symbreak.network import kernels

    (rows, inner), m, source = w.shape[-2:], a.shape[-1], padded(a)
    out = np.empty((*np.broadcast_shapes(w.shape[:-2], a.shape[:-2]), rows, source.shape[-1]), w.dtype)
    kernels.products(_flat(w), rows, inner, _flat(source), source.shape[-1], _flat(out))
    return out[..., :m]


def _weight_gradient(dz: Array, a: Array) -> Array:
    if dz.size * a.shape[-2] < KERNEL_WORK:
        return unitwise.weight_gradient(dz, a)
    from symbreak.network import kernels

    rows, inner, source = dz.shape[-2], a.shape[-2], padded(a)
    out = np.empty((*np.broadcast_shapes(dz.shape[:-2], a.shape[:-2]), rows, inner), dz.dtype)
    kernels.weight_gradients(_flat(padded(dz)), rows, _flat(source), inner, source.shape[-1], _flat(out))
    return out


def _sum_examples(values: Array) -> Array:
    # A product with ones is exact, so the kernel of the gradient sums in the same order to the same bits.
    if values.size < KERNEL_WORK:
        return unitwise.sum_examples(values)
    ones = np.ones((1, values.shape[-1]), values.dtype)
    return _weight_gradient(values, ones)


def padded(array: Array) -> Array:
    """Return the array with its last axis filled up with zeros to whole vectors, as the kernels take it."""
    short = -array.shape[-1] % unitwise.LANES
    return np.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, short)]) if short else array


def _flat(array: Array) -> Array:
    return np.ascontiguousarray(array).reshape(-1)


def _by_dtype(name: str) -> Callable[[Array], Array]:
    """Return the portable function that computes float32 in float32, and all else in float64."""

    def function(x: Array) -> Array:
        family = single if getattr(x, "dtype", None) == np.float32 else portable
        return np.asarray(getattr(family, name)(x))

    return function


def _transposed(array: Array) -> Array:
    return array.swapaxes(-1, -2)


CATALOGUE = {
    "blas": Arithmetic(
        "blas",
        np.matmul,
        lambda w, dz: np.matmul(_transposed(w), dz),
        lambda dz, a: np.matmul(dz, _transposed(a)),
        lambda values: values.sum(axis=-1, keepdims=True),
        LIBRARY,
    ),
    "unitwise": Arithmetic(
        "unitwise",
        _product,
        lambda w, dz: _product(_transposed(w), dz),
        _weight_gradient,
        _sum_examples,
        replace(PORTABLE, exp=_by_dtype("exp"), tanh=_by_dtype("tanh")),
    ),
}
