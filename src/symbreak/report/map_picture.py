"""A map as one picture for a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import Normal, Stroke

from symbreak.experiments.map.result import MapResult, check_value
from symbreak.experiments.theory import Line
from symbreak.report import map_look as look
from symbreak.report.drawing.canvas import DASHES, QUIET, image_bytes, plain, settings
from symbreak.report.drawing.layout import canvas

# Inches: the picture, and the map in it.
SIZE = (8.0, 7.2)
MAP = (0.85, 1.05, 5.75, 5.2)
BAR = (6.85, 1.05, 0.2, 5.2)
LINES = ("solid", "dash", "dot")
BACKGROUND = "#ffffff"


def figure(result: MapResult, value: str = "final_cost", lines: Sequence[Line] = ()) -> Figure:
    """Draw a map, 8 by 7.2 inches, as a Matplotlib `Figure`; Matplotlib's global state stays as it is.

    Args:
        result: the map.
        value: what is shown, a name of `VALUES`.
        lines: what theory says, as `experiments.theory.lines` returns it.

    Raises `UnknownName` for what is no value of a map.
    """
    name = check_value(value)
    with settings(**{"axes.grid": False, "axes.spines.top": True, "axes.spines.right": True}):
        found = canvas(*SIZE)
        axes = found.add_axes(_box(MAP))
        _draw_cells(axes, result, name)
        for index, line in enumerate(lines):
            _draw_line(axes, result, line, index)
        if look.on_scale(result, name):
            _draw_scale(found.add_axes(_box(BAR)), look.scale(result, name), name)
        _draw_legend(found, result, name, lines)
        title: dict[str, Any] = {"ha": "left", "va": "top"}
        what = plain(look.heading(result, look.title_of(result, name)), 200)
        left = MAP[0] / SIZE[0]
        found.text(left, 1 - 0.22 / SIZE[1], what, fontsize=12, fontweight="bold", wrap=False, **title)
        found.text(left, 1 - 0.52 / SIZE[1], plain(look.setup(result), 110), color=QUIET, fontsize=9.5, **title)
    return found


def image(result: MapResult, value: str = "final_cost", lines: Sequence[Line] = (), *, kind: str = "png") -> bytes:
    """Return the picture as the bytes of a "png", "svg" or "pdf" file: the same bytes again."""
    return image_bytes(figure(result, value, lines), kind, dpi=120)


def _box(inches: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    left, bottom, width, height = inches
    return left / SIZE[0], bottom / SIZE[1], width / SIZE[0], height / SIZE[1]


def _draw_cells(axes: Axes, result: MapResult, name: str) -> None:
    colours = [*look.SCALE, *(look.COLOURS[code] for code in (look.NEVER, look.DIVERGED, look.UNTRAINED))]
    paint: dict[str, Any] = {"cmap": ListedColormap(colours), "vmin": 0, "vmax": len(colours) - 1}
    axes.imshow(
        look.shades(result, name), origin="lower", extent=(0, 1, 0, 1), aspect="auto", interpolation="nearest", **paint
    )
    for axis, side, points in ((axes.xaxis, result.settings.x, result.x), (axes.yaxis, result.settings.y, result.y)):
        marks = look.ticks(side, points)
        axis.set_ticks([share for share, _ in marks], [plain(text) for _, text in marks])
        axis.set_tick_params(length=3, width=0.8, color=QUIET)
        axis.set_label_text(look.axis_title(side))
    axes.set(xlim=(0, 1), ylim=(0, 1))


def _draw_line(axes: Axes, result: MapResult, line: Line, index: int) -> None:
    x = look.place(result.settings.x, result.x, line.x)
    y = look.place(result.settings.y, result.y, line.y)
    axes.plot(x, y, **_stroke(index), label=line.name)


def _stroke(index: int) -> dict[str, Any]:
    dash = DASHES[LINES[index % len(LINES)]]
    edge = [Stroke(linewidth=4.2, foreground=look.LINE_EDGE), Normal()]
    return {"color": look.LINE, "linewidth": 2.0, "linestyle": dash, "path_effects": edge, "clip_on": True}


def _draw_scale(axes: Axes, scale: look.Scale, name: str) -> None:
    shown = look.SCALE if scale.good == "largest" else look.SCALE[::-1]
    axes.imshow(
        np.arange(look.LEVELS)[:, None], origin="lower", extent=(0, 1, 0, 1), aspect="auto", cmap=ListedColormap(shown)
    )
    marks = look.scale_ticks(scale, name)
    axes.set_yticks([share for share, _ in marks], [plain(text) for _, text in marks])
    axes.set_xticks([])
    axes.tick_params(axis="y", left=False, right=True, labelleft=False, labelright=True, length=3, pad=3)
    place: dict[str, Any] = {"xycoords": "figure fraction", "ha": "right", "va": "bottom", "fontsize": 9.5}
    title = "\n".join(map(plain, look.scale_title(scale)))
    axes.annotate(title, (1 - 0.12 / SIZE[0], (BAR[1] + BAR[3] + 0.12) / SIZE[1]), annotation_clip=False, **place)


def _draw_legend(found: Figure, result: MapResult, name: str, lines: Sequence[Line]) -> None:
    handles: list[Any] = [
        Patch(facecolor=look.COLOURS[code], edgecolor=QUIET, linewidth=0.6, label=text)
        for code, text in look.codes_present(result, name)
    ]
    if name == "diverged":
        handles.insert(0, Patch(facecolor=look.SCALE[look.LEVELS // 3], label="did not diverge"))
    handles += [Line2D([], [], label=plain(line.name), **_stroke(index)) for index, line in enumerate(lines)]
    if handles:
        corner = (MAP[0] / SIZE[0], 0.12 / SIZE[1])
        style: dict[str, Any] = {"frameon": False, "borderpad": 0, "borderaxespad": 0, "ncols": 4, "fontsize": 9.5}
        found.legend(handles=handles, loc="lower left", bbox_to_anchor=corner, **style)
