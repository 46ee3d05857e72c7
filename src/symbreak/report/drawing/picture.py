"""A whole figure for a file: a row of panels for every position of its switch or dial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from symbreak.lesson.figures import Bars, Chart, Panel
from symbreak.lesson.figures import Figure as LessonFigure
from symbreak.report.drawing.canvas import DASHES, MARKERS, QUIET, colour, image_bytes, plain, settings
from symbreak.report.drawing.chart import legend_text
from symbreak.report.drawing.panels import draw, size
from symbreak.report.drawing.peers import Setting, setting
from symbreak.report.style import look

WIDEST = 13.5
"""Inches, after which panels go on in another row."""

TITLE, LEGEND, HEADING = 0.36, 0.24, 0.34
PER_ROW = 2
LEAST = 0.02
"""Inches that are worth a place of their own."""


@dataclass(frozen=True, eq=False)
class _Cell:
    panel: Panel
    setting: Setting
    heading: str

    @property
    def size(self) -> tuple[float, float]:
        width, height = size(self.panel)
        legends = -(-len(_handles(self.panel, self.setting)) // PER_ROW)
        return width + 0.3, height + TITLE + LEGEND * legends + (HEADING if self.heading else 0)


def figure_picture(figure: LessonFigure) -> Figure:
    """Draw a figure whole: its frames one under the other, or side by side where each is one panel."""
    rows = _rows(figure)
    heights = [max(cell.size[1] for cell in row) for row in rows]
    width = max(sum(cell.size[0] for cell in row) for row in rows)
    with settings():
        found = Figure(figsize=(width, sum(heights) + 0.45), dpi=100, layout="constrained")
        FigureCanvasAgg(found)
        found.suptitle(
            plain(figure.title, max(24, int(width * 11))), x=0.012, ha="left", fontsize=13, fontweight="bold"
        )
        places = found.subfigures(len(rows), 1, height_ratios=heights, squeeze=False)
        for row, place in zip(rows, places[:, 0], strict=True):
            _draw_row(place, row, width)
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


def _draw_row(place: SubFigure, row: list[_Cell], width: float) -> None:
    widths, height = [cell.size[0] for cell in row], max(cell.size[1] for cell in row)
    spare = [width - sum(widths)] if width - sum(widths) > LEAST else []
    spots = place.subfigures(1, len(row) + len(spare), width_ratios=[*widths, *spare], squeeze=False)[0]
    headed = any(cell.heading for cell in row)
    for cell, spot in zip(row, spots, strict=False):
        left = height - cell.size[1]
        # A low panel keeps its height beside a high one.
        upper = spot.subfigures(2, 1, height_ratios=[cell.size[1], left])[0] if left > LEAST else spot
        if headed:  # an empty one keeps the panels beside on one line
            upper.suptitle(plain(cell.heading, 60) or " ", x=0.02, ha="left", fontsize=11, color=QUIET)
        _draw_cell(upper, cell)


def _draw_cell(spot: SubFigure, cell: _Cell) -> None:
    axes = spot.add_subplot()
    draw(axes, cell.panel, cell.setting)
    axes.set_title(plain(cell.panel.title, max(20, int(cell.size[0] * 11))))
    handles = _handles(cell.panel, cell.setting)
    if handles:
        spot.legend(handles=handles, loc="outside lower left", ncols=PER_ROW, frameon=False, fontsize=9)


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
