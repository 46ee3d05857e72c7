"""Axes fitted into a box with all that is written around them.

Matplotlib's own layout engine adds up in an order that depends on memory addresses, so its last digits, and with them
the bytes of a picture, change from run to run. This one measures twice and subtracts.
"""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

Box = tuple[float, float, float, float]
"""Left, bottom, width and height in inches."""

PASSES = 2
"""Labels change with the size of the axes, and the size with the labels; after two rounds they agree."""

LEAST = 0.3
"""Inches that axes keep, however much is written around them."""


def canvas(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches, without pyplot."""
    figure = Figure(figsize=(width, height), dpi=100)
    FigureCanvasAgg(figure)
    return figure


def fit(axes: Axes, box: Box) -> None:
    """Make the axes, their labels and their title fill a box of their figure."""
    figure = axes.figure.get_figure(root=True)
    width, height = figure.get_size_inches()
    left, bottom, across, up = box
    axes.set_position((left / width, bottom / height, across / width, up / height))
    for _ in range(PASSES):
        around, inside = axes.get_tightbbox(), axes.get_window_extent()
        if around is None:
            return
        before, below = (inside.x0 - around.x0) / figure.dpi, (inside.y0 - around.y0) / figure.dpi
        after, above = (around.x1 - inside.x1) / figure.dpi, (around.y1 - inside.y1) / figure.dpi
        free = max(across - before - after, LEAST), max(up - below - above, LEAST)
        axes.set_position(((left + before) / width, (bottom + below) / height, free[0] / width, free[1] / height))
