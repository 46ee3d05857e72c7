"""A comparison as a table and sentences on a terminal."""

from __future__ import annotations

import shutil
import sys
import textwrap

from rich.console import Console
from rich.table import Table
from rich.text import Text

from symbreak.experiments.result import CompareResult
from symbreak.report import plain
from symbreak.report.table import table_rows

# A table that is piped into a file or a pager has no terminal to fit; this many columns hold it unwrapped.
PIPED_WIDTH = 160
# Long headers are broken so that no column is wider than its numbers.
HEADER_WIDTH = 14


def print_comparison(result: CompareResult) -> None:
    """Print what was run, the table of measurements, and a verdict for each initialization."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPED_WIDTH
    console = Console(width=width, highlight=False)
    console.print(Text(plain.headline(result)))
    console.print()
    table = _table(result, compact=False)
    # Ranges that do not fit would be torn across lines: medians alone are easier to read.
    fits = console.measure(table, options=console.options.update(width=10_000)).maximum <= width
    console.print(table if fits else _table(result, compact=True))
    console.print()
    console.print(Text(plain.verdicts(result)))


def _table(result: CompareResult, *, compact: bool) -> Table:
    """Return the measurements; laws and verdicts are sentences and stand elsewhere."""
    headers, rows = table_rows(result)
    shown = [index for index, header in enumerate(headers) if header not in ("law", "verdict")]
    caption = (
        "medians over the seeds; ranges need a wider terminal" if compact and len(result.rows[0].runs) > 1 else None
    )
    padding = (0, 1 if compact else 2, 0, 0)
    table = Table(
        box=None, pad_edge=False, padding=padding, header_style="bold", caption=caption, caption_justify="left"
    )
    for index in shown:
        header = textwrap.fill(headers[index], HEADER_WIDTH)
        table.add_column(header, justify="left" if index == 0 else "right", no_wrap=index == 0, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_median(row[index]) if compact else row[index]) for index in shown))
    return table


def _median(cell: str) -> str:
    return cell.split(" [")[0]
