"""A network as circles and edges: the weights as numbers on the edges, their size as width, their sign as colour."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from symbreak.lesson.figures import Array, Diagram
from symbreak.report.drawing.canvas import QUIET, TEXT
from symbreak.report.drawing.peers import Setting
from symbreak.report.drawing.scales import drawable
from symbreak.report.format import number

PAPER = "#ffffff"
NEGATIVE, POSITIVE = "#0072b2", "#d55e00"
MOST_UNITS = 10
"""Units of a layer that are drawn; the rest are counted."""

CLOSEST = 0.05
"""Of the drawing's height: numbers that would stand closer than this are left out."""

BEHIND_UNITS, BEHIND_BIASES = 0.3, 0.45
"""Where along an edge its number may begin; biases are written below their units, and are wider than these."""

WIDEST = 4.0
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")

_CENTRED: dict[str, Any] = {
    "ha": "center",
    "bbox": {"boxstyle": "square,pad=0.12", "facecolor": PAPER, "edgecolor": "none"},
}

Place = tuple[float, float]


def draw_diagram(axes: Axes, diagram: Diagram, setting: Setting) -> None:
    """Draw the layers from left to right."""
    sizes = layer_sizes(diagram)
    places = [_column(layer, size) for layer, size in enumerate(sizes)]
    widest = max(
        (
            float(np.nanmax(np.abs(drawable(W)), initial=0))
            for p in setting.peers
            if isinstance(p, Diagram)
            for W in p.weights
        ),
        default=0.0,
    )
    for layer, weights in enumerate(diagram.weights):
        first = BEHIND_BIASES if 0 < layer <= len(diagram.biases) else BEHIND_UNITS
        _draw_edges(axes, drawable(weights), places[layer], places[layer + 1], widest or 1.0, first)
    for layer, column in enumerate(places):
        biases = drawable(diagram.biases[layer - 1]).ravel() if 0 < layer <= len(diagram.biases) else None
        _draw_units(axes, column, _symbol(layer, len(places)), biases, sizes[layer])
    axes.set(xlim=(-0.35, len(sizes) - 0.65), ylim=(-0.62, 0.56))
    axes.set_axis_off()


def layer_sizes(diagram: Diagram) -> list[int]:
    """Return the number of units of each layer, the inputs first."""
    return [diagram.weights[0].shape[1], *(len(W) for W in diagram.weights)] if diagram.weights else []


def _column(layer: int, size: int) -> list[Place]:
    shown = min(size, MOST_UNITS)
    return [
        (float(layer), 0.0 if shown == 1 else (0.42 if shown > 2 else 0.3) * (1 - 2 * k / (shown - 1)))
        for k in range(shown)
    ]


def _symbol(layer: int, layers: int) -> str:
    if layer == 0:
        return "x"
    return "ŷ" if layer == layers - 1 else "a"


def _draw_edges(axes: Axes, weights: Array, left: list[Place], right: list[Place], widest: float, first: float) -> None:
    gap, along = _best_place([y for _, y in left], [y for _, y in right], first)
    for k, (x1, y1) in enumerate(right):
        for j, (x0, y0) in enumerate(left):
            weight = float(weights[k, j])
            axes.plot([x0, x1], [y0, y1], zorder=1, **_edge(weight, widest))
            if gap >= CLOSEST:
                spot = (x0 + along * (x1 - x0), y0 + along * (y1 - y0))
                axes.text(*spot, _number(weight), va="center", fontsize=9, color=TEXT, zorder=2, **_CENTRED)


def _best_place(left: list[float], right: list[float], first: float) -> tuple[float, float]:
    """Return how far apart the numbers of one column can be, and how far along the edges, behind `first`, then."""
    found = []
    for along in np.linspace(first, 0.7, 9):
        heights = np.sort([y0 + along * (y1 - y0) for y0 in left for y1 in right])
        found.append((round(float(np.diff(heights).min(initial=1.0)), 6), -float(along), float(along)))
    gap, _, along = max(found)
    return gap, along


def _edge(weight: float, widest: float) -> dict[str, Any]:
    if weight == 0 or not np.isfinite(weight):
        return {"color": QUIET, "linewidth": 0.8, "linestyle": (0, (2, 3))}
    dash = {} if weight > 0 else {"linestyle": (0, (6, 1.5))}
    return {"color": POSITIVE if weight > 0 else NEGATIVE, "linewidth": 0.6 + WIDEST * abs(weight) / widest, **dash}


def _number(value: float) -> str:
    return number(value) if np.isfinite(value) else "not finite"


def _draw_units(axes: Axes, column: list[Place], symbol: str, biases: Array | None, size: int) -> None:
    for k, (x, y) in enumerate(column):
        circle: dict[str, Any] = {"marker": "o", "markersize": 27 if len(column) <= 6 else 17, "zorder": 3}
        axes.plot([x], [y], markerfacecolor=PAPER, markeredgecolor=TEXT, markeredgewidth=1.2, **circle)
        index = "" if size == 1 and symbol == "ŷ" else str(k + 1).translate(SUBSCRIPTS)
        small = len(column) > 6
        axes.text(
            x,
            y,
            f"{symbol}{index}",
            ha="center",
            va="center_baseline",
            fontsize=8 if small else 11,
            color=TEXT,
            zorder=4,
        )
        if biases is not None and not small:
            note: dict[str, Any] = {"xytext": (0, -18), "textcoords": "offset points", "va": "top", **_CENTRED}
            axes.annotate(f"b = {_number(float(biases[k]))}", (x, y), fontsize=8.5, color=QUIET, zorder=2, **note)
    if size > len(column):
        axes.text(column[0][0], -0.55, f"and {size - len(column)} more", ha="center", fontsize=8.5, color=QUIET)
