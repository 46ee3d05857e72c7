"""The real sets are scikit-learn's, names included."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.datasets

from symbreak.datasets import load
from symbreak.datasets.packaged import LOADERS


@pytest.mark.parametrize("name", LOADERS)
def test_values_and_names_are_kept(name: str) -> None:
    bunch = getattr(sklearn.datasets, LOADERS[name])()
    data = load(name)
    assert np.array_equal(data.X, bunch.data.T)
    assert data.features == tuple(bunch.feature_names)
    assert data.classes == tuple(str(label) for label in bunch.target_names)
    assert [data.classes[label] for label in data.labels()] == [str(bunch.target_names[code]) for code in bunch.target]
    assert not data.made_by_formula


def test_two_classes_take_one_row_and_more_take_one_each() -> None:
    assert load("breast-cancer").Y.shape == (1, 569)
    for name in ("digits", "wine", "iris"):
        data = load(name)
        assert data.Y.shape == (len(data.classes), data.samples)
        assert (data.Y.sum(axis=0) == 1).all()
