"""A matrix as numbers on colours: orange above zero, blue below, white at zero."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from symbreak.lesson.figures import Matrix
from symbreak.report.drawing.canvas import MIDDLE, pale, plain
from symbreak.report.drawing.peers import Setting
from symbreak.report.drawing.scales import drawable
from symbreak.report.drawing.surface import LESS, MORE, ON_COLOUR
from symbreak.report.format import number

MOST_COLUMNS, MOST_ROWS = 10, 14
"""Beyond these, numbers would not fit their cells: the colours alone are drawn."""


def numbered(matrix: Matrix) -> bool:
    """Whether the cells have room for their numbers."""
    rows, columns = np.atleast_2d(matrix.values).shape
    return bool(rows <= MOST_ROWS and columns <= MOST_COLUMNS)


def draw_matrix(axes: Axes, matrix: Matrix, setting: Setting) -> None:
    """Draw the cells, rows downwards as they are written."""
    values = np.atleast_2d(drawable(matrix.values))
    every = [np.abs(drawable(peer.values)) for peer in setting.peers if isinstance(peer, Matrix)]
    most = max((float(np.nanmax(each, initial=0)) for each in every), default=0.0) or 1.0
    tints = LinearSegmentedColormap.from_list("matrix", [pale(LESS), MIDDLE, pale(MORE)])
    axes.imshow(values, cmap=tints, vmin=-most, vmax=most, aspect="auto", interpolation="none")
    if numbered(matrix):
        for (row, column), value in np.ndenumerate(values):
            words = number(float(value)) if np.isfinite(value) else "not finite"
            axes.text(column, row, words, ha="center", va="center", fontsize=9.5, color=ON_COLOUR)
    _name(axes, matrix, values.shape)


def _name(axes: Axes, matrix: Matrix, shape: Any) -> None:
    axes.set_xticks(range(len(matrix.columns)), [plain(name, 18) for name in matrix.columns])
    axes.set_yticks(range(len(matrix.rows)), [plain(name, 24) for name in matrix.rows])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    # Gaps between the cells, for they are numbers side by side and no picture.
    for edge in range(1, shape[1] if shape[1] <= MOST_COLUMNS else 1):
        axes.axvline(edge - 0.5, color="#ffffff", linewidth=1.5)
    for edge in range(1, shape[0] if shape[0] <= MOST_ROWS else 1):
        axes.axhline(edge - 0.5, color="#ffffff", linewidth=1.5)
