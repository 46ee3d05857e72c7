"""Reading a Parquet file into a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from symbreak.datasets.csv_file import check_distinct
from symbreak.datasets.table import Column, Table, boolean_column, column_from_text, number_column, row_place
from symbreak.errors import InvalidData


def read_parquet(path: Path) -> Table:
    """Read numbers, booleans and texts; an index that pandas wrote along is left out and noted.

    Raises `InvalidData` for a file that is not Parquet, has no rows, or has a column of another type.
    """
    columns = dict(_columns(path))
    kept = {name: data for name, data in columns.items() if not _is_index(name)}
    dropped = [name for name in columns if _is_index(name)]
    notes = tuple(f"the row index {name!r} is left out" for name in dropped)
    return Table(path.name, tuple(_column(name, data) for name, data in kept.items()), row_place, notes)


def _columns(path: Path) -> list[tuple[str, Any]]:
    # One file, not `read_table`, which would take folders named a=b on the way to the file for columns.
    import pyarrow  # type: ignore[import-untyped]
    from pyarrow.parquet import ParquetFile  # type: ignore[import-untyped]

    try:
        with ParquetFile(path) as file:
            table = file.read()
        table.validate(full=True)  # above all, that texts are UTF-8
        names = tuple(table.column_names)
    except (pyarrow.ArrowException, UnicodeDecodeError, OSError) as error:
        raise _unreadable(path, f"{path.name} is not a readable Parquet file", _first_line(error)) from None
    if table.num_rows == 0 or all(_is_index(name) for name in names):
        raise _unreadable(path, f"{path.name} holds no samples", f"{table.num_rows} rows, {table.num_columns} columns")
    check_distinct(path.name, names)
    return list(zip(names, table.columns, strict=True))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _is_index(name: str) -> bool:
    return name.startswith("__index_level_")


def _column(name: str, data: Any) -> Column:
    """Take a column over by its type: what is text stays text unless all of it spells numbers, as in a CSV file."""
    from pyarrow import float64, string, types

    kind = data.type.value_type if types.is_dictionary(data.type) else data.type
    if types.is_boolean(kind):
        return boolean_column(name, data.cast(kind).cast("int8").cast(float64()).to_numpy())
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_null(kind):
        return number_column(name, data.cast(kind).cast(float64(), safe=False).to_numpy(), row_place)
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        cells = data.cast(kind).cast(string()).to_pylist()
        return column_from_text(name, ["" if cell is None else cell for cell in cells], row_place)
    raise InvalidData(
        f"column {name!r} has a type that cannot be learned from",
        got=str(data.type),
        allowed="integers, floats, decimals, booleans, texts",
        hint="turn the column into numbers (a date into days, a list into one column per entry) or remove it",
    )


def _unreadable(path: Path, rule: str, got: str) -> InvalidData:
    return InvalidData(
        rule,
        got=got,
        allowed="a Parquet file with one row per sample",
        hint=f'pandas.read_parquet("{path.name}") to look inside',
    )
