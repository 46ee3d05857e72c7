"""The rules of check on a terminal: the list, and the page of one."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from symbreak.diagnosis.rules.rule import Rule
from symbreak.report.terminal import terminal

WIDEST = 100
NEEDS = {"values": "weights", "run": "an input", "loss": "y and a loss", "builder": "a builder"}


def print_rules(rules: Sequence[Rule]) -> None:
    """Print slug, summary and what must be given."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("rule", no_wrap=True)
    table.add_column("says")
    table.add_column("needs", no_wrap=True)
    for rule in rules:
        table.add_row(Text(rule.slug), Text(rule.summary), Text(NEEDS[rule.needs]))
    terminal().print(table)


def print_page(page: str) -> None:
    """Print a page of Markdown as a terminal shows it."""
    console = terminal()
    console.print(Markdown(page, code_theme="ansi_light"), width=min(console.width, WIDEST))
