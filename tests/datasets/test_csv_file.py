"""CSV files: what is read, and what each mistake in one is called."""

from __future__ import annotations

import contextlib
import csv as csv_module
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symbreak.datasets import load
from symbreak.errors import InvalidInput

Write = Callable[..., Path]
Refusal = Callable[..., str]

FLOWERS = "height,width,species\n1.5,2,tall\n0.5,3,short\n1.25,4,tall\n"


def test_columns_become_rows(csv: Write) -> None:
    data = load(csv(FLOWERS), target="species")
    assert data.name == "data.csv"
    assert data.features == ("height", "width")
    assert data.classes == ("short", "tall")
    assert data.task == "binary"
    assert data.X.tolist() == [[1.5, 0.5, 1.25], [2, 3, 4]]
    assert data.Y.tolist() == [[1, 0, 1]]
    assert not data.made_by_formula
    assert data.notes == ()


@pytest.mark.parametrize(
    "text",
    [
        FLOWERS.replace(",", ";"),
        FLOWERS.replace(",", "\t"),
        FLOWERS.replace("\n", "\r\n"),
        FLOWERS.replace("\n", "\r"),
        "\ufeff" + FLOWERS,
        FLOWERS.replace(",", ", "),
        FLOWERS.replace("tall", '"tall"').replace("1.5", '"1.5"'),
        "\n" + FLOWERS.replace("\n", "\n\n"),
        FLOWERS.rstrip("\n"),
        FLOWERS + "   \n",
        FLOWERS.replace("1.5", "+15e-1"),
    ],
    ids=[
        "semicolons",
        "tabs",
        "CRLF",
        "CR",
        "byte order mark",
        "spaces",
        "quotes",
        "blank lines",
        "no last line end",
        "line of spaces",
        "exponent",
    ],
)
def test_spellings_of_one_table_mean_the_same(csv: Write, text: str) -> None:
    assert load(csv(text), target="species") == load(csv(FLOWERS), target="species")


def test_a_file_of_numbers_needs_no_header(csv: Write) -> None:
    data = load(csv("1.5,2,0\n2.5,3,1\n3.5,4,1\n"), target="x3")
    assert data.features == ("x1", "x2")
    assert data.X.tolist() == [[1.5, 2.5, 3.5], [2, 3, 4]]
    assert data.notes == ("the file has no header: its columns are called x1 to x3",)
    assert load(csv("1.5,2,0\n2.5,3,1\n3.5,4,1\n"), target=3) == data
    assert load(csv("1.5,2,0\n2.5,3,1\n3.5,4,1\n"), target="3") == data


def test_a_header_that_counts_is_a_header(csv: Write) -> None:
    """As tables without names of their own are written; taken for data it would be a sample too many."""
    for start in (0, 1):
        header = ",".join(str(start + i) for i in range(3))
        data = load(csv(f"{header}\n7,2,0\n8,3,1\n"), target=str(start + 2))
        assert (data.samples, data.features) == (2, (str(start), str(start + 1)))


def test_other_numbers_are_data(csv: Write) -> None:
    assert load(csv("0,1\n1,3\n2,5.5\n"), target=2).samples == 3
    assert load(csv("5,6,7\n1,3,1\n2,5.5,0\n"), target=3).samples == 3


def test_a_column_is_found_by_name_before_number(csv: Write) -> None:
    data = load(csv("a,0,1,2\n5,1.5,2.5,0\n6,1.5,3.5,1\n"), target="2")
    assert data.classes == ("0", "1")


def test_a_cell_may_hold_delimiters_quotes_and_line_ends(csv: Write) -> None:
    data = load(csv('a,label\n1,"x, ""y""\nz"\n2,plain\n'), target="label")
    assert data.classes == ("plain", 'x, "y"\nz')


