"""A comparison as a table and sentences on a terminal."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence

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


# What the columns are called, and which are left out, where the terminal is narrow.
SHORT = {
    "iterations to half base rate": "half after",
    "iterations to half starting cost": "half after",
    "gradient norm at step 0": "gradient",
    "effective units": "units",
}
LEAST = ("initialization", "final cost", "accuracy", "half after", "units")


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the command line what a closed pipe means; Rich would end the process."""
        raise BrokenPipeError


def terminal() -> Console:
    """Return the console to print on, as wide as the terminal."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPED_WIDTH
    return _Console(width=width, highlight=False)


def print_comparison(result: CompareResult) -> None:
    """Print what was run, the table of measurements, and a verdict for each initialization."""
    console = terminal()
    console.print(Text(plain.headline(result)))
    console.print()
    # Ranges or columns that do not fit would be torn across lines: fewer that can be read are better.
    tables = (_full(result), _medians(result), _least(result))
    console.print(next((table for table in tables if _width(console, table) <= console.width), tables[-1]))
    console.print()
    console.print(Text(plain.verdicts(result)))


def _width(console: Console, table: Table) -> int:
    return console.measure(table, options=console.options.update(width=10_000)).maximum


def _full(result: CompareResult) -> Table:
    """Return all measurements; laws and verdicts are sentences and stand elsewhere."""
    headers, rows = _measurements(result)
    return _table(headers, rows, gap=2)


def _medians(result: CompareResult) -> Table:
    headers, rows = _measurements(result)
    short = [SHORT.get(header, header).removeprefix("training ").removeprefix("held-out ") for header in headers]
    medians = [[cell.split(" [")[0] for cell in row] for row in rows]
    return _table(short, medians, gap=1, caption="medians over the seeds; ranges need a wider terminal")


def _least(result: CompareResult) -> Table:
    headers, rows = _measurements(result)
    short = [SHORT.get(header, header).removeprefix("training ").removeprefix("held-out ") for header in headers]
    kept = [index for index, header in enumerate(short) if header in (*LEAST, "R2")]
    medians = [[row[index].split(" [")[0] for index in kept] for row in rows]
    caption = "medians over the seeds; more columns need a wider terminal"
    return _table([short[index] for index in kept], medians, gap=1, caption=caption)


def _measurements(result: CompareResult) -> tuple[list[str], list[list[str]]]:
    headers, rows = table_rows(result)
    kept = [index for index, header in enumerate(headers) if header not in ("law", "verdict")]
    return [headers[index] for index in kept], [[row[index] for index in kept] for row in rows]


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, gap: int, caption: str | None = None) -> Table:
    table = Table(
        box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="bold", caption=caption, caption_justify="left"
    )
    for index, header in enumerate(headers):
        words = textwrap.fill(header, HEADER_WIDTH)
        table.add_column(words, justify="left" if index == 0 else "right", no_wrap=index == 0)
    for row in rows:
        table.add_row(*map(Text, row))
    return table
