"""What happens to data between its source and the first step of training: the split and the scale."""

from __future__ import annotations

import math
import operator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from symbreak.datasets.dataset import Dataset
from symbreak.errors import InvalidData, InvalidInput, InvalidShape

SEEDS = 2**32
"""The splitter's generator takes seeds below this."""


def split(dataset: Dataset, *, test_share: float = 0.2, seed: int = 0) -> tuple[Dataset, Dataset]:
    """Split the samples at random into a training and a held-out part, ceil(test_share * m) of them held out.

    With classes the split is stratified: every class has, up to rounding, the same share in both parts. The same seed
    gives the same split. Source: `sklearn.model_selection.train_test_split`.

    Raises `InvalidInput` unless 0 < test_share < 1 and seed is an integer in [0, 2^32), and `InvalidData` if a class
    has fewer than two samples, or there are too few samples for every class to be in the training part.

    >>> from symbreak.datasets import load
    >>> train, test = split(load("iris"))
    >>> train.samples, test.samples, test.Y.sum(axis=1)
    (120, 30, array([10., 10., 10.]))
    """
    _check_share(test_share)
    seed = _checked_seed(seed)
    labels = None if dataset.task == "regression" else dataset.labels()
    held_out = math.ceil(test_share * dataset.samples)
    _check_counts(dataset, labels, held_out)

    from sklearn.model_selection import train_test_split  # type: ignore[import-untyped]

    rows = np.arange(dataset.samples)
    kept, held = train_test_split(rows, test_size=held_out, random_state=seed, stratify=labels)
    if labels is not None:
        _check_classes(dataset, labels[kept])
    manner = "at random" if labels is None else "stratified by class"
    note = f"split {manner} with seed {seed}: {kept.size} samples for training, {held.size} held out"
    return _take(dataset, kept, note), _take(dataset, held, note)


def standardize(train: Dataset, test: Dataset) -> tuple[Dataset, Dataset]:
    """Centre and scale both parts by the training part alone: z = (x - mean) / standard deviation, row by row.

    The standard deviation divides by the number of samples. A row that is constant in the training part is only
    centred. For a regression the rows of Y are treated alike, since raw targets (prices of size 1e5) make every
    learning rate meaningless. The notes of both parts say what was done.

    Raises `InvalidShape` if the parts differ in features, targets or classes, and `InvalidData` if a held-out value is
    so far from the training part that its z overflows.

    >>> from symbreak.datasets import load
    >>> train, test = standardize(*split(load("wine")))
    >>> bool(abs(train.X.mean(axis=1)).max() < 1e-12), bool(abs(test.X.mean(axis=1)).max() < 1e-12)
    (True, False)
    """
    _check_pair(train, test)
    X_train, X_test, constant = _scaled(train.X, test.X)
    Y_train, Y_test = train.Y, test.Y
    notes = ["features standardised by the training samples to mean 0 and standard deviation 1"]
    if constant.any():
        flat = [name for name, is_flat in zip(train.features, constant, strict=True) if is_flat]
        notes.append(f"constant in the training samples, so only centred: {', '.join(flat)}")
    if train.task == "regression":
        Y_train, Y_test, constant = _scaled(train.Y, test.Y)
        notes.append("targets standardised likewise" + (", constant ones only centred" if constant.any() else ""))
    return (
        replace(train, X=X_train, Y=Y_train, notes=(*train.notes, *notes)),
        replace(test, X=X_test, Y=Y_test, notes=(*test.notes, *notes)),
    )


def _scaled(
    train: NDArray[np.float64], test: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Standardise rows; also return which of them are constant.

    Rows are first divided by a power of two near their largest value. That rounds nothing and changes no z, but the
    squares of very large and very small values stay within range.
    """
    exponent = np.frexp(np.abs(train).max(axis=1, keepdims=True))[1]
    u = np.ldexp(train, -exponent)
    constant = u.max(axis=1, keepdims=True) == u.min(axis=1, keepdims=True)
    # The mean of equal numbers need not be that number; rounding must not become a feature.
    mean = np.where(constant, u[:, :1], u.mean(axis=1, keepdims=True))
    scale = np.where(constant, np.ldexp(1.0, -exponent), u.std(axis=1, keepdims=True))
    with np.errstate(over="ignore"):
        return (u - mean) / scale, (np.ldexp(test, -exponent) - mean) / scale, constant[:, 0]


def _take(dataset: Dataset, rows: NDArray[np.int64], note: str) -> Dataset:
    return replace(dataset, X=dataset.X[:, rows], Y=dataset.Y[:, rows], notes=(*dataset.notes, note))


def _check_share(share: object) -> None:
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 < share < 1:
        raise InvalidInput(
            "the held-out share must lie between 0 and 1",
            got=share,
            allowed="0 < test_share < 1",
            hint="test_share=0.2",
        )


def _checked_seed(seed: object) -> int:
    try:
        number = -1 if isinstance(seed, bool) else operator.index(seed)  # type: ignore[arg-type]
    except TypeError:
        number = -1
    if not 0 <= number < SEEDS:
        raise InvalidInput(
            "the seed of a split must be an integer", got=seed, allowed=f"0 <= seed < {SEEDS}", hint="seed=0"
        )
    return number


def _check_counts(dataset: Dataset, labels: NDArray[np.int64] | None, held_out: int) -> None:
    kinds = 1
    if labels is not None:
        counts = np.bincount(labels, minlength=len(dataset.classes))
        kinds = counts.size
        if counts.min() < 2:
            raise _rare_class(dataset.classes[int(np.argmin(counts))], int(counts.min()))
    if not kinds <= held_out <= dataset.samples - kinds:
        raise InvalidData(
            "too few samples to split" if labels is None else "too few samples for every class to be in both parts",
            got=f"{dataset.samples} samples, of which {held_out} held out",
            allowed=f"at least {kinds} in either part",
            hint="more samples, or another test_share",
        )


def _rare_class(name: str, members: int) -> InvalidData:
    return InvalidData(
        f"class {name!r} has too few samples to split",
        got=f"{members} {'sample' if members == 1 else 'samples'}",
        allowed="two samples or more of every class, one for either part",
        hint="add samples of this class, or remove those it has",
    )


def _check_classes(dataset: Dataset, labels: NDArray[np.int64]) -> None:
    counts = np.bincount(labels, minlength=len(dataset.classes))
    if counts.min() == 0:
        raise InvalidData(
            f"class {dataset.classes[int(np.argmin(counts))]!r} has no sample in the training part",
            got=f"{labels.size} training samples",
            allowed="a sample of every class to learn from",
            hint="a smaller test_share",
        )


def _check_pair(train: Dataset, test: Dataset) -> None:
    if (train.features, train.classes, train.task, train.n_y) != (test.features, test.classes, test.task, test.n_y):
        raise InvalidShape(
            "the two parts must have the same features, classes and targets",
            got=f"{train!r} and {test!r}",
            allowed="the two parts of one split",
            hint="standardize(*split(dataset))",
        )
