"""The products of a layer, with every unit treated alike: the specification, in readable NumPy.

Each number is formed by the same operations in the same stated order, whatever its row. Units that are tied (equal
incoming and outgoing weights) therefore stay equal to the last bit, and so do mirrored ones, for IEEE arithmetic
rounds -x as it rounds x. A BLAS product promises neither: it may sum the edge rows of a tile in another order.
Arrays may be stacked: (..., n_out, n_in) and (..., n_in, m).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]

# Sums over examples run in this many interleaved lanes: one or more whole vector registers on every processor, and a
# fixed order all the same.
LANES = 16


def product(w: Array, a: Array) -> Array:
    """Return W A, adding the inputs' terms from the first to the last: (n_out, n_in), (n_in, m) -> (n_out, m)."""
    total = w[..., :, :1] * a[..., :1, :]
    for j in range(1, w.shape[-1]):
        total = total + w[..., :, j : j + 1] * a[..., j : j + 1, :]
    return total


def pull_back(w: Array, dz: Array) -> Array:
    """Return W^T dZ, adding the outputs' terms from the first to the last: -> (n_in, m)."""
    return product(w.swapaxes(-1, -2), dz)


def weight_gradient(dz: Array, a: Array) -> Array:
    """Return dZ A^T, summed over examples in lanes: (n_out, m), (n_in, m) -> (n_out, n_in)."""
    return sum_examples(dz[..., :, None, :] * a[..., None, :, :])[..., 0]


def sum_examples(values: Array) -> Array:
    """Sum over the last axis: lane l adds elements l, l + 16, ...; then lanes 8 apart, 4, 2 and 1 apart are added."""
    short = -values.shape[-1] % LANES
    # A block of zeros in front is what each lane starts from; accumulate, unlike sum, promises to go step by step.
    padded = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(LANES, short)])
    blocks = padded.reshape(*values.shape[:-1], -1, LANES)
    lanes = np.add.accumulate(blocks, axis=-2)[..., -1, :]
    while lanes.shape[-1] > 1:
        half = lanes.shape[-1] // 2
        lanes = lanes[..., :half] + lanes[..., half:]
    return lanes
