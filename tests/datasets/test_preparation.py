"""The split keeps the classes' shares; the scale knows nothing of the held-out part."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from symbreak.datasets import Dataset, from_rows, load, split, standardize
from symbreak.errors import InvalidData, InvalidInput, InvalidShape

EPS = np.finfo(float).eps
Pair = tuple[Dataset, Dataset]


def numbered(counts: list[int]) -> Dataset:
    """A data set whose only feature numbers the samples, with so many samples of each class."""
    labels = np.repeat(np.arange(len(counts)), counts)
    return from_rows(np.arange(labels.size).reshape(-1, 1), labels, task="classification")


def is_stratified(data: Dataset, train: Dataset, test: Dataset) -> bool:
    """Every class's held-out count is its share of the held-out samples, rounded up or down."""
    held = np.bincount(test.labels(), minlength=len(data.classes))
    return bool((abs(held - np.bincount(data.labels()) * test.samples / data.samples) < 1).all())


def plain_split(data: Dataset, *, seed: int) -> Pair:
    """A mutant that forgets the classes."""
    order = np.random.RandomState(seed).permutation(data.samples)
    held = math.ceil(0.2 * data.samples)
    parts = (order[held:], order[:held])
    train, test = (
        Dataset("part", data.X[:, rows], data.Y[:, rows], data.features, data.classes, data.task) for rows in parts
    )
    return train, test


@given(
    counts=st.lists(st.integers(2, 40), min_size=2, max_size=5),
    share=st.sampled_from([0.2, 0.25, 0.5]),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_split_is_a_stratified_partition(counts: list[int], share: float, seed: int) -> None:
    data = numbered(counts)
    held_out = math.ceil(share * data.samples)
    if held_out < len(counts):
        with pytest.raises(InvalidData, match="too few samples for every class"):
            split(data, test_share=share, seed=seed)
        return
    train, test = split(data, test_share=share, seed=seed)
    assert test.samples == held_out
    assert sorted([*train.X[0], *test.X[0]]) == list(range(data.samples))
    assert is_stratified(data, train, test)
    for part in (train, test):
        assert np.array_equal(part.labels(), data.labels()[part.X[0].astype(int)])


def test_a_split_that_forgets_the_classes_is_rejected() -> None:
    data = numbered([200, 40, 10])
    assert all(is_stratified(data, *split(data, seed=seed)) for seed in range(20))
    # A plain count of the middle class has variance 50 (40/250) (210/250) (200/249) > 5, so it is seldom within 1 of
    # its mean, and not twenty times over.
    assert not all(is_stratified(data, *plain_split(data, seed=seed)) for seed in range(20))


def test_the_seed_decides_the_split() -> None:
    data = load("iris")
    assert split(data, seed=3) == split(data, seed=3)
    assert not np.array_equal(split(data, seed=3)[0].X, split(data, seed=4)[0].X)


def test_a_regression_is_split_plainly_and_noted() -> None:
    data = from_rows(np.arange(10).reshape(-1, 1), np.arange(10) / 3)
    train, test = split(data, seed=5)
    assert (train.samples, test.samples) == (8, 2)
    assert train.notes[-1] == "split at random with seed 5: 8 samples for training, 2 held out"


def test_a_stratified_split_is_noted() -> None:
    assert split(load("iris"))[1].notes == (
        "split stratified by class with seed 0: 120 samples for training, 30 held out",
    )


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, math.nan, "0.2", True, None])
def test_an_impossible_share_is_refused(share: float) -> None:
    with pytest.raises(InvalidInput, match="must lie between 0 and 1"):
        split(load("iris"), test_share=share)


@pytest.mark.parametrize("seed", [-1, 2**32, 0.5, "0", None, True])
def test_an_impossible_seed_is_refused(seed: int) -> None:
    with pytest.raises(InvalidInput, match="seed of a split"):
        split(load("iris"), seed=seed)


def test_a_class_of_one_sample_is_named() -> None:
    data = from_rows([[0], [1], [2], [3]], ["red", "red", "blue", "red"])
    with pytest.raises(InvalidData) as caught:
        split(data, test_share=0.5)
    assert str(caught.value) == (
        "class 'blue' has too few samples to split\n"
        "  got: 1 sample\n"
        "  allowed: two samples or more of every class, one for either part\n"
        "  try: add samples of this class, or remove those it has"
    )


def test_a_class_absent_from_training_is_refused() -> None:
    with pytest.raises(InvalidData, match="has no sample in the training part"):
        split(numbered([2, 98]), test_share=0.95)


def test_a_regression_too_small_to_split_is_refused() -> None:
    with pytest.raises(InvalidData, match="too few samples to split"):
        split(from_rows([[0], [1]], [0.5, 1.5]), test_share=0.9)


