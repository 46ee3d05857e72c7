"""The learner's code, run from top to bottom: what stands below a line that raises is lost, other cells are not."""

from __future__ import annotations
import __future__

import contextlib
import linecache
import re
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from symbreak.grade.names import CELL, KNOWN

MESSAGE_CHARACTERS = 2000
LINE_CHARACTERS = 100
MOST_RAISED = 20
"""Errors that are told; more tell nobody more."""

# Cells as `read_source` writes them, and as nbconvert exports them: there, lines are counted as in the file.
_MARKER = re.compile(rf"^# (?:{CELL} (?P<number>\d+)|In\[[ \d]*\]:)$", re.MULTILINE)
_DEFINED = re.compile(r"^[ \t]*(?:def|class)[ \t]+(\w+)", re.MULTILINE)
_KEPT = __future__.annotations.compiler_flag  # in a notebook it holds for later cells, too


class _TimeIsUpError(BaseException):
    """Raised by the alarm; not an `Exception`, so that `except Exception` lets it through."""


@dataclass(frozen=True)
class _Cell:
    file: str
    number: int  # 0 in a script, whose lines are counted as in the file
    text: str


def run(source: str, space: dict[str, Any], seconds: float) -> list[dict[str, Any]]:
    """Run code in a namespace; return what it raised, each with its place, and which of the week's names that cost.

    A script is one cell. Code that is not at its end after `seconds` is broken off, as if that line had raised.
    """
    cells, raised, flags = _split(source, space["__name__"]), [], 0
    with _alarm(seconds):
        for index, cell in enumerate(cells, 1):
            try:
                code = compile(cell.text, cell.file, "exec", flags, dont_inherit=True)
                flags |= code.co_flags & _KEPT
                exec(code, space)
            except BaseException as error:
                late = isinstance(error, _TimeIsUpError)
                raised.append(_told(error, cell, cells[index:] if late else [], alone=len(cells) == 1 or late))
                if late:
                    break
    return [{**each, "lost": [n for n in each["lost"] if not callable(space.get(n))]} for each in raised[:MOST_RAISED]]


def describe(error: BaseException) -> str:
    """Return "Type: message", whatever the exception does when it is asked."""
    name = type(error).__name__
    try:
        message = str(error)
    except BaseException:
        message = "(its message cannot be read)"
    return f"{name}: {message}"[:MESSAGE_CHARACTERS] if message else name


def _split(source: str, name: str) -> list[_Cell]:
    """Return the cells that have code, and have Python show their lines when it tells of errors."""
    starts = [*_MARKER.finditer(source)]
    bounds = [0, *(start.end() for start in starts)], [*(start.start() for start in starts), len(source)]
    numbers = [0, *(int(start["number"] or 0) for start in starts)]
    cells = []
    for begin, end, number in zip(*bounds, numbers, strict=True):
        above = 0 if number else source.count("\n", 0, begin)
        text = "\n" * above + (source[begin:end].removeprefix("\n") if number else source[begin:end])
        if text.strip():
            cells.append(_Cell(f"{name}.py, cell {number}" if number else f"{name}.py", number, text))
    for cell in cells:
        shown = cell.text if cell.number else source
        linecache.cache[cell.file] = (len(shown), None, shown.splitlines(keepends=True), cell.file)
    return cells


def _told(error: BaseException, cell: _Cell, below: Sequence[_Cell], *, alone: bool) -> dict[str, Any]:
    unread = isinstance(error, SyntaxError) and error.filename == cell.file
    line = _line(error, cell.file)
    lines = cell.text.split("\n")
    rest = "\n".join(["", *lines] if unread else lines[line:])
    lost = _DEFINED.findall("\n".join([rest, *(each.text for each in below)]))
    return {
        "error": _said(error, unread),
        "cell": cell.number,
        "line": line,
        "text": lines[line - 1].strip()[:LINE_CHARACTERS] if 0 < line <= len(lines) else "",
        "lost": [name for name in KNOWN if name in lost],
        "loss": ("all" if unread else "below") if alone else ("cell" if unread else "below in cell"),
    }


def _said(error: BaseException, unread: bool) -> str:
    if isinstance(error, _TimeIsUpError):
        return str(error)
    return f"{type(error).__name__}: {error.msg}" if unread and isinstance(error, SyntaxError) else describe(error)


def _line(error: BaseException, file: str) -> int:
    """Return the line of a cell at which its run ended; 0 if the error does not tell."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno or 0
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != file:
        trace = trace.tb_next
    return 0 if trace is None else trace.tb_lineno


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Break off what takes longer."""

    def ring(*_: Any) -> None:
        raise _TimeIsUpError("the code did not finish loading in time")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
