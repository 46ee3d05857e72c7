"""Arrays: NPZ files, and `from_rows`, which reads what they hold."""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from symbreak.datasets import from_rows, load
from symbreak.errors import InvalidData, InvalidInput, InvalidShape, UnknownName

Refusal = Callable[..., str]
X = np.arange(12, dtype=np.float64).reshape(6, 2)
Y = np.array([0, 1, 1, 0, 1, 0])


@pytest.fixture
def npz(tmp_path: Path) -> Callable[..., Path]:
    def write(**arrays: object) -> Path:
        path = tmp_path / "data.npz"
        np.savez(path, **arrays)  # type: ignore[arg-type]
        return path

    return write


def test_rows_become_columns(npz: Callable[..., Path]) -> None:
    data = load(npz(X=X, y=Y))
    assert np.array_equal(data.X, X.T)
    assert np.array_equal(data.Y, [Y])
    assert (data.name, data.features, data.classes) == ("data.npz", ("x1", "x2"), ("0", "1"))
    assert data == from_rows(X, Y, name="data.npz")
    assert load(npz(X=X, y=Y), target="y") == data


@pytest.mark.parametrize("kind", [np.float32, np.float16, np.int16, np.uint8])
def test_features_of_every_number_type_widen(npz: Callable[..., Path], kind: type) -> None:
    assert np.array_equal(load(npz(X=X.astype(kind), y=Y)).X, X.T)


def test_boolean_features_and_lists_are_taken() -> None:
    assert from_rows([[True], [False]], [0, 1]).X.tolist() == [[1, 0]]


def test_other_arrays_are_noted(npz: Callable[..., Path]) -> None:
    assert load(npz(X=X, y=Y, X_test=X)).notes == ("arrays not read: X_test",)


def test_nan_is_a_gap(npz: Callable[..., Path], refusal: Refusal) -> None:
    holed = X.copy()
    holed[4, 1] = np.nan
    assert refusal(npz(X=holed, y=Y)).startswith(
        "column 'x2' has no value in row 4 (counting from 0)\n  got: 1 missing"
    )
    assert load(npz(X=holed, y=Y), impute=True).X[1, 4] == np.median(np.delete(X[:, 1], 4))


class Burglar:
    """Unpickling it would run a command."""

    def __reduce__(self) -> tuple[object, ...]:
        return (pytest.fail, ("a pickle was opened",))


@pytest.mark.parametrize("place", ["X", "y"])
def test_pickled_objects_are_refused_unopened(npz: Callable[..., Path], refusal: Refusal, place: str) -> None:
    arrays: dict[str, object] = {"X": X, "y": Y, place: np.array([Burglar()] * 6, dtype=object)}
    assert refusal(npz(**arrays)) == (
        "data.npz holds pickled objects, which could run code when opened\n"
        "  got: an object array\n"
        "  allowed: arrays of numbers, booleans or texts\n"
        "  try: save plain arrays: numpy.savez(file, X=X.astype(float), y=y.astype(str))"
    )


def test_a_pickle_in_npz_clothing_is_refused_unopened(tmp_path: Path, refusal: Refusal) -> None:
    path = tmp_path / "data.npz"
    path.write_bytes(pickle.dumps(Burglar()))
    assert refusal(path).startswith("data.npz is not a readable NPZ file\n  got: a file that is no archive")


def test_wrong_keys_are_listed(npz: Callable[..., Path], refusal: Refusal) -> None:
    assert refusal(npz(x=X, Y=Y)) == (
        "data.npz must hold the arrays X and y\n"
        "  got: the arrays x, Y\n"
        "  allowed: X of shape (samples, features), y of shape (samples,)\n"
        '  try: numpy.savez("data.npz", X=features, y=labels)'
    )


def test_a_target_does_not_belong_to_npz(npz: Callable[..., Path], refusal: Refusal) -> None:
    assert refusal(npz(X=X, y=Y), target="x1").startswith("an NPZ file holds its target in the array y")


def test_a_damaged_file_is_refused_wherever_it_breaks(npz: Callable[..., Path]) -> None:
    path = npz(X=X, y=Y)
    whole = path.read_bytes()
    for length in range(1, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(InvalidInput):
            load(path)
    for position in range(0, len(whole), 3):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :])
        with contextlib.suppress(InvalidInput):
            load(path)


@pytest.mark.parametrize(
    ("inputs", "targets", "hint"),
    [
        (X, Y[:5], "leave out the samples that have no partner"),
        (X.T, Y, "X.T (and y.T if it is a row), for here samples are rows"),
        (X.T, Y.reshape(1, -1), "X.T (and y.T if it is a row), for here samples are rows"),
        (X, Y.reshape(1, -1), "y.T"),
        (X, np.zeros(()), "leave out"),
        (X, np.zeros((6, 1, 1)), "leave out"),
        (X, np.zeros((6, 0)), "leave out"),
        (X.ravel(), Y, "X.reshape(-1, 1) for a single feature"),
        (X.reshape(6, 1, 2), Y, "X.reshape(len(X), -1) for images and the like"),
        (np.empty((0, 2)), [], "X.reshape"),
        (np.empty((6, 0)), Y, "X.reshape"),
        ([[1, 2], [3]], [0, 1], "fill up the short rows"),
    ],
)
def test_sizes_that_do_not_fit_are_met_with_a_way_out(inputs: object, targets: object, hint: str) -> None:
    with pytest.raises(InvalidShape) as caught:
        from_rows(inputs, targets)  # type: ignore[arg-type]
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "inputs",
    [
        X.astype(str),
        X.astype(object),
        X.astype(complex),
        X.astype("datetime64[D]"),
        np.ma.masked_array(X, X > 3),
        X[:1],
        np.where(X == 3, np.inf, X),
    ],
    ids=["texts", "objects", "complex", "dates", "masked", "one sample", "infinity"],
)
def test_features_that_cannot_be_learned_from_are_refused(inputs: np.ndarray) -> None:
    with pytest.raises(InvalidData):
        from_rows(inputs, Y[: len(inputs)])


def test_unknown_options_are_refused() -> None:
    with pytest.raises(UnknownName, match="unknown way to impute"):
        from_rows(X, Y, impute="mode")
    with pytest.raises(UnknownName, match="unknown task"):
        from_rows(X, Y, task="binary")
