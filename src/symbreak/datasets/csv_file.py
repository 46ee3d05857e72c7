"""Reading a CSV file into a table, with messages that name the line."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from symbreak.datasets.table import MISSING, Table, column_from_text, number
from symbreak.errors import InvalidData

DELIMITERS = ("\t", ";", ",")
"""In order of preference at a tie: a comma may be a decimal comma, a tab hardly ever anything else."""

COUNTING = 3
"""From this many on, numbers 0, 1, 2, … or 1, 2, 3, … in the first line are column names, not data.

Tables written without names of their own carry such a header; shorter runs happen by chance in data."""


@dataclass(frozen=True)
class _Record:
    line: int
    cells: list[str]


def read_csv(path: Path) -> Table:
    """Read a file of cells between commas, semicolons or tabs.

    The first line is the header, unless all of it is numbers: then the columns are called x1, x2, …. Blank lines are
    skipped; a quoted cell may hold delimiters and line ends. Lines are counted from 1, as an editor shows them.
    Raises `InvalidData` for anything that is not such a table.
    """
    text = _text(path)
    records = _records(path, text, _delimiter(text))
    if not records:
        raise _unreadable(path, "the file is empty", "no line with anything in it")
    header = _has_header(path, records[0])
    columns = _header_names(path, records.pop(0)) if header else _numbered(len(records[0].cells))
    if not records:
        raise _unreadable(path, "the file has a header but no rows", "1 line")
    _check_widths(path, records, columns)
    lines = [record.line for record in records]

    def place(index: int) -> str:
        return f"line {lines[index]}"

    cells = zip(*(record.cells for record in records), strict=True)
    return Table(
        path.name,
        tuple(column_from_text(name, column, place) for name, column in zip(columns, cells, strict=True)),
        place,
        () if header else (f"the file has no header: its columns are called {columns[0]} to {columns[-1]}",),
    )


def _text(path: Path) -> str:
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _not_text(path, f"byte 0x{content[error.start]:02x} in line {line}") from None
    if "\0" in text:
        raise _not_text(path, "a zero byte, as in UTF-16 or in a binary file")
    return text


def _not_text(path: Path, got: str) -> InvalidData:
    return InvalidData(
        f"{path.name} is not UTF-8 text",
        got=got,
        allowed="UTF-8, with or without a byte order mark",
        hint='save it again as "CSV UTF-8", or convert it: iconv -f WINDOWS-1252 -t UTF-8',
    )


def _delimiter(text: str) -> str:
    """Return the delimiter that cuts the first line with anything in it into most cells."""
    first = next((line for line in io.StringIO(text, newline="") if line.strip()), "")[: csv.field_size_limit()]
    return max(DELIMITERS, key=lambda mark: len(next(csv.reader([first], delimiter=mark), [])))


def _records(path: Path, text: str, delimiter: str) -> list[_Record]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    records, line = [], 1
    try:
        for cells in reader:
            if len(cells) > 1 or (cells and cells[0].strip()):
                records.append(_Record(line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise InvalidData(
            f"{path.name} cannot be cut into cells from line {line} on",
            got=str(error),
            allowed="cells in double quotes, or without any",
            hint="close every quote, and double a quote inside quotes",
        ) from None
    return records


def _has_header(path: Path, first: _Record) -> bool:
    """Tell names from data in the first line; refuse to guess if it has both, for a row could be lost unseen."""
    cells = [cell for cell in first.cells if cell.strip().lower() not in MISSING]
    found = [value for value in map(number, cells) if value is not None]
    if not found or _counts_up(found):
        return True
    if len(found) == len(cells):
        return False
    example = next(cell for cell in cells if number(cell) is not None)
    raise InvalidData(
        f"the first line of {path.name} has both names and numbers",
        got=f"{example.strip()!r} among {len(first.cells)} cells of line {first.line}",
        allowed="a header of names, or no header and numbers only",
        hint="add a header line of names on top, or give every column a name that is no number",
    )


def _counts_up(found: list[float]) -> bool:
    start = found[0]
    return len(found) >= COUNTING and start in (0, 1) and found == [start + i for i in range(len(found))]


def _header_names(path: Path, header: _Record) -> tuple[str, ...]:
    names = tuple(cell.strip() for cell in header.cells)
    if "" in names:
        raise InvalidData(
            f"column {names.index('') + 1} of {path.name} has no name",
            got=f"an empty cell in line {header.line}, the header",
            allowed="a name for every column",
            hint="name it; if it only numbers the rows, remove it (in pandas: to_csv(..., index=False))",
        )
    check_distinct(path.name, names)
    return names


def check_distinct(where: str, names: tuple[str, ...]) -> None:
    """Raise `InvalidData` if two columns share a name."""
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        numbers = [str(i) for i, other in enumerate(names, start=1) if other == name]
        raise InvalidData(
            f"{times} columns of {where} are called {name!r}",
            got=f"columns {', '.join(numbers)}",
            allowed="a name of its own for every column",
            hint="rename or remove the repeated column; if the file has no header, add one",
        )


def _numbered(width: int) -> tuple[str, ...]:
    return tuple(f"x{i}" for i in range(1, width + 1))


def _check_widths(path: Path, records: list[_Record], columns: tuple[str, ...]) -> None:
    for record in records:
        if len(record.cells) != len(columns):
            raise InvalidData(
                f"line {record.line} of {path.name} has another number of cells than the first line",
                got=f"{len(record.cells)} cells, where the first line has {len(columns)}",
                allowed=f"{len(columns)} cells in every line",
                hint="correct the line; a cell that holds the delimiter itself goes in double quotes",
            )


def _unreadable(path: Path, rule: str, got: str) -> InvalidData:
    return InvalidData(
        f"{path.name}: {rule}",
        got=got,
        allowed="a header line, then one line per sample, cells between commas, semicolons or tabs",
        hint="open the file in an editor and compare it with: height,weight,species",
    )
