"""Data made by formula, drawn as the course's planar assignment draws it.

Every set has two features and two classes, and is the same array at every call: its random state is fixed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from symbreak.datasets.dataset import Dataset

Points = tuple[NDArray[np.float64], NDArray[np.int64]]
"""Samples in rows, shape (m, 2), and their classes 0 or 1, shape (m,)."""


def make(name: str) -> Dataset:
    """Make the set called `name`, a key of `FORMULAS`.

    >>> make("moons")
    Dataset('moons': 2 features, 200 samples, 2 classes)
    """
    points, labels = FORMULAS[name]()
    return Dataset(
        name,
        X=points.T,
        Y=labels.reshape(1, -1).astype(np.float64),
        features=("x1", "x2"),
        classes=("0", "1"),
        task="binary",
        made_by_formula=True,
    )


def planar() -> Points:
    """Return the flower: 400 points, 200 per class, whose petals alternate between the classes.

    Class j has angle t on a uniform grid over [3.12 j, 3.12 (j+1)] plus N(0, 0.2^2), radius 4 sin 4t plus
    N(0, 0.2^2), point (r sin t, r cos t). One `RandomState(1)` draws: angles and then radii of class 0, then both
    of class 1. Since 3.12 is a little less than pi, the classes nearly fill one half-turn each.

    Source: `load_planar_dataset` of the course's "Planar data classification with one hidden layer".
    """
    rng = np.random.RandomState(1)
    petals = [_petals(j, rng, samples=200) for j in range(2)]
    return np.concatenate(petals), np.repeat([0, 1], 200)


def _petals(j: int, rng: np.random.RandomState, *, samples: int) -> NDArray[np.float64]:
    t = np.linspace(3.12 * j, 3.12 * (j + 1), samples) + rng.randn(samples) * 0.2
    r = 4 * np.sin(4 * t) + rng.randn(samples) * 0.2
    return np.column_stack([r * np.sin(t), r * np.cos(t)])


def circles() -> Points:
    """Return 200 points on two noisy circles, the inner one (class 1) of half the radius.

    Source: `load_extra_datasets` of the same assignment, as for all sets below but `xor`; the course leaves the
    random state open, here it is 1.
    """
    from sklearn.datasets import make_circles  # type: ignore[import-untyped]

    return _points(*make_circles(n_samples=200, factor=0.5, noise=0.3, random_state=1))


def moons() -> Points:
    """Return 200 points on two noisy half-circles that reach into each other."""
    from sklearn.datasets import make_moons

    return _points(*make_moons(n_samples=200, noise=0.2, random_state=1))


def blobs() -> Points:
    """Return 200 points in six Gaussian blobs, of class 0 and 1 in turn (random state 5, as in the course)."""
    from sklearn.datasets import make_blobs

    points, blob = make_blobs(n_samples=200, random_state=5, n_features=2, centers=6)
    return _points(points, blob % 2)


def gaussian_quantiles() -> Points:
    """Return 200 points of one Gaussian, N(0, 0.5 I): class 0 is the inner half, class 1 the outer."""
    from sklearn.datasets import make_gaussian_quantiles

    return _points(
        *make_gaussian_quantiles(
            mean=None, cov=0.5, n_samples=200, n_features=2, n_classes=2, shuffle=True, random_state=1
        )
    )


def xor() -> Points:
    """Return 200 points around the corners of a square: opposite corners share a class.

    50 points around each of (-1, -1), (-1, 1), (1, -1), (1, 1), in this order, each the corner plus N(0, 0.3^2 I) from
    `RandomState(1).randn(200, 2)`. The class belongs to the corner: 1 if its signs differ. Both classes have the mean
    (0, 0), so no line tells them apart, and a network that starts near zero sees no slope at first.
    """
    corners = np.repeat([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]], 50, axis=0)
    points = corners + 0.3 * np.random.RandomState(1).randn(200, 2)
    return _points(points, corners[:, 0] != corners[:, 1])


def _points(points: NDArray[np.float64], labels: NDArray[np.int64 | np.bool_]) -> Points:
    return points, labels.astype(np.int64)


FORMULAS: Mapping[str, Callable[[], Points]] = {
    "planar": planar,
    "circles": circles,
    "moons": moons,
    "blobs": blobs,
    "gaussian-quantiles": gaussian_quantiles,
    "xor": xor,
}
