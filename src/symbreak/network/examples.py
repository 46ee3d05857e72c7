"""X and Y as they are given: read as numbers, labels as 0 and 1; each way they can be wrong is refused here, once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from symbreak.errors import InvalidInput, InvalidShape

Array = NDArray[np.floating[Any]]


def read(values: ArrayLike, what: str) -> NDArray[Any]:
    """Return the values as an array; lists of different lengths are refused."""
    try:
        return np.asarray(values)
    except ValueError:
        raise InvalidShape(
            f"{what} must be an array",
            got="lists of different lengths",
            allowed="rows of one length",
            hint="fill up the short rows",
        ) from None


def numbers(values: ArrayLike, what: str, dtype: DTypeLike = np.float64) -> Array:
    """Return the values in that dtype: unsigned labels, left as they are, would underflow in A2 - Y."""
    array = read(values, what)
    if array.dtype.kind not in "fiub":
        raise InvalidInput(
            f"{what} must hold numbers", got=f"dtype {array.dtype}", allowed="float64, float32", hint="0.0"
        )
    if array.dtype == dtype:
        return array
    # A number beyond float32 becomes inf, which `check_finite` tells; a warning would come first and say less.
    with np.errstate(over="ignore"):
        return array.astype(dtype)


def matrix(values: ArrayLike, what: str) -> Array:
    """Return finite numbers as a float64 matrix; vectors would broadcast."""
    array = numbers(values, what)
    if array.ndim != 2 or not array.size:
        raise InvalidShape(
            f"{what} is a matrix whose columns are examples",
            got=f"shape {array.shape}",
            allowed="(n, m), neither of them 0",
            hint=f"{what}.reshape(1, -1)",
        )
    check_finite(array, what)
    return array


def probabilities(A2: ArrayLike) -> Array:
    """Return A2 as probabilities (n_y, m). A column would be read as the classes of a single example."""
    a = matrix(A2, "A2")
    if a.shape[1] == 1 < len(a):
        raise InvalidShape(
            "the columns of A2 are examples", got=f"A2 of shape {a.shape}", allowed=f"(1, {len(a)})", hint="A2.T"
        )
    check_probabilities(a, "A2", hint="sigmoid(Z2)")
    return a


def inputs(X: ArrayLike, rows: int, dtype: DTypeLike) -> Array:
    """Return X for a network with so many inputs, (..., rows, m)."""
    x = numbers(X, "X", dtype)
    if x.ndim < 2 or x.shape[-2] != rows or not x.shape[-1]:
        raise InvalidShape(
            "X has one column for each example and one row for each input",
            got=f"X of shape {x.shape} for a network with {rows} inputs",
            allowed=f"({rows}, m)",
            hint="X.T, if your rows are examples",
        )
    return x


def targets(Y: ArrayLike, answers: tuple[int, ...], dtype: DTypeLike) -> Array:
    """Return Y for answers of that shape; a stack of networks may share one Y. Another shape would broadcast."""
    y = numbers(Y, "Y", dtype)
    if y.shape[-2:] != answers[-2:] or y.shape[:-2] not in ((), answers[:-2]):
        raise InvalidShape(
            "Y has one row for each output and as many columns as X",
            got=f"Y of shape {y.shape} for answers of shape {answers}",
            allowed=f"Y of shape {answers[-2:]}",
            hint="Y.reshape(1, -1), or Y.T if its rows are examples",
        )
    return y


def labels(Y: ArrayLike, m: int) -> Array:
    """Return the labels of m examples as a float64 matrix (n_y, m).

    A vector (m,) or a column (m, 1) becomes a row. Truth values and two different texts become 0 and 1 in sorted
    order, texts of numbers by size.

    >>> labels([["yes"], ["no"], ["yes"]], 3)
    array([[1., 0., 1.]])
    """
    y = numbers(_without_texts(Y), "Y")
    if y.ndim == 1 or y.shape == (m, 1):
        y = y.reshape(1, -1)
    if y.ndim != 2 or y.shape[1] != m or not y.size:
        raise InvalidShape(
            "Y holds one label for each example, and columns are examples",
            got=f"Y of shape {y.shape} for {m} examples",
            allowed=f"(n_y, {m}), ({m},) or ({m}, 1)",
            hint="X.T, if the rows of X are examples",
        )
    return y


def check_finite(array: Array, what: str) -> None:
    """Refuse inf and nan, naming the first place."""
    fine = np.isfinite(array)
    if not fine.all():
        raise InvalidInput(
            f"{what} must be finite", got=_first(array, ~fine), allowed="finite numbers", hint="np.nan_to_num"
        )


def check_probabilities(array: Array, what: str, *, hint: str) -> None:
    """Refuse what cross-entropy cannot read: numbers outside [0, 1]."""
    outside = (array < 0) | (array > 1)
    if outside.any():
        raise InvalidInput(
            f"{what} must hold probabilities or labels from 0 to 1: cross-entropy has no meaning elsewhere",
            got=_first(array, outside),
            allowed="0 to 1",
            hint=hint,
        )


def _first(array: Array, wrong: NDArray[np.bool_]) -> str:
    where = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"{array[where]} at {where}"


def _without_texts(Y: ArrayLike) -> NDArray[Any]:
    """Return Y with its texts, if it holds any, as numbers."""
    y = read(Y, "Y")
    if y.dtype == object:
        y = read(y.tolist(), "Y")
    return _codes(y.astype(str)) if y.dtype.kind in "UST" else y


def _codes(texts: NDArray[np.str_]) -> NDArray[Any]:
    known = _by_size(texts)
    values, codes = np.unique(known, return_inverse=True)
    spelled = known.dtype.kind == "f"
    if len(values) == 2 and not (spelled and not np.isfinite(values).all()):
        return codes.reshape(texts.shape)
    if spelled:
        return known
    raise InvalidInput(
        "labels that are texts must name two classes",
        got=f"{len(values)} different: {', '.join(map(str, values[:5]))}{', ...' if len(values) > 5 else ''}",
        allowed="two different texts",
        hint="one row of 0 and 1 for each class",
    )


def _by_size(texts: NDArray[np.str_]) -> NDArray[Any]:
    """Return texts that all spell numbers as these numbers, so that "10" comes after "2"."""
    try:
        return texts.astype(np.float64)
    except ValueError:
        return texts
