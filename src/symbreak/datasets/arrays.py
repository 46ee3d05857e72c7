"""From arrays whose rows are samples to a data set."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbreak.datasets.dataset import Dataset
from symbreak.datasets.encoding import assemble, check_samples
from symbreak.datasets.imputing import impute_way
from symbreak.datasets.table import Column, Table, boolean_column, column_from_text, number_column, row_place
from symbreak.datasets.targets import Target, check_wish, encode_target, output_values
from symbreak.errors import InvalidData, InvalidShape


def from_rows(
    X: ArrayLike, y: ArrayLike, *, name: str = "arrays", task: str | None = None, impute: str | bool | None = None
) -> Dataset:
    """Make a data set of `X`, shape (samples, features), and `y`.

    `y` has shape (samples,) or (samples, 1): labels as integers, booleans, floats or texts, or the targets of a
    regression; or shape (samples, k): one-hot rows, or the k targets of a regression. `task` ("classification" or
    "regression") overrules the guess, see `load`; `impute` fills NaN in X. Features are called x1, x2, ….

    Raises `InvalidShape` if sizes do not fit, `InvalidData` for objects, infinite or missing values and the like.

    >>> from_rows([[0, 0], [0, 1], [1, 0], [1, 1]], ["no", "yes", "yes", "no"]).Y
    array([[0., 1., 1., 0.]])
    """
    check_wish(task)
    way = impute_way(impute)
    inputs, answers = _inputs(_array("X", X)), _array("y", y)
    _check_lengths(inputs, answers)
    check_samples(name, len(inputs))
    columns = tuple(_column(f"x{i}", values) for i, values in enumerate(inputs.T, start=1))
    return assemble(Table(name, columns, row_place), _target(answers, task), impute=way)


def _array(name: str, values: ArrayLike) -> NDArray[Any]:
    try:
        array = np.asarray(values)
    except ValueError:
        raise InvalidShape(
            f"{name} must be an array",
            got="lists of different lengths",
            allowed="rows of one length",
            hint="fill up the short rows",
        ) from None
    if isinstance(values, np.ma.MaskedArray):
        raise InvalidData(
            f"{name} must not be a masked array",
            got="a mask, which would be lost",
            allowed="a plain array, with NaN for a missing value",
            hint=f"{name}.astype(float).filled(numpy.nan)",
        )
    return _texts(array) if array.dtype.kind in "OT" else array


def _texts(array: NDArray[Any]) -> NDArray[Any]:
    """Take an object array of texts alone (as pandas hands them out) for what it is."""
    return array.astype(str) if array.size and all(isinstance(item, str) for item in array.flat) else array


def _inputs(X: NDArray[Any]) -> NDArray[Any]:
    if X.dtype.kind not in "buif":
        raise InvalidData(
            "X must hold numbers",
            got=f"dtype {X.dtype}",
            allowed="integers, floats or booleans",
            hint="X.astype(float)",
        )
    if X.ndim != 2 or 0 in X.shape:
        raise InvalidShape(
            "X must be a matrix with a row per sample",
            got=f"shape {X.shape}",
            allowed="(samples, features), neither of them 0",
            hint="X.reshape(-1, 1) for a single feature"
            if X.ndim < 2
            else "X.reshape(len(X), -1) for images and the like",
        )
    return X


def _check_lengths(X: NDArray[Any], y: NDArray[Any]) -> None:
    if y.ndim in (1, 2) and len(y) == len(X) and y.size:
        return
    hint = "leave out the samples that have no partner"
    if y.ndim == 2 and y.shape[1] == len(X):
        hint = "y.T"
    elif X.shape[1] in y.shape:
        hint = "X.T (and y.T if it is a row), for here samples are rows"
    raise InvalidShape(
        "X and y must have the same number of rows, one per sample",
        got=f"X of shape {X.shape}, y of shape {y.shape}",
        allowed=f"y of shape ({len(X)},), ({len(X)}, 1) or ({len(X)}, outputs)",
        hint=hint,
    )


def _column(name: str, values: NDArray[Any]) -> Column:
    kind = values.dtype.kind
    if kind == "b":
        return boolean_column(name, values)
    if kind in "uif":
        return number_column(name, values, row_place)
    if kind in "US":
        cells = [item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item) for item in values]
        return column_from_text(name, cells, row_place)
    raise InvalidData(
        f"{name} must hold labels or numbers",
        got=f"dtype {values.dtype}",
        allowed="integers, floats, booleans or texts",
        hint=f"{name}.astype(str) for labels, {name}.astype(float) for numbers",
    )


def _target(y: NDArray[Any], task: str | None) -> Target:
    if y.ndim == 1 or y.shape[1] == 1:
        return encode_target(_column("y", y.reshape(-1)), row_place, task=task)
    return _wide_target([_column(f"y{i}", values) for i, values in enumerate(y.T, start=1)], task)


def _wide_target(columns: list[Column], task: str | None) -> Target:
    """Read one-hot rows as classes, and other matrices as the targets of a regression."""
    Y = np.array([output_values(column, row_place) for column in columns])
    marks = bool(((Y == 0) | (Y == 1)).all())
    if task != "regression" and marks and (Y.sum(axis=0) == 1).all():
        codes = np.argmax(Y, axis=0)
        return encode_target(number_column("y", codes, row_place), row_place, task="classification")
    if task == "classification" or (task is None and marks):
        raise InvalidData(
            "a sample belongs to exactly one class",
            got=f"{Y.shape[0]} columns of y that are not one-hot",
            allowed="one column of labels, or rows with a single 1",
            hint='one column of y at a time, or task="regression"',
        )
    return Target(Y, (), "regression")