@given(
    st.lists(
        st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**53), 2**53)),
        min_size=2,
        max_size=8,
    ),
    st.sampled_from(",;\t"),
    st.sampled_from(["\n", "\r\n"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_numbers_come_back_bit_for_bit(csv: Write, rows: list[tuple[float, int]], mark: str, end: str) -> None:
    text = io.StringIO()
    writer = csv_module.writer(text, delimiter=mark, lineterminator=end)
    writer.writerow(["a", "b", "label"])
    writer.writerows([(repr(a), b, "even" if i % 2 else "odd") for i, (a, b) in enumerate(rows)])
    assert np.array_equal(load(csv(text.getvalue()), target="label").X, np.array(rows, dtype=np.float64).T)


REFUSED = {
    "header without rows": (
        "a,b,label\n",
        "data.csv: the file has a header but no rows\n"
        "  got: 1 line\n"
        "  allowed: a header line, then one line per sample, cells between commas, semicolons or tabs\n"
        "  try: open the file in an editor and compare it with: height,weight,species",
    ),
    "ragged, too long": (
        "a,label\n1,x\n\n2,y,z\n3,x\n",
        "line 4 of data.csv has another number of cells than the first line\n"
        "  got: 3 cells, where the first line has 2\n"
        "  allowed: 2 cells in every line\n"
        "  try: correct the line; a cell that holds the delimiter itself goes in double quotes",
    ),
    "ragged, after a cell of two lines": (
        'a,label\n1,"x\ny"\n2\n',
        "line 4 of data.csv has another number of cells than the first line\n"
        "  got: 1 cells, where the first line has 2\n"
        "  allowed: 2 cells in every line\n"
        "  try: correct the line; a cell that holds the delimiter itself goes in double quotes",
    ),
    "junk among numbers": (
        "a,label\n1,x\n2,y\nthree,x\n4,y\n",
        "column 'a' is not a number in line 4\n"
        "  got: 'three', where 3 of 4 cells are numbers\n"
        "  allowed: numbers throughout, or words throughout for categories\n"
        "  try: correct the cell; if its value is unknown, leave it empty and ask for imputing",
    ),
    "infinity": (
        "a,label\n1,x\n-inf,y\n",
        "column 'a' is infinite in line 3\n"
        "  got: a value that is infinite, or too large for 64 bits\n"
        "  allowed: finite numbers\n"
        "  try: correct the cell or remove the row",
    ),
    "a number beyond the range": (
        "a,label\n1e999,x\n1,y\n",
        "column 'a' is infinite in line 2\n"
        "  got: a value that is infinite, or too large for 64 bits\n"
        "  allowed: finite numbers\n"
        "  try: correct the cell or remove the row",
    ),
    "missing value": (
        "a,b,label\n1,2,x\n3,,y\nNA,?,x\n",
        "column 'a' has no value in line 4\n"
        "  got: 3 missing values in a, b\n"
        "  allowed: a value in every cell\n"
        '  try: impute="median" (on the command line: --impute), or remove such rows',
    ),
    "missing target": (
        "a,label\n1,x\n2,\n3,y\n",
        "the target 'label' has no value in line 3\n"
        "  got: 1 of 3 targets missing\n"
        "  allowed: a target for every sample\n"
        "  try: remove such rows; targets are never imputed, for the network would learn the guess",
    ),
    "one class": (
        "a,label\n1,x\n2,x\n",
        "the target 'label' is the same for every sample, so there is nothing to learn\n"
        "  got: 'x' in all 2 samples\n"
        "  allowed: two classes or more\n"
        "  try: choose another target column, or add samples of another kind",
    ),
    "one sample": (
        "a,label\n1,x\n",
        "data.csv holds a single sample\n"
        "  got: 1 sample\n"
        "  allowed: two samples or more\n"
        "  try: add rows: one sample cannot tell two answers apart",
    ),
    "no features": (
        "label\nx\ny\n",
        "data.csv has no features to learn from\n"
        "  got: no column beside the target\n"
        "  allowed: one column of features or more\n"
        "  try: add a column, or choose another target; if the columns ran together, use commas, semicolons or tabs",
    ),
    "repeated name": (
        "a,label,a\n1,x,2\n3,y,4\n",
        "2 columns of data.csv are called 'a'\n"
        "  got: columns 1, 3\n"
        "  allowed: a name of its own for every column\n"
        "  try: rename or remove the repeated column; if the file has no header, add one",
    ),
    "column without a name": (
        ",a,label\n0,1,x\n1,2,y\n",
        "column 1 of data.csv has no name\n"
        "  got: an empty cell in line 1, the header\n"
        "  allowed: a name for every column\n"
        "  try: name it; if it only numbers the rows, remove it (in pandas: to_csv(..., index=False))",
    ),
    "data where the header should be": (
        "5.1,3.5,setosa\n4.9,3.0,setosa\n6.3,2.5,virginica\n",
        "the first line of data.csv has both names and numbers\n"
        "  got: '5.1' among 3 cells of line 1\n"
        "  allowed: a header of names, or no header and numbers only\n"
        "  try: add a header line of names on top, or give every column a name that is no number",
    ),
    "open quote": (
        'a,label\n1,x\n2,"y\n3,x\n',
        "data.csv cannot be cut into cells from line 3 on\n"
        "  got: unexpected end of data\n"
        "  allowed: cells in double quotes, or without any\n"
        "  try: close every quote, and double a quote inside quotes",
    ),
    "Latin-1": (
        "a,label\n1,caf\xe9\n2,y\n".encode("latin-1"),
        "data.csv is not UTF-8 text\n"
        "  got: byte 0xe9 in line 2\n"
        "  allowed: UTF-8, with or without a byte order mark\n"
        '  try: save it again as "CSV UTF-8", or convert it: iconv -f WINDOWS-1252 -t UTF-8',
    ),
    "UTF-16 without a mark": (
        FLOWERS.encode("utf-16-le"),
        "data.csv is not UTF-8 text\n"
        "  got: a zero byte, as in UTF-16 or in a binary file\n"
        "  allowed: UTF-8, with or without a byte order mark\n"
        '  try: save it again as "CSV UTF-8", or convert it: iconv -f WINDOWS-1252 -t UTF-8',
    ),
    "blank lines only": (
        "\n \n\n",
        "data.csv: the file is empty\n"
        "  got: no line with anything in it\n"
        "  allowed: a header line, then one line per sample, cells between commas, semicolons or tabs\n"
        "  try: open the file in an editor and compare it with: height,weight,species",
    ),
}


@pytest.mark.parametrize("mistake", REFUSED)
def test_every_mistake_has_its_message(csv: Write, refusal: Refusal, mistake: str) -> None:
    content, message = REFUSED[mistake]
    assert refusal(csv(content), target="label") == message


@pytest.mark.parametrize("cell", ["1_000", "3,5", "12 kg", "0x10"])
def test_what_only_looks_like_a_number_is_none(csv: Write, refusal: Refusal, cell: str) -> None:
    message = refusal(csv(f"a;label\n1;x\n2;y\n{cell};x\n"), target="label")
    assert message.startswith(f"column 'a' is not a number in line 4\n  got: {cell!r}")


def test_a_huge_cell_is_refused(csv: Write, refusal: Refusal) -> None:
    for text in ("a,label\n1," + "x" * 200_000 + "\n", "x" * 200_000 + ",label\n1,2\n"):
        assert "cannot be cut into cells" in refusal(csv(text), target="label")


def test_line_numbers_are_those_of_an_editor(csv: Write, refusal: Refusal) -> None:
    """Whatever stands above a mistake, its line number finds it again: `editor[number - 1]` holds the cell."""
    for above in ("", "\n\n", '"two\nlines",y,0\n', "p,x,1\r\n"):
        text = f"name,label,a\np,y,1\n{above}q,x,1\nq,x,inf\n"
        message = refusal(csv(text), target="label")
        number = int(message.split("in line ")[1].split("\n")[0])
        assert text.splitlines()[number - 1] == "q,x,inf"


CELLS = st.sampled_from(
    ["1", "-2.5", "x", "y", "", "NA", "true", "inf", '"', '"a,b"', " ", "1e400", "é", "\0", "nan", ","]
)
LINES = st.lists(st.lists(CELLS, max_size=4).map(",".join), max_size=6).map("\n".join)


@given(
    st.one_of(LINES, st.text(max_size=60), st.binary(max_size=60)),
    st.sampled_from([None, 1, "x1", "a", "-1"]),
    st.booleans(),
)
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_content_whatever_ends_in_a_traceback(
    csv: Write, content: str | bytes, target: str | int | None, impute: bool
) -> None:
    if isinstance(content, str):
        content = content.encode("utf-8", "surrogatepass")
    with contextlib.suppress(InvalidInput):
        assert np.isfinite(load(csv(content), target=target, impute=impute).X).all()
