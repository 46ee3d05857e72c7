"""The products of `unitwise.py`, compiled: the same operations in the same order, so the same bits.

Matrices are flat, row after row. Rows over examples are `m` long, a multiple of `LANES`, filled up with zeros: a zero
added to a lane changes nothing. Tiles of four rows by two columns keep their sums in registers. This module loads
Numba.
"""

from __future__ import annotations

from typing import Any

from symbreak.compiling import inlined, lent, lent_inlined
from symbreak.network.kernels_lanes import load, load_wide, splat, store, total, wide_lanes
from symbreak.network.unitwise import LANES


@lent_inlined
def product(w: Any, step: Any, across: Any, rows: Any, inner: Any, a: Any, m: Any, out: Any) -> None:
    """Fill `out` (rows, m) with W A; W's entry (i, j) is w[i * step + j * across], A is (inner, m)."""
    whole = rows - rows % 4
    for i in range(0, whole, 4):
        _four_rows(w[i * step :], step, across, inner, a, m, out[i * m : (i + 4) * m])
    for i in range(whole, rows):
        _one_row(w[i * step :], across, inner, a, m, out[i * m : (i + 1) * m])


@lent_inlined
def _four_rows(w: Any, step: Any, across: Any, inner: Any, a: Any, m: Any, out: Any) -> None:
    for s in range(0, m, LANES):
        row0, row1, row2, row3 = four_sums(w, step, across, inner, a, m, s)
        store(out, s, row0)
        store(out, m + s, row1)
        store(out, 2 * m + s, row2)
        store(out, 3 * m + s, row3)


@inlined
def four_sums(w: Any, step: Any, across: Any, inner: Any, a: Any, m: Any, s: Any) -> Any:
    """Return the entries of four rows of W A for the examples from s on."""
    x = load(a, s)
    row0, row1, row2, row3 = w[0] * x, w[step] * x, w[2 * step] * x, w[3 * step] * x
    for j in range(1, inner):
        x = load(a, j * m + s)
        at = j * across
        row0 = row0 + w[at] * x
        row1 = row1 + w[at + step] * x
        row2 = row2 + w[at + 2 * step] * x
        row3 = row3 + w[at + 3 * step] * x
    return row0, row1, row2, row3


@lent_inlined
def _one_row(w: Any, across: Any, inner: Any, a: Any, m: Any, out: Any) -> None:
    whole = m - m % wide_lanes(a)
    for s in range(0, whole, wide_lanes(a)):
        row = w[0] * load_wide(a, s)
        for j in range(1, inner):
            row = row + w[j * across] * load_wide(a, j * m + s)
        store(out, s, row)
    for s in range(whole, m, LANES):
        store(out, s, one_sum(w, across, inner, a, m, s))


@inlined
def one_sum(w: Any, across: Any, inner: Any, a: Any, m: Any, s: Any) -> Any:
    """Return the entries of one row of W A for the examples from s on."""
    row = w[0] * load(a, s)
    for j in range(1, inner):
        row = row + w[j * across] * load(a, j * m + s)
    return row


@lent_inlined
def weight_gradient(dz: Any, rows: Any, a: Any, inner: Any, m: Any, count: Any, out: Any) -> None:
    """Fill `out` (rows, inner) with dZ A^T / count: dZ is (rows, m), A is (inner, m)."""
    whole, pairs = rows - rows % 4, inner - inner % 2
    for i in range(0, whole, 4):
        for j in range(0, pairs, 2):
            _four_by_two(dz[i * m :], a[j * m :], m, count, out[i * inner + j :], inner)
        if pairs < inner:
            _four_by_one(dz[i * m :], a[pairs * m :], m, count, out[i * inner + pairs :], inner)
    fours = inner - inner % 4
    for i in range(whole, rows):
        # A sum of products d x is one of products x d, so the tile may lie across.
        for j in range(0, fours, 4):
            _four_by_one(a[j * m :], dz[i * m :], m, count, out[i * inner + j :], 1)
        for j in range(fours, inner):
            _one_by_one(dz[i * m :], a[j * m :], m, count, out[i * inner + j :])


@lent_inlined
def _four_by_two(d: Any, x: Any, m: Any, count: Any, out: Any, step: Any) -> None:
    zero = splat(d.dtype.type(0))
    a0, a1, a2, a3, b0, b1, b2, b3 = zero, zero, zero, zero, zero, zero, zero, zero
    for s in range(0, m, LANES):
        left, right = load(x, s), load(x, m + s)
        d0, d1 = load(d, s), load(d, m + s)
        d2, d3 = load(d, 2 * m + s), load(d, 3 * m + s)
        a0, a1, a2, a3 = a0 + d0 * left, a1 + d1 * left, a2 + d2 * left, a3 + d3 * left
        b0, b1, b2, b3 = b0 + d0 * right, b1 + d1 * right, b2 + d2 * right, b3 + d3 * right
    out[0], out[1] = total(a0) / count, total(b0) / count
    out[step], out[step + 1] = total(a1) / count, total(b1) / count
    out[2 * step], out[2 * step + 1] = total(a2) / count, total(b2) / count
    out[3 * step], out[3 * step + 1] = total(a3) / count, total(b3) / count


@lent_inlined
def _four_by_one(d: Any, x: Any, m: Any, count: Any, out: Any, step: Any) -> None:
    zero = splat(d.dtype.type(0))
    a0, a1, a2, a3 = zero, zero, zero, zero
    for s in range(0, m, LANES):
        left = load(x, s)
        a0, a1 = a0 + load(d, s) * left, a1 + load(d, m + s) * left
        a2, a3 = a2 + load(d, 2 * m + s) * left, a3 + load(d, 3 * m + s) * left
    out[0], out[step] = total(a0) / count, total(a1) / count
    out[2 * step], out[3 * step] = total(a2) / count, total(a3) / count


@lent_inlined
def _one_by_one(d: Any, x: Any, m: Any, count: Any, out: Any) -> None:
    lanes = splat(d.dtype.type(0))
    for s in range(0, m, LANES):
        lanes = lanes + load(d, s) * load(x, s)
    out[0] = total(lanes) / count


@lent
def sum_examples(values: Any, m: Any) -> Any:
    """Return the sum of the first `m` numbers of a flat array."""
    lanes = splat(values.dtype.type(0))
    for s in range(0, m, LANES):
        lanes = lanes + load(values, s)
    return total(lanes)


@lent
def products(w: Any, rows: Any, inner: Any, a: Any, m: Any, out: Any) -> None:
    """Fill `out` with the products of stacked matrices W, one after the other; one A may serve all."""
    for n in range(w.size // (rows * inner)):
        source = a[n * inner * m % a.size :]
        product(w[n * rows * inner :], inner, 1, rows, inner, source, m, out[n * rows * m :])


@lent
def weight_gradients(dz: Any, rows: Any, a: Any, inner: Any, m: Any, out: Any) -> None:
    """Fill `out` with the products dZ A^T of stacked matrices; one A may serve all."""
    for n in range(dz.size // (rows * m)):
        source, target = a[n * inner * m % a.size :], out[n * rows * inner :]
        weight_gradient(dz[n * rows * m :], rows, source, inner, m, dz.dtype.type(1), target)
