"""The compiled twin of the reflectors in `orthogonal.py`: vector lanes run over columns, so every column's sums keep
their order."""

from __future__ import annotations

from typing import Any

import numpy as np

from symbreak.compiling import compiled


@compiled
def sum_squares(w: Any, totals: Any) -> None:
    """Write the sum of squares of each row, added from left to right."""
    for j in range(w.shape[0]):
        total = 0.0
        for i in range(j, w.shape[1]):
            total += w[j, i] * w[j, i]
        totals[j] = total


@compiled
def _dots(w: Any, y: Any, first: Any, dots: Any) -> None:
    """dots = w' y, row after row."""
    dots[:] = w[first] * y[first]
    for i in range(first + 1, y.shape[0]):
        factor, row = w[i], y[i]
        for c in range(row.shape[0]):
            dots[c] += factor * row[c]


@compiled
def _subtract(w: Any, y: Any, first: Any, dots: Any) -> None:
    """y = y - w dots, the outer product of the two."""
    for i in range(first, y.shape[0]):
        factor, row = w[i], y[i]
        for c in range(row.shape[0]):
            row[c] = row[c] - factor * dots[c]


@compiled
def reflect(w: Any, scales: Any, columns: Any, y: Any) -> None:
    """Apply the reflectors, the last one first, to the columns of y (ascending); column k takes part from its own
    reflector on."""
    dots = np.empty(y.shape[1])
    begin = y.shape[1]
    for j in range(w.shape[0] - 1, -1, -1):
        while begin > 0 and columns[begin - 1] >= j:
            begin -= 1
        if begin < y.shape[1]:
            block = y[:, begin:]
            _dots(w[j], block, j, dots[begin:])
            dots[begin:] = scales[j] * dots[begin:]
            _subtract(w[j], block, j, dots[begin:])
