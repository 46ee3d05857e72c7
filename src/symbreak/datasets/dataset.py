"""The one form in which every other room receives data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbreak.errors import InvalidData, InvalidShape, UnknownName

Task = Literal["binary", "multi-class", "regression"]


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Samples in columns, as the course writes them; raw values, read-only.

    - `X`, shape (n_x, m), float64: `X[i, j]` is feature `features[i]` of sample j, in the units of its source.
    - `Y`, shape (n_y, m), float64. Two classes: one row, 0 for `classes[0]` and 1 for `classes[1]`. More classes:
      one row per class, with a single 1 in each column. Regression: one row per output, `classes` is empty.
    - `made_by_formula`: such data is drawn as the course draws it, so it is neither split nor standardised.
    - `notes`: what was encoded, imputed, dropped, split or standardised, one sentence each.

    Two data sets are equal if all fields are, arrays bit for bit.

    Raises `InvalidShape` if the arrays, names and task do not fit each other, `InvalidData` if a value is not finite
    or `Y` does not hold classes as told above, `UnknownName` for any other task.

    >>> data = Dataset("and", X=[[0, 0, 1, 1], [0, 1, 0, 1]], Y=[[0, 0, 0, 1]],
    ...                features=("a", "b"), classes=("no", "yes"), task="binary")
    >>> data, data.n_x, data.n_y, data.samples
    (Dataset('and': 2 features, 4 samples, 2 classes), 2, 1, 4)
    >>> data.labels()
    array([0, 0, 0, 1])
    """

    name: str
    X: NDArray[np.float64]
    Y: NDArray[np.float64]
    features: tuple[str, ...]
    classes: tuple[str, ...]
    task: Task
    made_by_formula: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in ("X", "Y"):
            object.__setattr__(self, field, _read_only(field, getattr(self, field)))
        for field in ("features", "classes", "notes"):
            object.__setattr__(self, field, tuple(str(item) for item in getattr(self, field)))
        _check_shapes(self)
        _check_values(self)

    @property
    def n_x(self) -> int:
        """Number of features."""
        return int(self.X.shape[0])

    @property
    def n_y(self) -> int:
        """Number of rows of `Y`: the outputs that a network for this data must have."""
        return int(self.Y.shape[0])

    @property
    def samples(self) -> int:
        """Number of samples, m."""
        return int(self.X.shape[1])

    def labels(self) -> NDArray[np.int64]:
        """Return the class of every sample as an index into `classes`, shape (m,).

        Raises `InvalidData` for a regression, which has no classes.
        """
        if self.task == "regression":
            raise InvalidData(
                "a regression has no class labels",
                got=repr(self),
                allowed="a data set of two or more classes",
                hint="use Y, the targets themselves",
            )
        codes: NDArray[Any] = self.Y[0] if self.task == "binary" else np.argmax(self.Y, axis=0)
        return np.asarray(codes, dtype=np.int64)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Dataset):
            return NotImplemented
        return _key(self) == _key(other) and np.array_equal(self.X, other.X) and np.array_equal(self.Y, other.Y)

    def __hash__(self) -> int:
        return hash(_key(self))

    def __repr__(self) -> str:
        last = _count(len(self.classes), "class") if self.classes else f"regression of {_count(self.n_y, 'target')}"
        return f"Dataset({self.name!r}: {_count(self.n_x, 'feature')}, {_count(self.samples, 'sample')}, {last})"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}{'es' if noun.endswith('s') else 's'}"


def _key(data: Dataset) -> tuple[object, ...]:
    return (
        data.name,
        data.X.shape,
        data.Y.shape,
        data.features,
        data.classes,
        data.task,
        data.made_by_formula,
        data.notes,
    )


def _read_only(field: str, values: ArrayLike) -> NDArray[np.float64]:
    """Copy, so that nobody else holds a writable view."""
    array: NDArray[np.float64] = np.array(values, dtype=np.float64, order="C")
    if array.ndim != 2 or array.size == 0:
        raise InvalidShape(
            f"{field} of a data set must be a matrix with a column per sample",
            got=f"shape {array.shape}",
            allowed="two dimensions, none of them 0",
            hint=f"{field}.reshape(1, -1) for a single row",
        )
    array.setflags(write=False)
    return array


def _check_shapes(data: Dataset) -> None:
    if data.task not in get_args(Task):
        raise UnknownName.among("task", data.task, get_args(Task))
    if data.X.shape[1] != data.Y.shape[1]:
        _misfit("X and Y must have one column per sample each", f"X {data.X.shape}, Y {data.Y.shape}")
    if len(data.features) != data.n_x:
        _misfit("every row of X needs one feature name", f"{len(data.features)} names for {data.n_x} rows")
    rows = {"binary": (2, 1), "multi-class": (max(3, len(data.classes)), len(data.classes))}
    if data.task != "regression" and (len(data.classes), data.n_y) != rows[data.task]:
        _misfit(
            "two classes take one row of Y, more classes one row each",
            f"{len(data.classes)} classes and {data.n_y} rows for task {data.task!r}",
        )
    if data.task == "regression" and data.classes:
        _misfit("a regression has no classes", repr(data.classes))


def _misfit(rule: str, got: str) -> None:
    raise InvalidShape(
        rule, got=got, allowed="sizes that agree", hint="from_rows(X, y), which builds a data set from samples in rows"
    )


def _check_values(data: Dataset) -> None:
    for field, array in (("X", data.X), ("Y", data.Y)):
        if not np.isfinite(array).all():
            row, column = (int(index) for index in np.argwhere(~np.isfinite(array))[0])
            _unusable(f"{field} must be finite", f"{field}[{row}, {column}] = {array[row, column]}")
    marks: NDArray[Any] = (data.Y == 0) | (data.Y == 1)
    if data.task != "regression" and not marks.all():
        _unusable("Y of a classification holds 0 and 1 only", repr(float(data.Y[~marks][0])))
    if data.task == "multi-class" and not (data.Y.sum(axis=0) == 1).all():
        _unusable("a sample belongs to exactly one class", "a column of Y with no 1 or several")


def _unusable(rule: str, got: str) -> None:
    raise InvalidData(
        rule,
        got=got,
        allowed="finite features; 0/1 or one-hot classes",
        hint="load or from_rows, which check and encode",
    )
