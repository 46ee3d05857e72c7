"""The form itself: read-only, checked, comparable."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from symbreak.datasets import Dataset
from symbreak.errors import InvalidData, InvalidInput, InvalidShape, UnknownName


def small(**changes: object) -> Dataset:
    fields: dict[str, object] = {
        "name": "small",
        "X": np.array([[1, 2, 3], [4, 5, 6]]),
        "Y": np.array([[0, 1, 1]]),
        "features": ("a", "b"),
        "classes": ("no", "yes"),
        "task": "binary",
    }
    return Dataset(**{**fields, **changes})  # type: ignore[arg-type]


def test_arrays_are_float64_read_only_copies() -> None:
    X = np.array([[1, 2, 3], [4, 5, 6]], dtype=np.float64)
    data = small(X=X)
    X[:] = 0
    assert data.X[0, 0] == 1
    assert data.X.dtype == data.Y.dtype == np.float64
    for array in (data.X, data.Y):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 9


def test_fields_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        small().name = "other"  # type: ignore[misc]


def test_equality_sees_every_field() -> None:
    assert small() == small()
    assert hash(small()) == hash(small())
    changes: list[dict[str, object]] = [
        {"name": "other"},
        {"X": np.array([[1, 2, 3], [4, 5, 7]])},
        {"Y": np.array([[0, 1, 0]])},
        {"features": ("a", "c")},
        {"classes": ("yes", "no")},
        {"made_by_formula": True},
        {"notes": ("split",)},
    ]
    for change in changes:
        assert small(**change) != small()
    assert small() != "small"


def test_it_survives_pickling() -> None:
    assert pickle.loads(pickle.dumps(small())) == small()


def test_repr_counts_in_words() -> None:
    assert repr(small()) == "Dataset('small': 2 features, 3 samples, 2 classes)"
    regression = small(Y=[[1.5, 2, 3]], classes=(), task="regression", X=[[1, 2, 3]], features=("a",))
    assert repr(regression) == "Dataset('small': 1 feature, 3 samples, regression of 1 target)"


def test_labels_are_indices_into_classes() -> None:
    assert small().labels().tolist() == [0, 1, 1]
    three = small(Y=np.eye(3)[:, [2, 0, 1]], classes=("a", "b", "c"), task="multi-class")
    assert three.labels().tolist() == [2, 0, 1]
    with pytest.raises(InvalidData, match="no class labels"):
        small(Y=[[1.5, 2, 3]], classes=(), task="regression").labels()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"X": [1, 2, 3]}, InvalidShape),
        ({"X": np.empty((0, 3)), "features": ()}, InvalidShape),
        ({"Y": [[0, 1]]}, InvalidShape),
        ({"features": ("a",)}, InvalidShape),
        ({"classes": ("no",)}, InvalidShape),
        ({"classes": ("a", "b", "c")}, InvalidShape),
        ({"task": "multi-class"}, InvalidShape),
        ({"task": "regression"}, InvalidShape),
        ({"task": "clustering"}, UnknownName),
        ({"X": [[1, 2, np.nan], [4, 5, 6]]}, InvalidData),
        ({"X": [[1, 2, np.inf], [4, 5, 6]]}, InvalidData),
        ({"Y": [[0, 1, 2]]}, InvalidData),
        ({"Y": np.ones((3, 3)), "classes": ("a", "b", "c"), "task": "multi-class"}, InvalidData),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, object], error: type[InvalidInput]) -> None:
    with pytest.raises(error):
        small(**changes)


def test_replace_checks_again() -> None:
    with pytest.raises(InvalidShape):
        replace(small(), features=("a",))
