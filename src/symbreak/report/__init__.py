"""Pictures and pages from what was found: an HTML page, a figure for a file, the rows of a table.

Nothing here measures anything: a report draws a frozen result and is the same, byte for byte, whenever it is drawn.
Importing this room loads neither Plotly nor Matplotlib; the functions load what they draw with.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from symbreak.experiments.result import CompareResult
from symbreak.report.files import check_figure_path as check_figure_path
from symbreak.report.files import check_html_path as check_html_path
from symbreak.report.files import check_json_path as check_json_path
from symbreak.report.table import html_table as html_table
from symbreak.report.table import table_rows as table_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from symbreak.lesson.audit import Audit
    from symbreak.lesson.claim import Claim
    from symbreak.lesson.figures import Figure as LessonFigure

__all__ = [
    "check_figure_path",
    "check_html_path",
    "check_json_path",
    "comparison_figure",
    "comparison_html",
    "html_table",
    "lesson_chapter",
    "lesson_figure",
    "lesson_html",
    "lesson_images",
    "lesson_notebook",
    "table_rows",
    "write_figure",
    "write_html",
    "write_lesson_figure",
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


def lesson_html(audit: Audit, assignments: Audit | None = None) -> str:
    """Return the audited lesson as one self-contained page: it opens offline and no request leaves it."""
    from symbreak.report.lesson.page import lesson_page

    return lesson_page(audit, assignments)


def lesson_chapter(audit: Audit, *, images: str | None = None) -> str:
    """Return the audited lesson in Markdown; `images` is the folder of its figures as seen from the chapter."""
    from symbreak.report.lesson.chapter import lesson_chapter

    return lesson_chapter(audit, images=images)


def lesson_images(audit: Audit) -> dict[str, bytes]:
    """Return the figures that a chapter links to, SVG by the name of the file."""
    from symbreak.report.drawing.picture import figure_image
    from symbreak.report.lesson.chapter import chapter_figures

    return {name: figure_image(figure, kind="svg") for name, figure in chapter_figures(audit).items()}


def lesson_notebook(claims: Sequence[Claim]) -> str:
    """Return a Jupyter notebook, as the text of its file, whose cells try these claims."""
    from symbreak.report.lesson.notebook import lesson_notebook

    return json.dumps(lesson_notebook(claims), indent=1, ensure_ascii=False) + "\n"


def lesson_figure(figure: LessonFigure) -> Figure:
    """Return a figure of the lesson as a Matplotlib `Figure`: a row of panels for every position of its switch."""
    from symbreak.report.drawing.picture import figure_picture

    return figure_picture(figure)


def write_lesson_figure(figure: LessonFigure, path: str | os.PathLike[str]) -> None:
    """Write `lesson_figure(figure)` to `path` (.png, .svg, .pdf): whole, or not at all.

    Raises:
        InvalidInput: another ending, a folder that does not exist, a place that cannot be written.
    """
    from symbreak.report.drawing.picture import figure_image
    from symbreak.report.files import write_whole

    target = check_figure_path(path)
    write_whole(target, figure_image(figure, kind=target.suffix[1:].lower()))
