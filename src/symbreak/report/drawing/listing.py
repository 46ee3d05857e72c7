"""Tables and steps as a picture, for files; a page has real ones."""

from __future__ import annotations

import textwrap
from typing import Any

from matplotlib.axes import Axes

from symbreak.lesson.figures import Steps, Table
from symbreak.report.drawing.canvas import GRID, QUIET, TEXT, plain

WIDEST = 30
"""Characters of a table's cell in one line."""

LINE, CHARACTER = 0.19, 0.083
"""A line's height and a character's width, in inches, at the size that is written here."""

STEP_WIDTH = 62
HOLDS, FAILS = "#007a5a", "#b84a00"


def table_size(table: Table) -> tuple[float, float]:
    """Return width and height in inches."""
    height = sum(_lines(row) for row in _wrapped(table)) * LINE + 0.12 * (len(table.rows) + 1)
    return max(2.5, sum(_widths(table)) * CHARACTER), max(0.6, height)


def draw_table(axes: Axes, table: Table) -> None:
    """Write a table from its top left corner."""
    width, height = table_size(table)
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    top = 0.0
    for place, row in enumerate(_wrapped(table)):
        left = 0.0
        style: dict[str, Any] = {"color": TEXT if place else QUIET, "fontsize": 9.5, "va": "top"}
        for cell, room in zip(row, _widths(table), strict=True):
            axes.text(left, top + 0.05, cell, **style)
            left += room * CHARACTER
        top += _lines(row) * LINE + 0.12
        axes.plot([0, width], [top - 0.02] * 2, color=GRID, linewidth=0.8)


def steps_size(steps: Steps) -> tuple[float, float]:
    """Return width and height in inches."""
    lines = sum(1 + text.count("\n") for text, _, _ in _written(steps))
    return 5.6, max(0.5, lines * LINE + 0.1 * len(steps.steps))


def draw_steps(axes: Axes, steps: Steps) -> None:
    """Write steps one under the other, each with its tick or cross."""
    width, height = steps_size(steps)
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    top = 0.0
    for text, mark, paint in _written(steps):
        axes.text(0, top, mark, color=paint, va="top", fontsize=11, fontweight="bold")
        axes.text(0.28, top, text, color=TEXT, va="top", fontsize=9.5)
        top += (1 + text.count("\n")) * LINE + 0.1


def _written(steps: Steps) -> list[tuple[str, str, str]]:
    found = []
    for step in steps.steps:
        text = _fill(f"{step.says} — {step.measured}" if step.measured else step.says, STEP_WIDTH)
        found.append((text, "✓", HOLDS) if step.holds else (f"{text}\n(does not hold)", "✗", FAILS))
    return found


def _wrapped(table: Table) -> list[tuple[str, ...]]:
    return [tuple(_fill(cell, WIDEST) for cell in row) for row in (table.columns, *table.rows)]


def _widths(table: Table) -> list[int]:
    rows = _wrapped(table)
    return [
        3 + max(len(line) for row in rows for line in row[place].split("\n")) for place in range(len(table.columns))
    ]


def _lines(row: tuple[str, ...]) -> int:
    return max(1 + cell.count("\n") for cell in row) if row else 1


def _fill(text: str, width: int) -> str:
    return "\n".join(plain(line, 200) for line in textwrap.wrap(text, width)) or " "
