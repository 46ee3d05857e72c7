"""A function over the plane as colour: what a unit or a network answers, with data and lines on it."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from symbreak.lesson.figures import Surface
from symbreak.report.drawing.canvas import DASHES, MIDDLE, QUIET, pale
from symbreak.report.drawing.peers import Setting
from symbreak.report.drawing.scales import drawable
from symbreak.report.format import number, short
from symbreak.report.plots import at_most
from symbreak.report.style import CLASSES, look

ON_COLOUR = "#101418"
"""What is drawn on a surface stays dark in every theme, for the surface stays light."""

MOST_DOTS = 250
LESS, MORE = CLASSES[0], CLASSES[1]
SHAPES = ("o", "D", "s", "^", "P", "X", "v")


def draw_surface(axes: Axes, surface: Surface, setting: Setting, *, smooth: str) -> None:
    """Draw the values as colour, where they cross the middle as a line, the data, the lines, and a scale of colours."""
    values, extent = drawable(surface.values), surface.extent
    low, high = value_range(setting)
    field: dict[str, Any] = {"cmap": _colours(low, surface.points is not None), "vmin": low, "vmax": high}
    axes.imshow(values, origin="lower", extent=extent, aspect="auto", interpolation=smooth, **field)
    middle = 0.5 if _probabilities(setting) else 0.0
    _draw_crossing(axes, values, extent, middle)
    for index, line in enumerate(surface.lines):
        _draw_line(axes, line, index)
    if surface.points is not None:
        _draw_points(axes, drawable(surface.points), surface.classes)
    if np.ptp(values) == 0:
        middle_of: dict[str, Any] = {
            "xy": (0.5, 0.93),
            "xycoords": "axes fraction",
            "ha": "center",
            "va": "top",
            "fontsize": 9.5,
        }
        axes.annotate(f"{number(float(values.flat[0]))} everywhere", color=ON_COLOUR, **middle_of)
    axes.set(xlim=extent[:2], ylim=extent[2:], xlabel="x1", ylabel="x2")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axis.set_major_formatter(lambda value, _: short(value))
    axes.grid(visible=False)
    _draw_scale(axes, low, high, field)


def value_range(setting: Setting) -> tuple[float, float]:
    """Return the values of the two ends of the colours, for all surfaces that are compared.

    With values on both sides of zero the middle colour, white, is zero. With data of two classes and values from 0 to
    1, which are then probabilities, it is one half. Else the colours go from zero to the largest value.
    """
    if _probabilities(setting):
        return 0.0, 1.0
    every = _values(setting)
    low, high = (float(every.min()), float(every.max())) if every.size else (0.0, 0.0)
    most = max(-low, high) or 1.0
    return (0.0, most) if low >= 0 < high else (-most, most)


def _probabilities(setting: Setting) -> bool:
    every = _values(setting)
    classified = all(peer.classes is not None for peer in setting.peers if isinstance(peer, Surface))
    return classified and bool(((every >= 0) & (every <= 1)).all())


def _values(setting: Setting) -> NDArray[np.float64]:
    parts = [drawable(peer.values).ravel() for peer in setting.peers if isinstance(peer, Surface)]
    every: NDArray[np.float64] = np.concatenate(parts)
    return every[np.isfinite(every)]


def _colours(low: float, beneath_points: bool) -> LinearSegmentedColormap:
    less, more = (pale(LESS), pale(MORE)) if beneath_points else (LESS, MORE)
    return LinearSegmentedColormap.from_list("answer", [less, MIDDLE, more])


def _draw_crossing(axes: Axes, values: NDArray[np.float64], extent: Any, middle: float) -> None:
    known = values[np.isfinite(values)]
    if min(values.shape) > 1 and known.size and known.min() < middle < known.max():
        axes.contour(values, levels=[middle], extent=extent, colors=[ON_COLOUR], linewidths=1.3)


def _draw_line(axes: Axes, line: tuple[float, float, float], index: int) -> None:
    """Draw w1 x1 + w2 x2 + b = 0; without w there is no line."""
    w1, w2, b = line
    size = w1 * w1 + w2 * w2
    if not size or not np.isfinite(size):
        return
    paint: dict[str, Any] = {"color": ON_COLOUR, "linestyle": DASHES[look(index + 1).dash], "linewidth": 1.6}
    axes.axline((-b * w1 / size, -b * w2 / size), (-b * w1 / size - w2, -b * w2 / size + w1), **paint)


def _draw_points(axes: Axes, points: NDArray[np.float64], classes: NDArray[np.int64] | None) -> None:
    labels = np.zeros(points.shape[1], dtype=int) if classes is None else np.ravel(classes)
    chosen = np.array(at_most(range(points.shape[1]), MOST_DOTS), dtype=int)
    for name in np.unique(labels):
        these = chosen[labels[chosen] == name]
        index = int(name)
        dots: dict[str, Any] = {"marker": SHAPES[index % len(SHAPES)], "color": CLASSES[index % len(CLASSES)]}
        dots |= {"markeredgecolor": "#fdfdfd", "markeredgewidth": 0.5, "markersize": 4.5, "linestyle": "none"}
        axes.plot(points[0, these], points[1, these], **dots)


def _draw_scale(axes: Axes, low: float, high: float, field: dict[str, Any]) -> None:
    beside = axes.inset_axes((1.03, 0, 0.045, 1))
    steps = np.linspace(low, high, 64)[:, None]
    beside.imshow(steps, origin="lower", aspect="auto", extent=(0, 1, low, high), interpolation="bilinear", **field)
    beside.set(xticks=[], ylim=(low, high))
    beside.set_yticks([low, (low + high) / 2, high], [short(v, 2) for v in (low, (low + high) / 2, high)])
    beside.tick_params(axis="y", labelright=True, labelleft=False, labelsize=8.5, labelcolor=QUIET, pad=2)
    beside.grid(visible=False)
    for side in beside.spines.values():
        side.set_visible(False)
