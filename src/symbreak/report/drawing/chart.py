"""Curves, clouds of dots and steps on axes."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from symbreak.lesson.figures import Chart, Series
from symbreak.report.drawing.canvas import BASE, DASHES, MARKERS, QUIET, colour, plain
from symbreak.report.drawing.peers import Setting
from symbreak.report.drawing.scales import apply, drawable
from symbreak.report.plots import at_most
from symbreak.report.style import look

MOST_DOTS = 600
"""Dots of a cloud that are drawn; more would only darken it."""

MOST_BAND = 200
"""Points along a band; the line itself is thinned by Matplotlib, which keeps every spike."""

MIDDLE_OF_AXIS = 0.55
LINE = 12
"""Points from line to line of such names."""
NAME_WIDTH, NAME_HEIGHT = 0.2, 0.08
"""Of the axes, about: the room that a name takes."""

FEW = 15
"""A line through at most so many points shows the points too: only there something was measured."""


def draw_chart(axes: Axes, chart: Chart, setting: Setting) -> None:
    """Draw all series, then the dashed lines across."""
    peers = [peer for peer in setting.peers if isinstance(peer, Chart)]
    everything = [series for peer in peers for series in peer.series]
    apply(axes, "x", chart.x_scale, [drawable(series.x) for series in everything])
    apply(axes, "y", chart.y_scale, [drawable(values) for series in everything for values in _heights(series)])
    for series in chart.series:
        _draw_series(axes, series, setting.looks[series.name])
    for series in everything:
        for values in _heights(series):
            axes.dataLim.update_from_data_xy(_shown(axes, drawable(series.x), drawable(values)), ignore=False)
    for which, position, _ in chart.markers:
        across = axes.axvline if which == "x" else axes.axhline
        across(position, color=QUIET, linestyle=BASE, linewidth=1.1)
    axes.autoscale_view()
    if chart.y_scale == "linear" and not axes.dataLim.intervaly.any():  # all are zero: room below would say otherwise
        axes.set_ylim(-0.05, 1.05)
    for place, (which, position, label) in enumerate(chart.markers):
        _name_marker(axes, which, position, label, place)
    axes.set(xlabel=plain(chart.x_label, 70), ylabel=plain(chart.y_label, 48))


def legend_text(chart: Chart, series: Series) -> str:
    """Return a series' name, and say so where a logarithm has no place for its zeros.

    >>> flat = Series("zeros", np.arange(3), np.zeros(3))
    >>> legend_text(Chart("cost", "step", "cost", (flat,), y_scale="log"), flat)
    'zeros (0: below the scale)'
    """
    values = drawable(series.y)
    return f"{series.name} (0: below the scale)" if chart.y_scale == "log" and (values == 0).any() else series.name


def _heights(series: Series) -> list[Any]:
    return [values for values in (series.y, series.low, series.high) if values is not None]


def _shown(axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the points that have a place on the axes, for their limits."""
    kept = np.isfinite(x) & np.isfinite(y)
    kept &= (x > 0) | (axes.get_xscale() != "log")
    kept &= (y > 0) | (axes.get_yscale() != "log")
    return np.stack([x[kept], y[kept]], axis=1)


def _draw_series(axes: Axes, series: Series, index: int) -> None:
    x, y = drawable(series.x), drawable(series.y)
    this, paint = look(index), colour(index)
    marker: dict[str, Any] = {"marker": MARKERS[this.marker], "markersize": 5, "markeredgewidth": 0}
    if series.style == "dots":
        chosen = at_most(list(x), MOST_DOTS)
        axes.plot(x[chosen], y[chosen], linestyle="none", color=paint, alpha=0.75, **marker)
        return
    if series.low is not None and series.high is not None:
        chosen = at_most(list(x), MOST_BAND)
        low, high = drawable(series.low)[chosen], drawable(series.high)[chosen]
        axes.fill_between(x[chosen], low, high, color=paint, alpha=0.15, linewidth=0)
    style = {"drawstyle": "steps-mid"} if series.style == "steps" else marker if len(x) <= FEW else {}
    axes.plot(x, y, color=paint, linestyle=DASHES[this.dash], linewidth=2, **style)


def _name_marker(axes: Axes, which: str, position: float, label: str, place: int) -> None:
    """Write beside the line, where there is room, and lower than the names before."""
    text: dict[str, Any] = {"color": QUIET, "fontsize": 9, "textcoords": "offset points"}
    if which == "y":
        x, aligned = (0, "left") if _crowded(axes, position) else (1, "right")
        axes.annotate(
            plain(label), (x, position), xytext=(0, 3), xycoords=axes.get_yaxis_transform(), ha=aligned, **text
        )
        return
    across = axes.transAxes.inverted().transform(axes.get_xaxis_transform().transform((position, 0)))[0]
    down = -2 - LINE * place
    side: dict[str, Any] = {"xytext": (-3, down), "ha": "right"} if across > MIDDLE_OF_AXIS else {"xytext": (3, down)}
    axes.annotate(plain(label), (position, 1), xycoords=axes.get_xaxis_transform(), va="top", **side, **text)


def _crowded(axes: Axes, position: float) -> bool:
    """Return whether a curve runs where a name would stand above the right end of a line, and none at the left end."""
    ends = axes.transAxes.inverted()
    height = ends.transform(axes.get_yaxis_transform().transform((0, position)))[1]
    curves = [curve for line in axes.lines if len(curve := np.asarray(line.get_xydata())) > 2]
    points = [ends.transform(axes.transData.transform(curve)) for curve in curves]
    above = [each[(each[:, 1] > height) & (each[:, 1] < height + NAME_HEIGHT), 0] for each in points]
    across = np.concatenate([*above, np.empty(0)])
    return bool((across > 1 - NAME_WIDTH).any() and not (across < NAME_WIDTH).any())
