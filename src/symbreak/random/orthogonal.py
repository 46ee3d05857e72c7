"""Random orthogonal matrices with a fixed order of operations: a product of Householder reflectors.

Stewart, "The efficient generation of random orthogonal matrices with an application to condition estimators" (1980).
With x_j the last n - j entries of row j of the standard normal tensor (k, n) of this seed and name,

    w_j = x_j with sign(x_j0) |x_j| added to its first entry,    H_j = I - w_j w_j' / (|x_j| (|x_j| + |x_j0|))
    column c of Q = H_0 H_1 ... H_c (-sign(x_c0) e_c)

is the Q factor, with positive diagonal of R, of a Gaussian matrix: Haar's law. Reflectors after c leave e_c as it is,
so a column needs only the reflectors before it, and none of the other columns. All arithmetic is float64 and every
sum runs from its first to its last term, so the bits depend neither on threads nor on a linear algebra library.
"""

from __future__ import annotations

import importlib
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.errors import InvalidInput, InvalidShape
from symbreak.random.arguments import checked_threads
from symbreak.random.distributions import normal
from symbreak.random.sharing import cores, share

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]

COLUMNS_AT_ONCE = 64
COMPILED_FROM = 2**14
"""Reflector entries from which the compiled kernel works; its bits are the same."""


def orthogonal(
    rows: int,
    columns: int,
    *,
    seed: int | str,
    name: str = "",
    part: range | slice | None = None,
    threads: int | None = None,
) -> Matrix:
    """Return a Haar-distributed float64 matrix (rows, columns): orthonormal columns, or orthonormal rows if it is wide.

    `part` selects columns (rows, if rows < columns) and only these are made, with the bits they have in the whole.

    Raises InvalidShape unless both sizes are integers >= 0, InvalidInput for a part outside the matrix.

    >>> q = orthogonal(5, 3, seed=0, name="recurrent")
    >>> bool(np.allclose(q.T @ q, np.eye(3), atol=1e-14))
    True
    >>> bool((orthogonal(5, 3, seed=0, name="recurrent", part=range(1, 3)) == q[:, 1:]).all())
    True
    """
    long, short = max(_size(rows), _size(columns)), min(_size(rows), _size(columns))
    wanted = _wanted(part, short)
    if wanted.step < 0:
        flipped = orthogonal(long, short, seed=seed, name=name, part=wanted[::-1], threads=threads)[:, ::-1]
        return np.ascontiguousarray(flipped if rows >= columns else flipped.T)
    last = max(wanted, default=-1)
    reflectors, scales, signs = _reflectors(long, last + 1, seed, name, short, threads)
    result = np.empty((long, len(wanted)))

    def make(starts: Iterable[int]) -> None:
        for start in starts:
            chosen = np.asarray(wanted[start : start + COLUMNS_AT_ONCE], dtype=np.int64)
            result[:, start : start + len(chosen)] = _columns(chosen, reflectors, scales, signs)

    share(make, range(0, len(wanted), COLUMNS_AT_ONCE), checked_threads(threads) or cores())
    return result if rows >= columns else np.ascontiguousarray(result.T)


def _size(size: object) -> int:
    if isinstance(size, (bool, np.bool_)) or not isinstance(size, (int, np.integer)) or size < 0:
        raise InvalidShape(
            "a matrix has integer sizes >= 0", got=repr(size), allowed="an int >= 0", hint="orthogonal(64, 32, seed=0)"
        )
    return operator.index(size)


def _wanted(part: object, count: int) -> range:
    if part is None:
        return range(count)
    if isinstance(part, slice):
        return range(count)[part]
    if isinstance(part, range) and (not part or (min(part) >= 0 and max(part) < count)):
        return part
    raise InvalidInput(
        "part selects columns (of a wide matrix: rows)",
        got=repr(part),
        allowed=f"a slice, or a range within {count}",
        hint="part=range(8)",
    )


def _reflectors(
    length: int, count: int, seed: int | str, name: str, whole: int, threads: int | None
) -> tuple[Matrix, Vector, Vector]:
    """Return w_j (row j, zero before entry j), 1 / (|x| (|x| + |x0|)) and -sign(x0) for the first `count`
    reflectors."""
    w = normal((whole, length), seed=seed, name=name, dtype=np.float64, index=slice(0, count), threads=threads)
    w = np.triu(w)
    norms = np.sqrt(_sum_rows_in_order(w))
    leading = w.diagonal().copy()
    signs = np.where(leading < 0, 1.0, -1.0)
    np.fill_diagonal(w, leading - signs * norms)
    return w, 1.0 / (norms * (norms + np.abs(leading))), signs


def _sum_rows_in_order(w: Matrix) -> Vector:
    """Return the sum of squares of each row, added from left to right (zeros before the diagonal change nothing)."""
    total = np.zeros(len(w))
    if w.size >= COMPILED_FROM:
        _kernels().sum_squares(w, total)
        return total
    for column in w.T:
        total += column * column
    return total


def _columns(chosen: NDArray[np.int64], w: Matrix, scales: Vector, signs: Vector) -> Matrix:
    """Apply H_0 ... H_c to -sign e_c for each chosen column c, the last reflector first."""
    y = np.zeros((w.shape[1], len(chosen)))
    y[chosen, np.arange(len(chosen))] = signs[chosen]
    if w.size >= COMPILED_FROM:
        _kernels().reflect(w[: chosen[-1] + 1], scales, chosen, y)
    else:
        _reflect(w[: chosen[-1] + 1], scales, chosen, y)
    return y


def _reflect(w: Matrix, scales: Vector, columns: NDArray[np.int64], y: Matrix) -> None:
    """Apply the reflectors, the last one first, to the columns of y (ascending); each from its own one on."""
    for j in range(len(w) - 1, -1, -1):
        begin = np.searchsorted(columns, j)
        block = y[j:, begin:]
        dots = np.add.accumulate(w[j, j:, None] * block, axis=0)[-1]
        block -= w[j, j:, None] * (scales[j] * dots)


def _kernels() -> Any:
    return importlib.import_module("symbreak.random.kernels_orthogonal")
