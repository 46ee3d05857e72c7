"""Categories, booleans and gaps become numbers, and the notes say so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from symbreak.datasets import load
from symbreak.datasets.encoding import FEW_CATEGORIES, MAX_CATEGORIES
from symbreak.datasets.table import MISSING
from symbreak.errors import UnknownName

Write = Callable[..., Path]
Refusal = Callable[..., str]


def test_a_text_column_becomes_one_feature_per_value(csv: Write) -> None:
    data = load(csv("colour,size,label\nred,1,x\nblue,2,y\nred,3,x\n"), target="label")
    assert data.features == ("colour=blue", "colour=red", "size")
    assert data.X.tolist() == [[0, 1, 0], [1, 0, 1], [1, 2, 3]]
    assert data.notes == ("column 'colour': text, encoded as 2 features of 0 and 1",)


def test_booleans_become_0_and_1(csv: Write) -> None:
    data = load(csv("a,label\nTrue,x\nFALSE,y\ntrue,x\n"), target="label")
    assert (data.features, data.X.tolist(), data.notes) == (("a",), [[1, 0, 1]], ())


GAPS = "age,colour,paid,label\n1,red,true,x\n,red,,y\n3,?,false,x\n8,blue,false,y\nNA,red,true,x\n"


@pytest.mark.parametrize(("impute", "fill"), [(True, 3), ("median", 3), ("mean", 4)])
def test_gaps_are_filled_when_asked(csv: Write, impute: str | bool, fill: float) -> None:
    data = load(csv(GAPS), target="label", impute=impute)
    assert data.features == ("age", "colour=blue", "colour=red", "paid")
    # Of true and false, equally frequent, false comes first; of the colours, red is the most frequent.
    assert data.X.tolist() == [[1, fill, 3, 8, fill], [0, 0, 0, 1, 0], [1, 1, 1, 0, 1], [1, 0, 0, 0, 1]]
    way = "median" if impute is True else impute
    assert data.notes == (
        f"column 'age': 2 missing filled with the {way} {fill} of all samples",
        "column 'colour': 1 missing filled with the most frequent value 'red' of all samples",
        "column 'colour': text, encoded as 2 features of 0 and 1",
        "column 'paid': 1 missing filled with the most frequent value 0 of all samples",
    )


@pytest.mark.parametrize("impute", [None, False])
def test_gaps_are_left_to_the_user_otherwise(csv: Write, refusal: Refusal, impute: bool | None) -> None:
    assert "column 'age' has no value in line 3\n  got: 4 missing values in age, colour, paid" in refusal(
        csv(GAPS), target="label", impute=impute
    )


@pytest.mark.parametrize("spelling", [*sorted(MISSING), "NA", "NaN", "NULL", " "])
def test_every_spelling_of_a_gap_is_one(csv: Write, refusal: Refusal, spelling: str) -> None:
    text = f"a,label\n1,x\n{spelling},y\n3,x\n"
    assert refusal(csv(text), target="label").startswith(
        "column 'a' has no value in line 3\n  got: 1 missing value in a"
    )
    assert load(csv(text), target="label", impute=True).X.tolist() == [[1, 2, 3]]


def test_none_is_a_category(csv: Write) -> None:
    assert load(csv("fence,label\nnone,x\nwood,y\n"), target="label").features == ("fence=none", "fence=wood")


def test_a_column_of_nothing_is_dropped(csv: Write, refusal: Refusal) -> None:
    data = load(csv("a,b,label\n1,,x\n2,NA,y\n"), target="label", impute=True)
    assert (data.features, data.notes) == (("a",), ("column 'b': dropped, it has no values",))
    message = refusal(csv("b,label\n,x\nNA,y\n"), target="label", impute=True)
    assert message.startswith("data.csv has no features to learn from\n  got: columns without a single value")


def test_a_missing_target_is_never_imputed(csv: Write, refusal: Refusal) -> None:
    assert "the target 'label' has no value in line 3" in refusal(
        csv("a,label\n1,x\n2,\n3,y\n"), target="label", impute=True
    )


def named(values: int, samples: int) -> str:
    rows = [f"v{i % values},{'xy'[i % 2]}\n" for i in range(samples)]
    return "name,label\n" + "".join(rows)


@pytest.mark.parametrize(
    ("values", "samples"),
    [(FEW_CATEGORIES, FEW_CATEGORIES), (20, 40), (MAX_CATEGORIES, 2 * MAX_CATEGORIES), (MAX_CATEGORIES, 1000)],
)
def test_as_many_categories_as_allowed_are_taken(csv: Write, values: int, samples: int) -> None:
    assert load(csv(named(values, samples)), target="label").n_x == values


@pytest.mark.parametrize(
    ("values", "samples", "limit"),
    [
        (FEW_CATEGORIES + 1, FEW_CATEGORIES + 1, FEW_CATEGORIES),
        (21, 40, 20),
        (MAX_CATEGORIES + 1, 1000, MAX_CATEGORIES),
    ],
)
def test_an_identifier_is_refused(csv: Write, refusal: Refusal, values: int, samples: int, limit: int) -> None:
    assert refusal(csv(named(values, samples)), target="label") == (
        "column 'name' is text with too many different values to be categories\n"
        f"  got: {values} different values in {samples} samples, 'v0' in line 2\n"
        f"  allowed: numbers, or at most {limit} categories\n"
        "  try: write numbers with a decimal point and no unit; remove names, identifiers, dates and free text"
    )


def test_no_target_lists_the_columns_and_suggests_the_last(csv: Write, refusal: Refusal) -> None:
    assert refusal(csv("a,b,label\n1,2,x\n3,4,y\n")) == (
        "data.csv needs a target: the column that the network shall predict\n"
        "  got: no target\n"
        "  allowed: a, b, label\n"
        "  try: target='label' (on the command line: --target label)"
    )


def test_an_unknown_target_is_met_with_the_nearest(csv: Write, refusal: Refusal) -> None:
    path = csv("Age,Height,Species\n1,2,x\n3,4,y\n")
    assert refusal(path, target="species ") == (
        "data.csv has no such target column\n"
        "  got: 'species '\n"
        "  allowed: Age, Height, Species; or a number from 1 to 3\n"
        "  try: Species"
    )
    with pytest.raises(UnknownName):
        load(path, target="species ")


@pytest.mark.parametrize("target", [0, 4, -1, "0", "4", "-1", "", True, 1.0, b"a"])
def test_an_impossible_target_is_refused(csv: Write, refusal: Refusal, target: object) -> None:
    assert "no such target column" in refusal(csv("a,b,c\n1,2,x\n3,4,y\n"), target=target)


def test_a_wide_table_is_listed_in_part(csv: Write, refusal: Refusal) -> None:
    names = [f"f{i}" for i in range(100)]
    message = refusal(csv(",".join(names) + "\n" + ",".join("1" for _ in names) + "\n"))
    assert f"{', '.join(names[:12])} and 88 more, up to f99" in message


def test_a_hundred_gaps_are_counted_not_listed(csv: Write, refusal: Refusal) -> None:
    names = [f"f{i}" for i in range(100)]
    message = refusal(
        csv(f"{','.join(names)},label\n" + 2 * (",".join("" for _ in names) + ",x\n") + "," * 100 + "y\n"),
        target="label",
    )
    assert "got: 300 missing values in f0, " in message


def test_a_filled_table_is_what_it_would_be_without_gaps(csv: Write) -> None:
    whole = load(
        csv(GAPS.replace("\n,red,,y", "\n3,red,false,y").replace("?", "red").replace("NA", "3")), target="label"
    )
    filled = load(csv(GAPS), target="label", impute="median")
    assert np.array_equal(whole.X, filled.X)
    assert whole.features == filled.features
