"""Learner's code from a file: a script as it stands, a notebook as a script that runs its cells in order."""

from __future__ import annotations

import ast
import json
import re
import tokenize
from pathlib import Path
from typing import Any

from symbreak.errors import InvalidData
from symbreak.grade.names import CELL, TRANSPARENT_MAGICS

LARGEST = 10 * 2**20
"""Bytes of the largest file that is read; a week's work has a few hundred thousand, figures included."""

LONGEST = 1 << 17
"""Characters of code that is looked at; more is not run, and would take long to read."""

# Anybody may have written the line: no part of it can be matched in two ways, which would take long.
_ASSIGNED = re.compile(r"^(?P<target>\s*\w[\w, ]*=)\s*[%!]")
_MARKER = re.compile(rf"^(# {CELL} \d+)$", re.MULTILINE)


def read_source(path: str | Path) -> str:
    """Return the Python code of FILE.py or FILE.ipynb.

    Of a notebook the code cells are taken, in order, each below a line "# %% cell 3"; magics and shell lines are
    dropped. A script may be an exported notebook.

    Raises `InvalidData` for a file that cannot be read, is too large, or is neither, and for a link that leads out of
    its folder: it would be graded by what somebody else wrote.
    """
    place = Path(path)
    if place.suffix not in (".py", ".ipynb"):
        raise _refused("code is graded from a .py or .ipynb file", repr(str(path)))
    try:
        if not place.is_file():
            raise _refused("the file must exist", repr(str(path)))
        if not place.resolve().is_relative_to(place.parent.resolve()):
            raise _refused("a submission must not be a link out of its folder", f"{str(path)!r}, a link")
        if place.stat().st_size > LARGEST:
            raise _refused(f"a file has at most {LARGEST} bytes", f"{place.stat().st_size} bytes")
        return _script(place) if place.suffix == ".py" else _notebook(place)
    except OSError as error:
        raise _refused("the file cannot be read", f"{str(path)!r}: {error.strerror}") from error


def cell_source(text: str) -> str:
    """Return a cell as Python: what parses stays as it is, else magics and shell lines go.

    >>> print(cell_source("%matplotlib inline\\nx = 1\\n!ls"))
    pass
    x = 1
    pass
    """
    first, _, rest = text.lstrip().partition("\n")
    if first.startswith("%%"):
        return cell_source(rest) if first[2:].split()[:1] and first[2:].split()[0] in TRANSPARENT_MAGICS else ""
    if _parses(text):
        return text
    return "\n".join(map(_line, text.split("\n")))


def _line(line: str) -> str:
    assigned = _ASSIGNED.match(line)
    if assigned:
        return f"{assigned['target']} None"
    bare = line.strip()
    magic = bare.startswith(("%", "!", "?")) or (bare.endswith("?") and not bare.startswith("#"))
    return f"{line[: len(line) - len(line.lstrip())]}pass" if magic else line


def _parses(text: str) -> bool:
    if len(text) > LONGEST:
        return False
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _script(path: Path) -> str:
    try:
        with tokenize.open(path) as file:  # knows the encoding that a script declares
            text = file.read()
    except (SyntaxError, UnicodeDecodeError) as error:
        raise _refused("a script must be text in the encoding that it declares", f"{str(path)!r}: {error}") from error

    without_magics = text if _parses(text) else cell_source(text)
    return without_magics if _parses(without_magics) else text


def _notebook(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise _refused("a notebook must be JSON in UTF-8", f"{str(path)!r}: {error}") from error
    return _cells(text, repr(str(path)))


def _cells(text: str, name: str) -> str:
    try:
        cells = json.loads(text)["cells"]
        codes = [_text(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _refused("a notebook must be JSON with a list of cells (nbformat 4)", f"{name}: {error}") from error
    return "".join(f"# {CELL} {number}\n{_unmarked(cell_source(code))}\n" for number, code in enumerate(codes, 1))


def _unmarked(code: str) -> str:
    """Return a cell's code without a line that would begin another cell: a blank behind it makes it a comment."""
    return _MARKER.sub(r"\1 ", code)


def _text(source: Any) -> str:
    return source if isinstance(source, str) else "".join(source)


def _refused(rule: str, got: str) -> InvalidData:
    return InvalidData(rule, got=got, allowed="FILE.py, FILE.ipynb", hint="symbreak grade solution.py")
