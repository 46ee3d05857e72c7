"""A comparison as a table and sentences on a terminal."""

from __future__ import annotations

import shutil
import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

from symbreak.experiments import CompareResult
from symbreak.report import plain, table_rows

# A table that is piped into a file or a pager has no terminal to fit; this many columns hold it unwrapped.
PIPED_WIDTH = 160


def print_comparison(result: CompareResult) -> None:
    """Print what was run, the table of measurements, and a verdict for each initialization."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPED_WIDTH
    console = Console(width=width, highlight=False)
    console.print(Text(plain.headline(result)))
    console.print()
    console.print(_table(result))
    console.print()
    console.print(Text(plain.verdicts(result)))


def _table(result: CompareResult) -> Table:
    """Return the measurements; laws and verdicts are sentences and stand elsewhere."""
    headers, rows = table_rows(result)
    shown = [index for index, header in enumerate(headers) if header not in ("law", "verdict")]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for index in shown:
        table.add_column(headers[index], justify="left" if index == 0 else "right")
    for row in rows:
        table.add_row(*(Text(row[index]) for index in shown))
    return table
