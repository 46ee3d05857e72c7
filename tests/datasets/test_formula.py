"""The sets made by formula are the course's, number for number."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import sklearn.datasets

from symbreak.datasets import load
from symbreak.datasets.formula import FORMULAS

EPS = np.finfo(float).eps
ROUNDINGS = 40
"""A coordinate is made by about ten operations; the angle's rounding is magnified by 4 (the 4t) and 4 (the radius)."""


def flower_one_number_at_a_time() -> np.ndarray:
    """The course's formula again, with scalars and the library's sine; draws taken from one stream by position."""
    stream = np.random.RandomState(1).randn(800)
    points = []
    for j in (0, 1):
        for i in range(200):
            angle = 3.12 * j + 3.12 * i / 199 + 0.2 * stream[400 * j + i]
            radius = 4 * math.sin(4 * angle) + 0.2 * stream[400 * j + 200 + i]
            points.append((radius * math.sin(angle), radius * math.cos(angle)))
    return np.array(points).T


def is_the_flower(X: np.ndarray) -> bool:
    expected = flower_one_number_at_a_time()
    return bool(X.shape == expected.shape and (abs(X - expected) <= ROUNDINGS * EPS * (1 + abs(expected).max())).all())


def flower(
    *,
    seed: int = 1,
    span: float = 3.12,
    noise: float = 0.2,
    radius_first: bool = False,
    swap: bool = False,
    both: bool = False,
) -> np.ndarray:
    """A flower with one thing done otherwise."""
    rng, parts = np.random.RandomState(seed), []
    for j in range(2):
        rng = np.random.RandomState(seed) if both else rng
        first, second = rng.randn(200), rng.randn(200)
        a, b = (second, first) if radius_first else (first, second)
        t = np.linspace(span * j, span * (j + 1), 200) + noise * a
        r = 4 * np.sin(4 * t) + noise * b
        parts.append(np.array([r * np.cos(t), r * np.sin(t)] if swap else [r * np.sin(t), r * np.cos(t)]))
    return np.concatenate(parts, axis=1)


def test_planar_is_the_courses_flower() -> None:
    data = load("planar")
    assert is_the_flower(data.X)
    assert np.array_equal(data.Y, [[0] * 200 + [1] * 200])


def test_the_unchanged_generator_of_mutants_is_the_flower() -> None:
    assert is_the_flower(flower())


@pytest.mark.parametrize(
    "mutation",
    [{"seed": 2}, {"span": math.pi}, {"noise": 0.1}, {"radius_first": True}, {"swap": True}, {"both": True}],
    ids=str,
)
def test_mutants_of_the_flower_are_rejected(mutation: dict[str, object]) -> None:
    assert not is_the_flower(flower(**mutation))  # type: ignore[arg-type]


REFERENCES: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {
    "circles": lambda: sklearn.datasets.make_circles(200, factor=0.5, noise=0.3, random_state=1),
    "moons": lambda: sklearn.datasets.make_moons(200, noise=0.2, random_state=1),
    "blobs": lambda: sklearn.datasets.make_blobs(200, n_features=2, centers=6, random_state=5),
    "gaussian-quantiles": lambda: sklearn.datasets.make_gaussian_quantiles(
        cov=0.5, n_samples=200, n_features=2, n_classes=2, random_state=1
    ),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_the_other_sets_are_the_courses(name: str) -> None:
    points, labels = REFERENCES[name]()
    data = load(name)
    assert np.array_equal(data.X, points.T)
    assert np.array_equal(data.Y, [labels % 2])


def test_xor_puts_opposite_corners_into_one_class() -> None:
    data = load("xor")
    corners = np.repeat([[-1, -1, 1, 1], [-1, 1, -1, 1]], 50, axis=1)
    draws = (data.X - corners) / 0.3
    # x = c + 0.3 d rounds to half a unit of |x|, which the way back divides by 0.3; two more roundings on the way.
    assert (abs(draws.T.ravel() - np.random.RandomState(1).randn(400)) <= 4 * EPS * (1 + abs(data.X).max()) / 0.3).all()
    assert np.array_equal(data.labels(), corners[0] * corners[1] < 0)


def test_no_line_tells_the_classes_of_xor_apart() -> None:
    """The best linear fit to xor's labels explains little; a linearly separable mutant of it, much."""
    data = load("xor")

    def explained(labels: np.ndarray) -> float:
        design = np.vstack([data.X, np.ones(data.samples)]).T
        residual = labels - design @ np.linalg.lstsq(design, labels, rcond=None)[0]
        return 1 - residual.var() / labels.var()

    # The squared correlation of m labels with 2 unrelated features has mean 2 / m and is below 20 / m but for e^-10.
    assert explained(data.Y[0]) < 20 / data.samples
    assert explained((data.X[0] > 0).astype(float)) > 20 / data.samples


@pytest.mark.parametrize("name", FORMULAS)
def test_every_set_is_the_same_at_every_call_whatever_the_global_state(name: str) -> None:
    first = load(name)
    np.random.seed(7)
    before = np.random.get_state()[1].copy()  # type: ignore[index,union-attr]
    assert load(name) == first
    assert np.array_equal(np.random.get_state()[1], before)  # type: ignore[index]


@pytest.mark.parametrize("name", FORMULAS)
def test_every_set_is_two_balanced_classes_in_the_plane(name: str) -> None:
    data = load(name)
    assert data.made_by_formula
    assert (data.task, data.features, data.classes, data.n_x) == ("binary", ("x1", "x2"), ("0", "1"), 2)
    assert data.samples == (400 if name == "planar" else 200)
    # Six blobs of 33 or 34 points each; all other sets are cut in halves.
    assert abs(2 * data.Y.sum() - data.samples) <= (2 * 3 if name == "blobs" else 0)
