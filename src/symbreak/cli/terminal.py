"""A comparison as a table and sentences on a terminal."""

from __future__ import annotations

import shutil
import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

from symbreak import report
from symbreak.experiments import CompareResult

# A table that is piped into a file or a pager has no terminal to fit; this many columns hold it unwrapped.
PIPED_WIDTH = 140


def print_comparison(result: CompareResult) -> None:
    """Print what was run, the table of measurements, and a verdict for each initialization."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPED_WIDTH
    console = Console(width=width, highlight=False)
    console.print(Text(report.summary(result)))
    headers, rows = report.table_rows(result)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for index, header in enumerate(headers[:-1]):
        table.add_column(header, justify="left" if index == 0 else "right")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row[:-1]))
    console.print()
    console.print(table)
    console.print()
    name = max(len(row[0]) for row in rows)
    for row in rows:
        console.print(Text(f"{row[0]:<{name}}  {row[-1]}"))
