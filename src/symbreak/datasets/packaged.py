"""Real data that comes inside scikit-learn's package, so that nothing is fetched."""

from __future__ import annotations

from importlib import import_module

import numpy as np

from symbreak.datasets.dataset import Dataset

LOADERS = {"digits": "load_digits", "breast-cancer": "load_breast_cancer", "wine": "load_wine", "iris": "load_iris"}
"""Our name of each set, and the function of `sklearn.datasets` that reads it."""


def read(name: str) -> Dataset:
    """Read the set called `name`, a key of `LOADERS`, with the names of its features and classes.

    >>> read("iris").classes
    ('setosa', 'versicolor', 'virginica')
    """
    bunch = getattr(import_module("sklearn.datasets"), LOADERS[name])()
    classes = tuple(str(label) for label in bunch.target_names)
    labels = np.asarray(bunch.target)
    two = len(classes) == 2
    return Dataset(
        name,
        X=bunch.data.T,
        Y=labels.reshape(1, -1) if two else np.eye(len(classes))[:, labels],
        features=tuple(bunch.feature_names),
        classes=classes,
        task="binary" if two else "multi-class",
    )
