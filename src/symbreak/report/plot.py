"""The one picture of a comparison, for a file: cost curves, the score of every run, the worst and the best boundary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from symbreak.experiments.result import Boundary, CompareResult, DataSummary, Row
from symbreak.report.boundaries import MOST_DOTS, kind
from symbreak.report.curves import Curve, best, cost_curve, cost_range, finite
from symbreak.report.drawing.canvas import (
    BASE,
    DASHES,
    MARKERS,
    MIDDLE,
    QUIET,
    TEXT,
    colour,
    image_bytes,
    pale,
    plain,
    settings,
)
from symbreak.report.format import MOST_LAYERS, count, number, percent, shorten
from symbreak.report.overview import jitter, score_range
from symbreak.report.plots import at_most
from symbreak.report.style import CLASSES, look
from symbreak.report.table import base_name, score_name

# More rows leave no room for a second line under each name.
MOST_ROWS_WITH_UNITS = 12


def comparison_picture(result: CompareResult) -> Figure:
    """Draw the picture, 12 by 6 inches: to be read at 1200 pixels width."""
    with settings():
        figure = Figure(figsize=(12, 6), dpi=100, layout="constrained")
        FigureCanvasAgg(figure)
        panels = _contrast(result)
        columns = figure.add_gridspec(2, 3, width_ratios=(5, 3.6, 2.4)) if panels else figure.add_gridspec(1, 2)
        _draw_costs(figure.add_subplot(columns[:, 0]), result)
        _draw_scores(figure.add_subplot(columns[:, 1]), result)
        for place, (row, boundary) in enumerate(panels):
            _draw_boundary(figure.add_subplot(columns[place, 2]), row, boundary, result.data)
        figure.suptitle(_title(result), x=0.012, ha="left", fontsize=13, fontweight="bold")
    return figure


def comparison_image(result: CompareResult, *, kind: str) -> bytes:
    """Return the picture as the bytes of a "png", "svg" or "pdf" file."""
    return image_bytes(comparison_picture(result), kind)


def _title(result: CompareResult) -> str:
    network = result.network
    seeds = f", median of {network.seeds} seeds" if network.seeds > 1 else ""
    if network.model:
        return plain(f"{shorten(network.model, 60)}: {network.optimizer}{seeds}", 110)
    kind = f"{'-'.join(map(str, network.sizes))} network, {network.activation}"
    return plain(f"{shorten(result.data.name, 40)}: {kind}{seeds}", 110)


def _draw_costs(axes: Axes, result: CompareResult) -> None:
    base = result.data.base_rate_cost
    curves = [cost_curve(row) for row in result.rows]
    low, high = cost_range(curves, base)
    for index, curve in enumerate(curves):
        _draw_curve(axes, curve, colour(index), DASHES[look(index).dash], 10 * high)
    axes.axhline(base, color=QUIET, linestyle=BASE, linewidth=1.1)
    place: dict[str, Any] = {
        "xycoords": axes.get_yaxis_transform(),
        "xytext": (0, 3),
        "textcoords": "offset points",
        "ha": "right",
    }
    axes.annotate(f"{base_name(result.data)} {number(base)}", (1, base), color=QUIET, fontsize=9.5, **place)
    if base > 0:
        axes.set_yscale("log")
        margin = max(1.1, (high / low) ** 0.04)
        axes.set_ylim(low / margin, high * margin)
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 50 * low else (1.0,)))
        axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xscale("symlog", linthresh=10, linscale=0.6)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set(
        title="Training cost", xlabel="iteration, logarithmic from 10 on", xlim=(0, max(1, result.network.iterations))
    )


def _draw_curve(axes: Axes, curve: Curve, paint: str, dash: Any, most: float) -> None:
    median, lower, upper = (_gaps(side, most) for side in (curve.median, curve.low, curve.high))
    axes.fill_between(curve.iterations, lower, upper, color=paint, alpha=0.13, linewidth=0)
    axes.plot(curve.iterations, median, linewidth=2.1, color=paint, linestyle=dash)
    if None in curve.median[1:]:
        last = curve.median.index(None) - 1
        axes.plot(curve.iterations[last], median[last], marker="X", markersize=8, color=paint)


def _draw_scores(axes: Axes, result: CompareResult) -> None:
    for index, row in enumerate(result.rows):
        _draw_dots(axes, index, row)
    axes.axvline(result.data.base_rate_score, color=QUIET, linestyle=BASE, linewidth=1.1)
    _name_rows(axes, result.rows)
    share = result.data.score == "accuracy"
    axes.xaxis.set_major_formatter(lambda value, _: percent(value) if share else f"{value:g}")
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    name = score_name(result.data)
    axes.set(
        title=name[0].upper() + name[1:],
        xlabel=f"dashed: {base_name(result.data)}",
        ylim=(len(result.rows) - 0.4, -0.6),
    )
    axes.set_xlim(*score_range(result))
    axes.grid(visible=False, axis="y")


def _draw_dots(axes: Axes, index: int, row: Row) -> None:
    paint, marker = colour(index), MARKERS[look(index).marker]
    scores = [score for score in (finite(run.accuracy) for run in row.runs) if score is not None]
    heights = [index + jitter(place) for place in range(len(scores))]
    axes.scatter(scores, heights, s=36, alpha=0.5, marker=marker, color=paint, linewidths=0)
    median = finite(row.accuracy.median)
    if len(scores) > 1 and median is not None:
        axes.plot([median, median], [index - 0.36, index + 0.36], color=paint, linewidth=3.2)


def _name_rows(axes: Axes, rows: Sequence[Row]) -> None:
    """Write each name in its colour over its units, so that this column is the legend of the curves too."""
    axes.set_yticks(range(len(rows)), [""] * len(rows))
    room = len(rows) <= MOST_ROWS_WITH_UNITS
    place: dict[str, Any] = {
        "xycoords": axes.get_yaxis_transform(),
        "textcoords": "offset points",
        "ha": "right",
        "va": "center",
    }
    for index, row in enumerate(rows):
        name: dict[str, Any] = {"color": colour(index), "fontweight": "bold", "fontsize": 10.5 if room else 8}
        axes.annotate(plain(row.init, 20), (0, index), xytext=(-8, 6 if room else 0), **name, **place)
        if room:
            axes.annotate(_units(row), (0, index), xytext=(-8, -8), color=QUIET, fontsize=9, **place)


def _units(row: Row) -> str:
    ends = row.effective_units.end
    if not ends or None in ends:
        return "overflow" if ends else ""
    if len(ends) > MOST_LAYERS:
        return f"{count(sum(end or 0.0 for end in ends))} units"
    return f"{', '.join(map(count, ends[:4]))}{', …' if len(ends) > 4 else ''} {'unit' if ends == (1,) else 'units'}"


def _contrast(result: CompareResult) -> list[tuple[Row, Boundary]]:
    """Return the rows whose boundaries are shown: the one with the fewest units (or the dearest), then the best."""
    drawn = [(row, row.detail.boundary) for row in result.rows if row.detail is not None and row.detail.boundary]
    winner = best(result)
    others = [pair for pair in drawn if pair[0] is not winner]
    poorest = sorted(others, key=lambda pair: _poverty(pair[0]))[:1]
    return [*poorest, *(pair for pair in drawn if pair[0] is winner)]


def _poverty(row: Row) -> tuple[float, float]:
    cost = finite(row.final_cost.median)
    return (min((end or 0 for end in row.effective_units.end), default=0), -cost if cost is not None else float("-inf"))


def _draw_boundary(axes: Axes, row: Row, boundary: Boundary, data: DataSummary) -> None:
    smooth = "nearest" if kind(data) == "multiclass" else "bilinear"
    extent = (boundary.x1[0], boundary.x1[-1], boundary.x2[0], boundary.x2[-1])
    field: dict[str, Any] = {"origin": "lower", "aspect": "auto", "interpolation": smooth, "extent": extent}
    axes.imshow(boundary.answer, **field, **_colours(data))
    if kind(data) == "binary" and _crosses(boundary):
        axes.contour(boundary.x1, boundary.x2, boundary.answer, levels=[0.5], colors=[TEXT], linewidths=1.4)
    chosen = at_most(data.points, MOST_DOTS)
    xs, ys = ([data.points[i][axis] for i in chosen] for axis in (0, 1))
    labels = [data.labels[i] for i in chosen]
    axes.scatter(xs, ys, s=10, c=labels, linewidths=0.3, edgecolors="white", **_dot_colours(data))
    units = _units(row)
    axes.set(title=plain(f"{shorten(row.init, 16)}{': ' + units if units else ''}", 40), xticks=[], yticks=[])


def _colours(data: DataSummary) -> dict[str, Any]:
    if kind(data) == "regression":
        return _dot_colours(data)
    tints = [pale(CLASSES[i % len(CLASSES)]) for i in range(max(2, len(data.classes)))]
    if kind(data) == "binary":
        scale = LinearSegmentedColormap.from_list("answer", [tints[0], MIDDLE, tints[1]])
        return {"cmap": scale, "vmin": 0, "vmax": 1}
    return {"cmap": ListedColormap(tints), "vmin": -0.5, "vmax": len(tints) - 0.5}


def _dot_colours(data: DataSummary) -> dict[str, Any]:
    if kind(data) == "regression":
        return {"cmap": "cividis", "vmin": min(data.labels, default=0), "vmax": max(data.labels, default=1)}
    classes = max(2, len(data.classes))
    return {
        "cmap": ListedColormap([CLASSES[i % len(CLASSES)] for i in range(classes)]),
        "vmin": -0.5,
        "vmax": classes - 0.5,
    }


def _crosses(boundary: Boundary) -> bool:
    values = [value for line in boundary.answer for value in line]
    return min(values) < 0.5 < max(values)


def _gaps(values: Sequence[float | None], most: float) -> list[float]:
    """Return what Matplotlib can draw: gaps for what overflowed, nothing so large that a scale overflows."""
    return [float("nan") if value is None else min(value, most) for value in values]
