"""The products of `unitwise.py`, compiled: the same operations in the same order, so the same bits.

Arrays are stacked and contiguous: W (networks, n_out, n_in), A (networks or 1, n_in, m). This module loads Numba.
"""

from __future__ import annotations

from typing import Any

from symbreak.compiling import compiled


@compiled
def product(w: Any, a: Any, out: Any) -> None:
    """Fill `out` (networks, n_out, m) with W A."""
    networks, rows, inner = w.shape
    shared = a.shape[0] == 1
    for n in range(networks):
        source = a[0 if shared else n]
        for i in range(rows):
            target = out[n, i]
            w0 = w[n, i, 0]
            for s in range(target.size):
                target[s] = w0 * source[0, s]
            # Three terms a pass, added one after the other: the same order, fewer passes over the row.
            j = 1
            while j + 2 < inner:
                w1, w2, w3 = w[n, i, j], w[n, i, j + 1], w[n, i, j + 2]
                for s in range(target.size):
                    target[s] = ((target[s] + w1 * source[j, s]) + w2 * source[j + 1, s]) + w3 * source[j + 2, s]
                j += 3
            while j < inner:
                w1 = w[n, i, j]
                for s in range(target.size):
                    target[s] = target[s] + w1 * source[j, s]
                j += 1


@compiled
def weight_gradient(dz: Any, a: Any, out: Any) -> None:
    """Fill `out` (networks, n_out, n_in) with dZ A^T."""
    networks, rows, examples = dz.shape
    shared = a.shape[0] == 1
    whole = examples - examples % 8
    zero = dz.dtype.type(0)
    for n in range(networks):
        source = a[0 if shared else n]
        for i in range(rows):
            d = dz[n, i]
            for j in range(source.shape[0]):
                x = source[j]
                l0, l1, l2, l3, l4, l5, l6, l7 = zero, zero, zero, zero, zero, zero, zero, zero
                for s in range(0, whole, 8):
                    l0 = l0 + d[s] * x[s]
                    l1 = l1 + d[s + 1] * x[s + 1]
                    l2 = l2 + d[s + 2] * x[s + 2]
                    l3 = l3 + d[s + 3] * x[s + 3]
                    l4 = l4 + d[s + 4] * x[s + 4]
                    l5 = l5 + d[s + 5] * x[s + 5]
                    l6 = l6 + d[s + 6] * x[s + 6]
                    l7 = l7 + d[s + 7] * x[s + 7]
                s = whole
                l0 = l0 + (d[s] * x[s] if s < examples else zero)
                l1 = l1 + (d[s + 1] * x[s + 1] if s + 1 < examples else zero)
                l2 = l2 + (d[s + 2] * x[s + 2] if s + 2 < examples else zero)
                l3 = l3 + (d[s + 3] * x[s + 3] if s + 3 < examples else zero)
                l4 = l4 + (d[s + 4] * x[s + 4] if s + 4 < examples else zero)
                l5 = l5 + (d[s + 5] * x[s + 5] if s + 5 < examples else zero)
                l6 = l6 + (d[s + 6] * x[s + 6] if s + 6 < examples else zero)
                out[n, i, j] = ((l0 + l4) + (l2 + l6)) + ((l1 + l5) + (l3 + l7))
