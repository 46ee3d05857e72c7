"""Filling the gaps of a column, when asked to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.datasets.table import Column
from symbreak.errors import UnknownName

WAYS: Mapping[str, Callable[[NDArray[Any]], Any]] = {"median": np.median, "mean": np.mean}
"""How a gap among numbers is filled; categories and booleans take their most frequent value whichever is chosen."""


def impute_way(impute: str | bool | None) -> str | None:
    """Return a key of `WAYS`, or None for "leave gaps alone, they are errors". Raises `UnknownName`.

    >>> impute_way(True), impute_way("mean"), impute_way(None)
    ('median', 'mean', None)
    """
    if impute is None or impute is False:
        return None
    way = "median" if impute is True else impute
    if not isinstance(way, str) or way not in WAYS:
        raise UnknownName.among("way to impute", impute, WAYS)
    return way


def fill_gaps(column: Column, way: str) -> tuple[Column, tuple[str, ...]]:
    """Fill the missing cells of a column that has others, and return with it a note, if there was a gap.

    Of the most frequent values the first is taken, by size or alphabet.

    >>> column = Column("age", "number", np.array([1, np.nan, 4]), np.array([False, True, False]))
    >>> fill_gaps(column, "median")[1]
    ("column 'age': 1 missing filled with the median 2.5 of all samples",)
    """
    if not column.missing.any():
        return column, ()
    fill, called = _fill(column, way)
    values = column.values.copy()
    values[column.missing] = fill
    shown = repr(fill) if column.kind == "text" else f"{fill:g}"
    gaps = int(column.missing.sum())
    filled = replace(column, values=values, missing=np.zeros_like(column.missing))
    return filled, (f"column {column.name!r}: {gaps} missing filled with the {called} {shown} of all samples",)


def _fill(column: Column, way: str) -> tuple[Any, str]:
    present = column.values[~column.missing]
    if column.kind == "number":
        return WAYS[way](present), way
    levels, counts = np.unique(present, return_counts=True)
    return levels[np.argmax(counts)], "most frequent value"
