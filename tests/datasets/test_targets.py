"""Labels of every type mean the same; numbers are classes or amounts by one rule."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbreak.datasets import Dataset, from_rows
from symbreak.datasets.targets import MAX_CLASSES, MAX_INTEGER_CLASSES
from symbreak.errors import InvalidData, UnknownName


def labelled(y: object, **options: object) -> Dataset:
    y = np.asarray(y)
    return from_rows(np.arange(len(y)).reshape(-1, 1), y, **options)  # type: ignore[arg-type]


WHOLE = [np.uint8, np.int8, np.int32, np.int64, np.uint64, np.float16, np.float32, np.float64]


@given(st.lists(st.integers(0, 3), min_size=8, max_size=30).filter(lambda codes: len(set(codes)) > 1))
def test_labels_of_every_type_and_shape_give_one_data_set(codes: list[int]) -> None:
    data = labelled(codes)
    assert data.classes == tuple(str(code) for code in sorted(set(codes)))
    assert [data.classes[label] for label in data.labels()] == [str(code) for code in codes]
    for kind in WHOLE:
        y = np.array(codes, dtype=kind)
        assert labelled(y) == labelled(y.reshape(-1, 1)) == data
    texts = np.array([str(code) for code in codes])
    assert labelled(texts) == labelled(texts.astype("S")) == labelled(texts.astype(object)) == data
    if set(codes) == {0, 1}:
        assert labelled(np.array(codes, dtype=bool)) == data
        assert labelled([str(code == 1) for code in codes]) == data


@given(st.lists(st.integers(0, 4), min_size=2, max_size=30).filter(lambda codes: len(set(codes)) > 1))
def test_one_hot_rows_are_labels(codes: list[int]) -> None:
    data = labelled(codes, task="classification")
    for kind in (bool, np.uint8, np.float64):
        assert labelled(np.eye(5, dtype=kind)[codes]) == data


def test_words_are_classes_in_alphabetical_order() -> None:
    data = labelled(["red", "blue", "red", "green"])
    assert data.classes == ("blue", "green", "red")
    assert data.Y.tolist() == [[0, 1, 0, 0], [0, 0, 0, 1], [1, 0, 1, 0]]


def test_numbers_are_classes_in_order_of_size() -> None:
    """The mutant that sorts them as texts gives 10, 2, 9."""
    data = labelled([10, 2, 9, 2, 10, 9])
    assert data.classes == ("2", "9", "10")
    assert data.labels().tolist() == [2, 0, 1, 0, 2, 1]
    assert labelled([-1, 1, 1, -1]).Y.tolist() == [[0, 1, 1, 0]]


def repeated(values: int, times: int) -> np.ndarray:
    return np.tile(np.arange(values), times)


@pytest.mark.parametrize(
    ("y", "task"),
    [
        ([0, 1], "binary"),
        ([0, 1, 2], "regression"),
        ([0, 1, 2, 2, 1, 0], "multi-class"),
        ([0, 1, 2, 2, 1], "regression"),
        ([0.5, 1.5, 0.5, 1.5], "regression"),
        (repeated(MAX_INTEGER_CLASSES, 2), "multi-class"),
        (repeated(MAX_INTEGER_CLASSES + 1, 2), "regression"),
        (repeated(MAX_INTEGER_CLASSES + 1, 2).astype(str), "regression"),
        ([f"v{i}" for i in repeated(MAX_INTEGER_CLASSES + 1, 2)], "multi-class"),
    ],
)
def test_the_rule_that_tells_classes_from_amounts(y: object, task: str) -> None:
    assert labelled(y).task == task


def test_the_caller_may_overrule_it() -> None:
    assert labelled([0, 1, 2], task="classification").classes == ("0", "1", "2")
    assert labelled([0, 1, 1, 0], task="regression").Y.tolist() == [[0, 1, 1, 0]]
    assert labelled([0.5, 1.5, 0.5], task="classification").classes == ("0.5", "1.5")
    assert labelled([True, False], task="regression").Y.tolist() == [[1, 0]]
    with pytest.raises(UnknownName, match="unknown task"):
        labelled([0, 1], task="clustering")


def test_whole_numbers_that_could_be_either_are_noted() -> None:
    assert labelled([0, 1, 2, 0, 1, 2]).notes == (
        "target 'y': whole numbers of 3 values, taken as classes; task=\"regression\" takes them as numbers",
    )
    assert labelled([0, 1, 2]).notes == (
        "target 'y': whole numbers of 3 values, taken for a regression; task=\"classification\" takes them as classes",
    )
    for unambiguous in ([0, 1], ["a", "b", "c"], [0.5, 1.5]):
        assert labelled(unambiguous).notes == ()


def test_a_regression_keeps_its_numbers() -> None:
    data = labelled([1e5, 2.5e5, 3])
    assert (data.Y.tolist(), data.classes, data.n_y) == ([[1e5, 2.5e5, 3]], (), 1)


def test_a_regression_of_several_outputs() -> None:
    y = np.array([[1.5, 2], [3, 4], [5, 6]])
    assert np.array_equal(labelled(y).Y, y.T)
    assert labelled(np.array([[1, 0], [1, 1]]), task="regression").task == "regression"


@pytest.mark.parametrize(
    ("y", "options", "rule"),
    [
        (["a", "a"], {}, "the target 'y' is the same for every sample"),
        ([0.5, 0.5], {}, "the target 'y' is the same for every sample"),
        ([[0, 1], [0, 1]], {}, "the target 'y' is the same for every sample"),
        (["a", "b"], {"task": "regression"}, "the target 'y' is text and cannot be a regression"),
        ([f"v{i}" for i in range(41)], {}, "the target 'y' has too many classes to learn"),
        (repeated(MAX_CLASSES + 1, 3), {"task": "classification"}, "the target 'y' has too many classes to learn"),
        ([1, 2, np.nan], {}, r"the target 'y' has no value in row 2 \(counting from 0\)"),
        (["a", "", "b"], {}, r"the target 'y' has no value in row 1 \(counting from 0\)"),
        ([1, np.inf, 2], {}, r"column 'y' is infinite in row 1 \(counting from 0\)"),
        ([[1, 0], [1, 1]], {}, "a sample belongs to exactly one class"),
        ([[1.5, 0], [1, 1]], {"task": "classification"}, "a sample belongs to exactly one class"),
        ([["a", "b"], ["c", "d"]], {}, "the target 'y1' is text and cannot be a regression"),
        ([[1.5, np.nan], [1, 1]], {}, "the target 'y2' has no value in row 0"),
        ([1j, 2j], {}, "y must hold labels or numbers"),
        (np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"), {}, "y must hold labels or numbers"),
        (np.array([{}, 1], dtype=object), {}, "y must hold labels or numbers"),
    ],
)
def test_targets_that_cannot_be_learned_are_refused(y: object, options: dict[str, object], rule: str) -> None:
    with pytest.raises(InvalidData, match=rule):
        labelled(y, **options)
