"""Parquet files mean what the same table means as CSV."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from symbreak.datasets import Dataset, load
from symbreak.errors import InvalidInput

Refusal = Callable[..., str]


@pytest.fixture
def stored(tmp_path: Path) -> Callable[[pa.Table], Path]:
    def write(table: pa.Table) -> Path:
        path = tmp_path / "data.parquet"
        parquet.write_table(table, path)
        return path

    return write


COLUMNS = {"a": [1.5, 2.5, 3.5], "n": [4, 5, 6], "paid": [True, False, True], "colour": ["red", "blue", "red"]}


def same_but_for_name(first: Dataset, second: Dataset) -> bool:
    return (
        np.array_equal(first.X, second.X)
        and np.array_equal(first.Y, second.Y)
        and (first.features, first.classes, first.notes) == (second.features, second.classes, second.notes)
    )


def test_it_means_what_the_csv_means(stored: Callable[..., Path], csv: Callable[..., Path]) -> None:
    text = "\n".join([",".join(COLUMNS), *(",".join(map(str, row)) for row in zip(*COLUMNS.values(), strict=True))])
    for target in ("colour", "paid", "a", "n", 2):
        assert same_but_for_name(load(stored(pa.table(COLUMNS)), target=target), load(csv(text), target=target))


@pytest.mark.parametrize(
    "kind",
    [
        pa.int8(),
        pa.uint64(),
        pa.float32(),
        pa.float16(),
        pa.decimal128(6, 2),
        pa.string(),
        pa.dictionary(pa.int8(), pa.int64()),
    ],
)
def test_numbers_of_every_type_are_numbers(stored: Callable[..., Path], kind: pa.DataType) -> None:
    values = ["1", "2", "3"] if kind == pa.string() else [1, 2, 3]
    if pa.types.is_decimal(kind):
        values = [Decimal(value) for value in values]
    table = pa.table(
        {
            "a": pa.array(values).cast(kind)
            if not pa.types.is_dictionary(kind)
            else pa.array(values).dictionary_encode(),
            "y": ["p", "q", "p"],
        }
    )
    assert load(stored(table), target="y").X.tolist() == [[1, 2, 3]]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_texts_of_every_type_are_categories(stored: Callable[..., Path], kind: pa.DataType) -> None:
    colours = pa.array(COLUMNS["colour"]).cast(kind)
    assert load(stored(pa.table({"colour": colours, "y": [0, 1, 1]})), target="y").features == (
        "colour=blue",
        "colour=red",
    )


def test_nulls_and_nans_are_gaps(stored: Callable[..., Path], refusal: Refusal) -> None:
    gaps = {
        "a": [1.0, None, 3.0],
        "b": [1.0, 2.0, float("nan")],
        "c": [True, None, True],
        "d": ["p", "p", None],
        "e": [1, 2, None],
    }
    for name, values in gaps.items():
        path = stored(pa.table({name: values, "y": [0, 1, 1]}))
        row = 1 if values[1] is None else 2
        assert refusal(path, target="y").startswith(f"column {name!r} has no value in row {row} (counting from 0)")
        assert np.isfinite(load(path, target="y", impute=True).X).all()
    nothing = pa.table({"a": [1, 2, 3], "z": pa.nulls(3), "y": [0, 1, 1]})
    assert load(stored(nothing), target="y", impute=True).features == ("a",)


def test_an_index_of_pandas_is_no_feature(stored: Callable[..., Path], refusal: Refusal) -> None:
    data = load(stored(pa.table({"a": [1, 2], "y": [0, 1], "__index_level_0__": [7, 8]})), target="y")
    assert (data.features, data.notes) == (("a",), ("the row index '__index_level_0__' is left out",))
    assert "holds no samples" in refusal(stored(pa.table({"__index_level_0__": [7, 8]})))


def test_folders_on_the_way_are_no_columns(tmp_path: Path) -> None:
    folder = tmp_path / "year=2020"
    folder.mkdir()
    parquet.write_table(pa.table({"a": [1, 2], "y": [0, 1]}), folder / "data.parquet")
    assert load(folder / "data.parquet", target="y").features == ("a",)


@pytest.mark.parametrize(
    "values",
    [
        [datetime.date(2020, 1, 1), datetime.date(2020, 1, 2)],
        [datetime.datetime(2020, 1, 1), datetime.datetime(2020, 1, 2)],
        [[1], [2]],
        [{"a": 1}, {"a": 2}],
        [b"a", b"b"],
    ],
    ids=["dates", "times", "lists", "structures", "bytes"],
)
def test_other_types_are_refused_by_name(stored: Callable[..., Path], refusal: Refusal, values: list[object]) -> None:
    message = refusal(stored(pa.table({"when": pa.array(values), "y": [0, 1]})), target="y")
    assert message.startswith("column 'when' has a type that cannot be learned from\n  got: ")


def test_infinity_no_rows_and_repeated_names_are_refused(stored: Callable[..., Path], refusal: Refusal) -> None:
    assert refusal(stored(pa.table({"a": [1.0, float("inf")], "y": [0, 1]})), target="y").startswith(
        "column 'a' is infinite in row 1 (counting from 0)"
    )
    assert refusal(stored(pa.table({"a": pa.array([], pa.int8())})), target="a").startswith(
        "data.parquet holds no samples"
    )
    twice = pa.Table.from_arrays([pa.array([1, 2])] * 2, names=["a", "a"])
    assert refusal(stored(twice), target="a").startswith("2 columns of data.parquet are called 'a'")


def test_a_damaged_file_is_refused_wherever_it_breaks(stored: Callable[..., Path], refusal: Refusal) -> None:
    path = stored(pa.table(COLUMNS))
    whole = path.read_bytes()
    for length in range(1, len(whole), 61):
        path.write_bytes(whole[:length])
        assert refusal(path, target="a").startswith("data.parquet is not a readable Parquet file\n  got: ")
    for position in range(0, len(whole), 5):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :])
        with contextlib.suppress(InvalidInput):
            load(path, target="a")
