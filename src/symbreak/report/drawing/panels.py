"""Each kind of panel: how large it is and who draws it."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from symbreak.lesson.figures import Bars, Chart, Diagram, Matrix, Panel, Steps, Surface, Table
from symbreak.report.drawing.bars import draw_bars, lying
from symbreak.report.drawing.chart import draw_chart
from symbreak.report.drawing.diagram import MOST_UNITS, draw_diagram, layer_sizes
from symbreak.report.drawing.listing import draw_steps, draw_table, steps_size, table_size
from symbreak.report.drawing.matrix import draw_matrix, numbered
from symbreak.report.drawing.peers import Setting
from symbreak.report.drawing.surface import draw_surface

Size = tuple[float, float]


def size(panel: Panel) -> Size:
    """Return width and height in inches, without the title."""
    if isinstance(panel, Table):
        return table_size(panel)
    if isinstance(panel, Steps):
        return steps_size(panel)
    if isinstance(panel, Surface):
        return 3.3, 2.9
    if isinstance(panel, Diagram):
        sizes = layer_sizes(panel)
        return min(1.6 + 1.55 * len(sizes[1:]), 7.0), 2.1 + 0.24 * min(max(sizes, default=1), MOST_UNITS)
    if isinstance(panel, Matrix):
        return _matrix_size(panel)
    if isinstance(panel, Bars) and lying(panel):
        return 4.6, max(1.6, 0.6 + 0.2 * np.asarray(panel.heights).size + 0.1 * len(panel.names))
    return 4.6, 2.9


def draw(axes: Axes, panel: Panel, setting: Setting, *, smooth: str = "bilinear") -> None:
    """Draw a panel without its title and legend; `smooth` is how a surface goes from value to value."""
    if isinstance(panel, Surface):
        draw_surface(axes, panel, setting, smooth=smooth)
    elif isinstance(panel, Table):
        draw_table(axes, panel)
    elif isinstance(panel, Steps):
        draw_steps(axes, panel)
    else:
        drawers: dict[type, Any] = {Chart: draw_chart, Bars: draw_bars, Diagram: draw_diagram, Matrix: draw_matrix}
        drawers[type(panel)](axes, panel, setting)


def _matrix_size(matrix: Matrix) -> Size:
    rows, columns = np.atleast_2d(matrix.values).shape
    named = 0.085 * min(24, max(map(len, matrix.rows), default=0))
    above = 0.3 if matrix.columns else 0.05
    if not numbered(matrix):
        return named + 4.0, above + min(3.2, max(1.2, 0.12 * rows))
    return named + max(1.2, 0.85 * columns), above + 0.36 * max(2, rows)
