"""Pictures and pages from what was found: an HTML page, a figure for a file, the rows of a table.

Nothing here measures anything: a report draws a frozen result and is the same, byte for byte, whenever it is drawn.
Importing this room loads neither Plotly nor Matplotlib; the functions load what they draw with.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from symbreak.experiments.result import CompareResult
from symbreak.report.files import check_figure_path as check_figure_path
from symbreak.report.files import check_html_path as check_html_path
from symbreak.report.files import check_json_path as check_json_path
from symbreak.report.table import html_table as html_table
from symbreak.report.table import table_rows as table_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "check_figure_path",
    "check_html_path",
    "check_json_path",
    "comparison_figure",
    "comparison_html",
    "html_table",
    "table_rows",
    "write_figure",
    "write_html",
]


def comparison_html(result: CompareResult) -> str:
    """Return one self-contained page: it opens offline and no request leaves it."""
    from symbreak.report.page import comparison_page

    return comparison_page(result)


def comparison_figure(result: CompareResult) -> Figure:
    """Return the one picture of a comparison, a Matplotlib `Figure` of 12 by 6 inches.

    Cost curves of all initializations beside the score of every run, and, for data with two features, what the worst
    and the best of them say over the plane. Matplotlib's global state stays as it is.
    """
    from symbreak.report.plot import comparison_picture

    return comparison_picture(result)


def write_html(result: CompareResult, path: str | os.PathLike[str]) -> None:
    """Write `comparison_html(result)` to `path` (.html, .htm): whole, or not at all.

    Raises:
        InvalidInput: another ending, a folder that does not exist, a place that cannot be written.
    """
    from symbreak.report.files import write_whole

    target = check_html_path(path)
    write_whole(target, comparison_html(result).encode("utf-8"))


def write_figure(result: CompareResult, path: str | os.PathLike[str]) -> None:
    """Write `comparison_figure(result)` to `path` (.png, .svg, .pdf): whole, or not at all.

    Raises:
        InvalidInput: another ending, a folder that does not exist, a place that cannot be written.
    """
    from symbreak.report.files import write_whole
    from symbreak.report.plot import comparison_image

    target = check_figure_path(path)
    write_whole(target, comparison_image(result, kind=target.suffix[1:].lower()))
