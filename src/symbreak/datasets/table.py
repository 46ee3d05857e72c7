"""What a file holds before it becomes a data set: named columns of numbers, booleans or texts, with gaps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from symbreak.errors import InvalidData

MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "?"})
"""Cells that stand for "no value", in any case. "none" is left out: it is a common category."""

NUMERIC_SHARE = 0.5
"""A column is meant to be numeric if more than this share of its cells are numbers.

Above it the other cells are reported as mistakes; below it the whole column is text."""

Place = Callable[[int], str]
"""Where the reader finds sample i: "line 7", "row 5 (counting from 0)"."""


@dataclass(frozen=True, eq=False)
class Column:
    """One column: float64 `values` (NaN where missing) if numbers or booleans, else an object array of str."""

    name: str
    kind: Literal["number", "boolean", "text"]
    values: NDArray[Any]
    missing: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of equal length, what they are called in messages, and how to say where a sample stands."""

    name: str
    columns: tuple[Column, ...]
    place: Place
    notes: tuple[str, ...] = ()


def row_place(index: int) -> str:
    """Say where sample `index` of an array stands.

    >>> row_place(3)
    'row 3 (counting from 0)'
    """
    return f"row {index} (counting from 0)"


def number_column(name: str, values: NDArray[Any], place: Place) -> Column:
    """Make a column of numbers, NaN meaning a missing one. Raises `InvalidData` on an infinite one."""
    numbers = values.astype(np.float64)
    if np.isinf(numbers).any():
        _refuse_infinity(name, int(np.argmax(np.isinf(numbers))), place)
    return Column(name, "number", numbers, np.isnan(numbers))


def boolean_column(name: str, values: NDArray[Any]) -> Column:
    """Make a column of booleans, held as 0 and 1, NaN meaning a missing one."""
    numbers = values.astype(np.float64)
    return Column(name, "boolean", numbers, np.isnan(numbers))


def column_from_text(name: str, cells: Sequence[str], place: Place) -> Column:
    """Read the cells as numbers, else as booleans (true, false), else as text.

    Raises `InvalidData` if most cells are numbers and one is not, and on an infinite number.

    >>> column_from_text("age", ["41", " 7.5", "NA"], row_place).values
    array([41. ,  7.5,  nan])
    >>> column_from_text("colour", ["red", "blue"], row_place).kind
    'text'
    """
    complete = _numbers(cells)
    if complete is not None:
        return number_column(name, complete, place)
    stripped = [cell.strip() for cell in cells]
    missing = [cell.lower() in MISSING for cell in stripped]
    present = [cell for cell, absent in zip(stripped, missing, strict=True) if not absent]
    numbers = _numbers(present)
    if numbers is not None:
        return number_column(name, _with_gaps(numbers, missing), place)
    if {cell.lower() for cell in present} <= {"true", "false"}:
        truth = np.array([cell.lower() == "true" for cell in present])
        return boolean_column(name, _with_gaps(truth, missing))
    _refuse_junk(name, stripped, missing, place)
    return Column(name, "text", np.array(stripped, dtype=object), np.array(missing))


def number(cell: str) -> float | None:
    """Return the number that a cell spells, or None. Python's digit separators are not numbers in a file.

    >>> number(" 1e3 "), number("1_000"), number("red")
    (1000.0, None, None)
    """
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None


def _numbers(cells: Sequence[str]) -> NDArray[np.float64] | None:
    """Do what `number` does to all cells at once, which is what the time of reading a large file goes into."""
    if "_" in "".join(cells):
        return None
    try:
        return np.fromiter(map(float, cells), dtype=np.float64, count=len(cells))
    except ValueError:
        return None


def _with_gaps(values: NDArray[Any], missing: list[bool]) -> NDArray[np.float64]:
    column = np.full(len(missing), math.nan)
    column[~np.array(missing)] = values
    return column


def _refuse_infinity(name: str, index: int, place: Place) -> None:
    raise InvalidData(
        f"column {name!r} is infinite in {place(index)}",
        got="a value that is infinite, or too large for 64 bits",
        allowed="finite numbers",
        hint="correct the cell or remove the row",
    )


def _refuse_junk(name: str, cells: list[str], missing: list[bool], place: Place) -> None:
    """Tell a mistake in a column of numbers from a column of texts, and report the mistake."""
    words = [
        i for i, (cell, absent) in enumerate(zip(cells, missing, strict=True)) if not absent and number(cell) is None
    ]
    present = len(cells) - sum(missing)
    if present - len(words) <= NUMERIC_SHARE * present:
        return
    raise InvalidData(
        f"column {name!r} is not a number in {place(words[0])}",
        got=f"{cells[words[0]]!r}, where {present - len(words)} of {present} cells are numbers",
        allowed="numbers throughout, or words throughout for categories",
        hint="correct the cell; if its value is unknown, leave it empty and ask for imputing",
    )
