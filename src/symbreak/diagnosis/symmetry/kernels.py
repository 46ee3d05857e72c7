"""Passes over large weight matrices, compiled. This module loads Numba; it is imported on first use.

Weights are float32 or float64, row-major, and are never copied. Sums run in float64; the order of additions is left to
the compiler, since the bounds that are put on them hold for every order.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np


def compiled(function: Any) -> Any:
    """Compile without the interpreter lock; keep the machine code on disk."""
    return numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract"})(function)


# Rows are compared in pieces of this many entries: long enough for vector instructions, short enough to stop early.
BLOCK = 1024


@compiled
def compare_rows(w: Any, rows: Any, first: Any, signs: Any, differ: Any) -> None:
    """Set differ[k] where row rows[k] is not signs[k] times row first[k]; 0.0 equals -0.0."""
    for k in range(rows.size):
        sign = signs[k]
        for start in range(0, w.shape[1], BLOCK):
            # Slices have a known length, without which the loop is not vectorised.
            one, other = w[rows[k]][start : start + BLOCK], w[first[k]][start : start + BLOCK]
            apart = np.uint8(0)
            for j in range(one.size):
                apart |= np.uint8(one[j] != sign * other[j])
            if apart:
                differ[k] = 1
                break


@compiled
def compare_columns(w: Any, rows: Any, columns: Any, first: Any, signs: Any, differ: Any) -> None:
    """Set differ[k] where, on these rows, column columns[k] is not signs[k] times column first[k]."""
    last = rows.size - 1
    for r in range(0, rows.size, 4):
        # Four rows a pass, the last one again where fewer are left: the indices are loaded once for all of them.
        r0, r1, r2, r3 = w[rows[r]], w[rows[min(r + 1, last)]], w[rows[min(r + 2, last)]], w[rows[min(r + 3, last)]]
        for k in range(columns.size):
            c, f, sign = columns[k], first[k], signs[k]
            low = np.uint8(r0[c] != sign * r0[f]) | np.uint8(r1[c] != sign * r1[f])
            differ[k] |= low | np.uint8(r2[c] != sign * r2[f]) | np.uint8(r3[c] != sign * r3[f])


@compiled
def hash_rows(w: Any, rows: Any, factors: Any, value: Any, size: Any) -> None:
    """value[k] = sum of w[rows[k], j] factors[j]; size[k] = the same of absolute values."""
    for k in range(rows.size):
        row = w[rows[k]]
        total, absolute = 0.0, 0.0
        for j in range(row.size):
            term = np.float64(row[j]) * factors[j]
            total += term
            absolute += abs(term)
        value[k], size[k] = total, absolute


@compiled
def hash_columns(w: Any, rows: Any, factors: Any, value: Any, size: Any) -> None:
    """value[j] = sum over these rows of w[i, j] factors[i]; size[j] = the same of absolute values."""
    for i in rows:
        row, factor = w[i], factors[i]
        for j in range(row.size):
            term = np.float64(row[j]) * factor
            value[j] += term
            size[j] += abs(term)


@compiled
def hash_some_columns(w: Any, rows: Any, columns: Any, factors: Any, value: Any, size: Any) -> None:
    """The same for a few columns."""
    for i in rows:
        row, factor = w[i], factors[i]
        for k in range(columns.size):
            term = np.float64(row[columns[k]]) * factor
            value[k] += term
            size[k] += abs(term)


@compiled
def row_sums(w: Any, rows: Any, labels: Any, signs: Any, out: Any) -> None:
    """out[k, c] = sum of signs[j] w[rows[k], j] over the columns j of class c."""
    for k in range(rows.size):
        row = w[rows[k]]
        for j in range(row.size):
            if labels[j] >= 0:
                out[k, labels[j]] += np.float64(row[j]) * signs[j]


@compiled
def column_sums(w: Any, columns: Any, labels: Any, signs: Any, out: Any) -> None:
    """out[c, k] = sum of signs[i] w[i, columns[k]] over the rows i of class c."""
    for i in range(w.shape[0]):
        if labels[i] >= 0:
            row, total, sign = w[i], out[labels[i]], np.float64(signs[i])
            for k in range(columns.size):
                total[k] += sign * np.float64(row[columns[k]])


@compiled
def are_multiples(w: Any, per_unit: float) -> bool:
    """Whether every weight times `per_unit`, a power of two, is a whole number."""
    for i in range(w.shape[0]):
        row = w[i]
        apart = 0
        for j in range(row.size):
            scaled = np.float64(row[j]) * per_unit
            apart |= scaled != np.rint(scaled)
        if apart:
            return False
    return True
