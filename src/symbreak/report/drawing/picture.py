"""A whole figure for a file: a row of panels for every position of its switch or dial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from symbreak.lesson.figures import Bars, Chart, Panel
from symbreak.lesson.figures import Figure as LessonFigure
from symbreak.report.drawing.canvas import DASHES, MARKERS, QUIET, colour, image_bytes, plain, settings
from symbreak.report.drawing.chart import legend_text
from symbreak.report.drawing.layout import canvas, fit
from symbreak.report.drawing.panels import draw, size
from symbreak.report.drawing.peers import Setting, setting
from symbreak.report.style import look

WIDEST = 13.5
"""Inches, after which panels go on in another row."""

TOP, TITLE, LEGEND, HEADING, GAP = 0.55, 0.36, 0.24, 0.32, 0.22
"""Inches above all, for a panel's title, a line of its legend, the name of a frame, and between panels."""

PER_ROW = 2


@dataclass(frozen=True, eq=False)
class _Cell:
    panel: Panel
    setting: Setting
    heading: str

    @property
    def legend(self) -> float:
        """Height of the legend under the panel."""
        return LEGEND * -(-len(_handles(self.panel, self.setting)) // PER_ROW)

    @property
    def size(self) -> tuple[float, float]:
        width, height = size(self.panel)
        return width + GAP, height + TITLE + self.legend + GAP


def figure_picture(figure: LessonFigure) -> Figure:
    """Draw a figure whole: its frames one under the other, or side by side where each is one panel."""
    rows = _rows(figure)
    width = GAP + max(sum(cell.size[0] for cell in row) for row in rows)
    height = TOP + sum(map(_height, rows))
    with settings():
        found = canvas(width, height)
        title = plain(figure.title, max(24, int(width * 10)))
        found.text(GAP / width, 1 - 0.14 / height, title, va="top", fontsize=13, fontweight="bold")
        top = height - TOP
        for row in rows:
            _draw_row(found, row, top)
            top -= _height(row)
    return found


def figure_image(figure: LessonFigure, *, kind: str) -> bytes:
    """Return a figure as the bytes of a "png", "svg" or "pdf" file."""
    return image_bytes(figure_picture(figure), kind, dpi=150)


def _rows(figure: LessonFigure) -> list[list[_Cell]]:
    """Return the panels row by row; frames of several panels begin a row each."""
    rows: list[list[_Cell]] = [[]]
    for number, frame in enumerate(figure.frames):
        heading = f"{figure.control}: {frame.label}" if figure.control else frame.label
        if len(frame.panels) > 1 and rows[-1]:
            rows.append([])
        for place, panel in enumerate(frame.panels):
            cell = _Cell(panel, setting(figure, number, place), heading if place == 0 else "")
            if rows[-1] and sum(each.size[0] for each in [*rows[-1], cell]) > WIDEST:
                rows.append([])
            rows[-1].append(cell)
    return [row for row in rows if row]


def _height(row: list[_Cell]) -> float:
    return max(cell.size[1] for cell in row) + (HEADING if any(cell.heading for cell in row) else 0)


def _draw_row(figure: Figure, row: list[_Cell], top: float) -> None:
    """Draw panels from left to right, their tops on one line under the headings."""
    width, height = figure.get_size_inches()
    left = GAP
    for cell in row:
        figure.text(left / width, (top - 0.05) / height, plain(cell.heading, 60), va="top", color=QUIET, fontsize=11)
        start = top - (HEADING if any(each.heading for each in row) else 0)
        _draw_cell(figure, cell, left, start)
        left += cell.size[0]


def _draw_cell(figure: Figure, cell: _Cell, left: float, top: float) -> None:
    width, height = figure.get_size_inches()
    across, up = cell.size
    axes = figure.add_axes((0, 0, 1, 1))
    draw(axes, cell.panel, cell.setting)
    axes.set_title(plain(cell.panel.title, max(20, int(across * 10))))
    bottom = top - up + GAP
    fit(axes, (left, bottom + cell.legend, across - GAP, up - GAP - cell.legend))
    handles = _handles(cell.panel, cell.setting)
    if handles:
        corner = left / width, bottom / height
        style: dict[str, Any] = {"ncols": PER_ROW, "frameon": False, "fontsize": 9, "borderpad": 0, "borderaxespad": 0}
        figure.legend(handles=handles, loc="lower left", bbox_to_anchor=corner, **style)


def _handles(panel: Panel, setting: Setting) -> list[Any]:
    """Return the entries of a panel's legend: line, marker or patch as it is drawn."""
    if isinstance(panel, Bars):
        return [Patch(color=colour(setting.looks[name]), label=plain(name)) for name in panel.series]
    if not isinstance(panel, Chart):
        return []
    found = []
    for series in panel.series:
        this, text = look(setting.looks[series.name]), plain(legend_text(panel, series), 48)
        paint: dict[str, Any] = {"color": colour(setting.looks[series.name]), "label": text}
        line = Line2D([], [], linestyle="none", marker=MARKERS[this.marker], **paint)
        found.append(
            line if series.style == "dots" else Line2D([], [], linestyle=DASHES[this.dash], linewidth=2, **paint)
        )
    return [handle for handle in found if handle.get_label()]