def is_scaled_by_training(raw: Pair, scaled: Pair) -> bool:
    """z sigma + mean gives the raw values back, mean and sigma being those of the raw training part."""
    train = raw[0].X
    mean = np.array([math.fsum(row) / row.size for row in train])[:, None]
    sigma = np.array([math.sqrt(math.fsum((row - row.mean()) ** 2) / row.size) for row in train])[:, None]
    pairs = [(before.X, after.X) for before, after in zip(raw, scaled, strict=True)]
    # Means and deviations of m numbers round at most m times each.
    bound = 4 * train.shape[1] * EPS * (1 + max(abs(before).max() for before, _ in pairs))
    return all((abs(after * sigma + mean - before) <= bound).all() for before, after in pairs)


def scaler(statistics: Callable[[Pair], np.ndarray], *, ddof: int = 0) -> Callable[[Pair], Pair]:
    """A standardisation by the statistics of whatever samples `statistics` hands out."""

    def scale(pair: Pair) -> Pair:
        source = statistics(pair)
        mean, sigma = source.mean(axis=1, keepdims=True), source.std(axis=1, ddof=ddof, keepdims=True)
        first, second = (
            Dataset(part.name, (part.X - mean) / sigma, part.Y, part.features, part.classes, part.task) for part in pair
        )
        return first, second

    return scale


def test_features_are_scaled_by_the_training_part() -> None:
    raw = split(load("wine"))
    assert is_scaled_by_training(raw, standardize(*raw))
    assert is_scaled_by_training(raw, scaler(lambda pair: pair[0].X)(raw))


@pytest.mark.parametrize(
    "mutant",
    [
        scaler(lambda pair: np.concatenate([pair[0].X, pair[1].X], axis=1)),
        scaler(lambda pair: pair[1].X),
        scaler(lambda pair: pair[0].X, ddof=1),
    ],
    ids=["leaks the held-out part", "scales by the held-out part", "divides by m - 1"],
)
def test_mutants_of_the_scale_are_rejected(mutant: Callable[[Pair], Pair]) -> None:
    raw = split(load("wine"))
    assert not is_scaled_by_training(raw, mutant(raw))


@given(st.integers(-900, 900))
def test_the_size_of_a_feature_does_not_matter_even_at_the_ends_of_the_range(exponent: int) -> None:
    values = np.array([1.0, 2.5, -3.0, 7.0, 0.5, 4.0])
    labels = [0, 1, 0, 1, 0, 1]

    def scaled(X: np.ndarray) -> Pair:
        data = from_rows(X.reshape(-1, 1), labels)
        return standardize(*split(data, test_share=0.4))

    plain, large = scaled(values), scaled(np.ldexp(values, exponent))
    assert np.array_equal(plain[0].X, large[0].X)
    assert np.array_equal(plain[1].X, large[1].X)


@given(st.floats(0.1, 10), st.integers(3, 30))
@example(0.1, 4)
def test_a_constant_feature_becomes_exactly_0_although_its_mean_is_rounded(value: float, half: int) -> None:
    X = np.array([[value, i] for i in range(2 * half)])
    assert (standardize(*split(from_rows(X, [0, 1] * half)))[0].X[0] == 0).all()


def test_the_mean_of_equal_numbers_need_not_be_that_number() -> None:
    """So the test above is not vacuous: its named example trains on six samples of 0.1."""
    assert np.full(6, 0.1).mean() != 0.1


def test_a_constant_feature_is_only_centred_and_named() -> None:
    X = np.array([[0.1, i] for i in range(20)])
    train, test = split(from_rows(X, [0, 1] * 10))
    shifted = Dataset(test.name, test.X + 1, test.Y, test.features, test.classes, test.task)
    after, moved = standardize(train, shifted)
    # 0.1 + 1 and the difference round by half a unit of 1.1 each.
    assert (abs(moved.X[0] - 1) <= 2 * EPS).all()
    assert "constant in the training samples, so only centred: x1" in after.notes
    assert after.notes[-2:] == moved.notes[-2:]


def test_regression_targets_are_scaled_by_the_training_part_too() -> None:
    rng = np.random.default_rng(0)
    raw = split(from_rows(rng.normal(size=(50, 3)), 1e5 + 3e4 * rng.normal(size=50)))
    train, test = standardize(*raw)
    mean, sigma = raw[0].Y.mean(), raw[0].Y.std()
    for before, after in zip(raw, (train, test), strict=True):
        assert (abs(after.Y * sigma + mean - before.Y) <= 4 * 50 * EPS * abs(before.Y).max()).all()
    assert train.notes[-1] == test.notes[-1] == "targets standardised likewise"


def test_class_labels_are_left_alone() -> None:
    raw = split(load("iris"))
    assert np.array_equal(standardize(*raw)[1].Y, raw[1].Y)


def test_parts_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(InvalidShape, match="must have the same features"):
        standardize(load("iris"), load("wine"))


def test_a_held_out_value_out_of_all_proportion_is_refused() -> None:
    labels = np.array([[0.0, 1.0]])
    train, test = (Dataset("d", X, labels, ("a",), ("0", "1"), "binary") for X in ([[0, 1e-200]], [[0, 1e200]]))
    with pytest.raises(InvalidData, match="X must be finite"):
        standardize(train, test)
