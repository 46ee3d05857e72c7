"""A layer's sums and what is done with them at once, while they are in registers. This module loads Numba.

Where a function is written for vectors, sums and function are one loop; where not, they are two. The operations on each
number are the same.
"""

from __future__ import annotations

from typing import Any

from numba.extending import overload

from symbreak.compiling import WITHIN
from symbreak.network.engine.codes import FOR_VECTORS
from symbreak.network.engine.kernels_functions import SLOPES, VALUES, activate, multiply_by_slopes
from symbreak.network.kernels import four_sums, one_sum, product
from symbreak.network.kernels_lanes import in_widest_vectors, load, store
from symbreak.network.unitwise import LANES


def answers(kind: Any, c: Any, w: Any, inner: Any, rows: Any, below: Any, m: Any, z: Any, a: Any) -> None:
    """Fill z (rows, m) with the sums of a layer, W = w (rows, inner), and the beginning of `a` with g(z)."""


def pull_back(kind: Any, c: Any, w: Any, rows: Any, above: Any, dz: Any, m: Any, z: Any, a: Any, out: Any) -> None:
    """Fill `out` (rows, m) with W^T dZ times g'(z): dZ is (above, m), W is w (above, rows + 1) with the biases."""


@overload(answers, strict=False, jit_options=WITHIN)
def _answers(kind: Any, c: Any, w: Any, inner: Any, rows: Any, below: Any, m: Any, z: Any, a: Any) -> Any:
    value = VALUES[kind.count]

    def apart(kind, c, w, inner, rows, below, m, z, a):  # type: ignore[no-untyped-def]
        product(w, inner, 1, rows, inner, below, m, z)
        activate(kind, c, z, a)

    def at_once(kind, c, w, inner, rows, below, m, z, a):  # type: ignore[no-untyped-def]
        in_widest_vectors()
        whole = rows - rows % 4
        for i in range(0, whole, 4):
            own = w[i * inner :]
            for s in range(0, m, LANES):
                at = i * m + s
                z0, z1, z2, z3 = four_sums(own, inner, 1, inner, below, m, s)
                store(z, at, z0)
                store(z, at + m, z1)
                store(z, at + 2 * m, z2)
                store(z, at + 3 * m, z3)
                store(a, at, value(z0, c))
                store(a, at + m, value(z1, c))
                store(a, at + 2 * m, value(z2, c))
                store(a, at + 3 * m, value(z3, c))
        for i in range(whole, rows):
            for s in range(0, m, LANES):
                row = one_sum(w[i * inner :], 1, inner, below, m, s)
                store(z, i * m + s, row)
                store(a, i * m + s, value(row, c))

    return at_once if kind.count in FOR_VECTORS else apart


@overload(pull_back, strict=False, jit_options=WITHIN)
def _pull_back(kind: Any, c: Any, w: Any, rows: Any, above: Any, dz: Any, m: Any, z: Any, a: Any, out: Any) -> Any:
    slope = SLOPES[kind.count]

    def apart(kind, c, w, rows, above, dz, m, z, a, out):  # type: ignore[no-untyped-def]
        product(w, 1, rows + 1, rows, above, dz, m, out)
        multiply_by_slopes(kind, c, z, a, out)

    def at_once(kind, c, w, rows, above, dz, m, z, a, out):  # type: ignore[no-untyped-def]
        in_widest_vectors()
        whole = rows - rows % 4
        for i in range(0, whole, 4):
            for s in range(0, m, LANES):
                at = i * m + s
                d0, d1, d2, d3 = four_sums(w[i:], 1, rows + 1, above, dz, m, s)
                store(out, at, d0 * slope(load(z, at), load(a, at), c))
                at += m
                store(out, at, d1 * slope(load(z, at), load(a, at), c))
                at += m
                store(out, at, d2 * slope(load(z, at), load(a, at), c))
                at += m
                store(out, at, d3 * slope(load(z, at), load(a, at), c))
        for i in range(whole, rows):
            for s in range(0, m, LANES):
                row = one_sum(w[i:], rows + 1, above, dz, m, s)
                store(out, i * m + s, row * slope(load(z, i * m + s), load(a, i * m + s), c))

    return at_once if kind.count in FOR_VECTORS else apart
