"""Small panels: what a trained network answers over the plane of two features, under the points it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symbreak.experiments.result import Boundary, DataSummary, Row
from symbreak.report.plots import Plot, Trace, at_most, axis, label, rounded, small
from symbreak.report.style import CLASSES, faded

MOST_DOTS = 400
"""Points that are drawn; more would cover the answer."""

MARKERS = ("circle", "diamond", "square", "triangle-up", "cross", "x", "star", "triangle-down")


def boundary_plot(row: Row, data: DataSummary) -> Plot | None:
    """Draw the answer of the row's first run over the plane; `None` where there is none."""
    boundary = None if row.detail is None else row.detail.boundary
    if boundary is None or not boundary.answer:
        return None
    traces = (_answer(boundary, data), *_edge(boundary, data), *_points(data))
    x, y = (label(feature, 20) for feature in data.features[:2])
    bare = {"showgrid": False, "zeroline": False, "showticklabels": False}
    frame = small(
        axis(x, range=[boundary.x1[0], boundary.x1[-1]], **bare),
        axis(y, range=[boundary.x2[0], boundary.x2[-1]], **bare),
        hovermode=False,
    )
    return Plot(traces, frame, f"{row.init}: the answer over the plane of {data.features[0]} and {data.features[1]}.")


def kind(data: DataSummary) -> str:
    """Return "binary", "multiclass" or "regression": what the boundary's answer means."""
    if data.score != "accuracy":
        return "regression"
    return "binary" if len(data.classes) <= 2 else "multiclass"


def _answer(boundary: Boundary, data: DataSummary) -> Trace:
    return {
        "type": "heatmap",
        "x": rounded(boundary.x1),
        "y": rounded(boundary.x2),
        "z": [rounded(line, 3) for line in boundary.answer],
        "zsmooth": "best" if kind(data) == "binary" else False,
        "showscale": False,
        "hoverinfo": "skip",
        **_scale(data),
    }


def _scale(data: DataSummary) -> dict[str, Any]:
    if kind(data) == "regression":
        low, high = _limits(data)
        return {"colorscale": "Cividis", "zmin": low, "zmax": high, "opacity": 0.8}
    if kind(data) == "binary":
        first, second = (faded(CLASSES[i], 0.6) for i in (0, 1))
        middle = "rgba(128,128,128,0.06)"
        return {"colorscale": [[0, first], [0.5, middle], [1, second]], "zmin": 0, "zmax": 1}
    return {"colorscale": _steps(len(data.classes)), "zmin": -0.5, "zmax": len(data.classes) - 0.5}


def _steps(classes: int) -> list[list[Any]]:
    """A scale of plateaus, one for each class."""
    colours = [faded(CLASSES[i % len(CLASSES)], 0.45) for i in range(classes)]
    return [[place / classes, colours[i]] for i in range(classes) for place in (i, i + 1)]


def _limits(data: DataSummary) -> tuple[float, float]:
    return (min(data.labels), max(data.labels)) if data.labels else (0.0, 1.0)


def _edge(boundary: Boundary, data: DataSummary) -> list[Trace]:
    """The line where the likelier class changes."""
    values = [value for line in boundary.answer for value in line]
    if kind(data) != "binary" or not min(values) < 0.5 < max(values):
        return []
    return [
        {
            "type": "contour",
            "x": rounded(boundary.x1),
            "y": rounded(boundary.x2),
            "z": [rounded(line, 3) for line in boundary.answer],
            "contours": {"start": 0.5, "end": 0.5, "size": 1, "coloring": "none"},
            "line": {"color": "ink/0.9", "width": 2},
            "showscale": False,
            "hoverinfo": "skip",
        }
    ]


def _points(data: DataSummary) -> list[Trace]:
    chosen = at_most(data.points, MOST_DOTS)
    if kind(data) == "regression":
        low, high = _limits(data)
        labels = [data.labels[i] for i in chosen]
        return [_dots(data, chosen, {"color": rounded(labels), "colorscale": "Cividis", "cmin": low, "cmax": high})]
    return [
        _dots(data, [i for i in chosen if data.labels[i] == which], _mark(which))
        for which in range(max(2, len(data.classes)))
    ]


def _mark(which: int) -> dict[str, Any]:
    return {"color": CLASSES[which % len(CLASSES)], "symbol": MARKERS[which % len(MARKERS)]}


def _dots(data: DataSummary, chosen: Sequence[int], marker: dict[str, Any]) -> Trace:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": rounded(data.points[i][0] for i in chosen),
        "y": rounded(data.points[i][1] for i in chosen),
        "marker": {"size": 4.5, "line": {"width": 0.5, "color": "background"}, **marker},
        "hoverinfo": "skip",
    }
