"""From a table to a data set: find the target, fill gaps, turn categories into numbers."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from symbreak.datasets.dataset import Dataset
from symbreak.datasets.imputing import fill_gaps
from symbreak.datasets.table import Column, Place, Table
from symbreak.datasets.targets import Target, encode_target
from symbreak.errors import InvalidData, InvalidInput, UnknownName

MAX_CATEGORIES = 50
"""A text column of more values is refused: it is an identifier or free text, and each value costs a feature."""

FEW_CATEGORIES = 10
"""Up to this many values a text column is encoded however small the table; above it, values must repeat on average."""

SHOWN_COLUMNS = 12
"""How many column names a message lists before it stops."""


@dataclass(frozen=True, eq=False)
class _Encoded:
    """The features that one column became, shape (k, m)."""

    features: tuple[str, ...]
    rows: NDArray[np.float64]
    notes: tuple[str, ...] = ()


def dataset_from_table(table: Table, *, target: str | int | None, task: str | None, impute: str | None) -> Dataset:
    """Encode the table, one of its columns being the target. Raises `InvalidInput` and its kinds."""
    column = find_column(table, target)
    check_samples(table.name, column.values.size)
    others = tuple(other for other in table.columns if other is not column)
    return assemble(replace(table, columns=others), encode_target(column, table.place, task=task), impute=impute)


def assemble(table: Table, target: Target, *, impute: str | None) -> Dataset:
    """Encode a table of features and put the target beside it."""
    if not table.columns:
        raise _no_features(table.name, "no column beside the target")
    if impute is None:
        _check_complete(table)
    blocks = [_encode(column, table.place, impute) for column in table.columns]
    X = np.concatenate([block.rows for block in blocks])
    if not len(X):
        raise _no_features(table.name, "columns without a single value")
    notes = tuple(note for block in blocks for note in block.notes)
    return Dataset(
        table.name,
        X=X,
        Y=target.Y,
        features=tuple(feature for block in blocks for feature in block.features),
        classes=target.classes,
        task=target.task,
        notes=table.notes + notes + target.notes,
    )


def find_column(table: Table, target: str | int | None) -> Column:
    """Return the column of that name, else of that number counted from 1.

    Raises `InvalidInput` if no target is given, `UnknownName` if there is no such column.
    """
    names = [column.name for column in table.columns]
    if target is None:
        raise InvalidInput(
            f"{table.name} needs a target: the column that the network shall predict",
            got="no target",
            allowed=_listed(names),
            hint=f"target={names[-1]!r} (on the command line: --target {names[-1]})",
        )
    if target in names:
        return table.columns[names.index(str(target))]
    position = _position(target)
    if position is None or not 1 <= position <= len(names):
        raise _unknown_column(table.name, target, names)
    return table.columns[position - 1]


def _position(target: str | int) -> int | None:
    if isinstance(target, bool) or not isinstance(target, (str, int)):
        return None
    return int(target) if str(target).isdecimal() else None


def _unknown_column(where: str, target: object, names: list[str]) -> UnknownName:
    folded = {name.casefold(): name for name in names}
    close = difflib.get_close_matches(str(target).casefold(), list(folded), n=3, cutoff=0.5)
    return UnknownName(
        f"{where} has no such target column",
        got=repr(target),
        allowed=f"{_listed(names)}; or a number from 1 to {len(names)}",
        hint=" or ".join(folded[name] for name in close) if close else names[-1],
    )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - SHOWN_COLUMNS
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:SHOWN_COLUMNS])} and {more} more, up to {names[-1]}"


def check_samples(where: str, samples: int) -> None:
    """Raise `InvalidData` for a single sample."""
    if samples < 2:
        raise InvalidData(
            f"{where} holds a single sample",
            got="1 sample",
            allowed="two samples or more",
            hint="add rows: one sample cannot tell two answers apart",
        )


def _no_features(where: str, got: str) -> InvalidData:
    return InvalidData(
        f"{where} has no features to learn from",
        got=got,
        allowed="one column of features or more",
        hint="add a column, or choose another target; if the columns ran together, use commas, semicolons or tabs",
    )


def _check_complete(table: Table) -> None:
    gaps = [column for column in table.columns if column.missing.any()]
    if not gaps:
        return
    first = gaps[0]
    cells = sum(int(column.missing.sum()) for column in gaps)
    raise InvalidData(
        f"column {first.name!r} has no value in {table.place(int(np.argmax(first.missing)))}",
        got=f"{cells} missing {'value' if cells == 1 else 'values'} in {_listed([column.name for column in gaps])}",
        allowed="a value in every cell",
        hint='impute="median" (on the command line: --impute), or remove such rows',
    )


def _encode(column: Column, place: Place, impute: str | None) -> _Encoded:
    if column.missing.all():
        nothing = np.empty((0, column.values.size))
        return _Encoded((), nothing, (f"column {column.name!r}: dropped, it has no values",))
    column, notes = fill_gaps(column, impute) if impute else (column, ())
    if column.kind != "text":
        return _Encoded((column.name,), column.values.reshape(1, -1), notes)
    levels = [str(level) for level in np.unique(column.values)]
    _check_categories(column, len(levels), place)
    return _Encoded(
        tuple(f"{column.name}={level}" for level in levels),
        np.array([column.values == level for level in levels], dtype=np.float64),
        (*notes, f"column {column.name!r}: text, encoded as {len(levels)} features of 0 and 1"),
    )


def _check_categories(column: Column, levels: int, place: Place) -> None:
    samples = column.values.size
    limit = min(MAX_CATEGORIES, max(FEW_CATEGORIES, samples // 2))
    if levels > limit:
        raise InvalidData(
            f"column {column.name!r} is text with too many different values to be categories",
            got=f"{levels} different values in {samples} samples, {column.values[0]!r} in {place(0)}",
            allowed=f"numbers, or at most {limit} categories",
            hint="write numbers with a decimal point and no unit; remove names, identifiers, dates and free text",
        )
