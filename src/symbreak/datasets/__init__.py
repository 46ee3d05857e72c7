"""Data to learn from: made by formula, from scikit-learn's package, from the user's files.

>>> load("planar")
Dataset('planar': 2 features, 400 samples, 2 classes)

In files, as in scikit-learn, a row is a sample; in a `Dataset`, as in the course, a column is. Values are raw:
`standardize` is a step of its own, taken with the training split alone.
"""

from __future__ import annotations

from symbreak.datasets.arrays import from_rows as from_rows
from symbreak.datasets.dataset import Dataset as Dataset
from symbreak.datasets.loading import load as load
from symbreak.datasets.loading import names as names
from symbreak.datasets.preparation import split as split
from symbreak.datasets.preparation import standardize as standardize

__all__ = ["Dataset", "from_rows", "load", "names", "split", "standardize"]
