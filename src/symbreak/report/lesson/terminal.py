"""The lesson's claims and findings on a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from symbreak.lesson.audit import Audit
from symbreak.lesson.catalogue import SECTIONS
from symbreak.lesson.claim import Claim, Finding, Verdict
from symbreak.report.html import printable
from symbreak.report.lesson.words import (
    MARKS,
    TITLES,
    VERDICTS,
    bare,
    by_section,
    condition,
    counts,
    deciding,
    measured,
    source,
)
from symbreak.report.terminal import terminal

WIDEST = 100
"""Columns of running text; longer lines are hard to follow."""

COLOURS: dict[Verdict, str] = {"true": "green", "true if": "yellow", "false": "red", "convention": "cyan"}


def print_claims(claims: Sequence[Claim]) -> None:
    """List the claims by section; verdicts are known only after a run, so say how to run."""
    console = terminal()
    for section, title in SECTIONS.items():
        here = [claim for claim in claims if claim.section == section]
        if here:
            _list(console, title, [(claim.id, Text(_clean(claim.claim))) for claim in here])
    hint = "symbreak lesson R8 tries one claim and explains; symbreak lesson --all tries all of them."
    console.print(Text(hint))


def print_findings(audit: Audit) -> None:
    """Explain each finding: claim, verdict, condition, explanation, numbers."""
    console = terminal()
    for place, finding in enumerate(audit.findings):
        if place:
            console.print()
        _explain(console, finding)


def print_summary(audit: Audit) -> None:
    """Print a line for each claim, and how often each verdict was given."""
    console = terminal()
    for section, findings in by_section(audit.findings):
        _list(console, TITLES[section], [(finding.claim.id, _line(finding)) for finding in findings])
    amounts = counts(audit.findings)
    total = ", ".join(f"{amounts[verdict]} {verdict}" for verdict in VERDICTS)
    console.print(Text(f"{len(audit.findings)} claims: {total}"))


def _list(console: Console, title: str, lines: Sequence[tuple[str, Text]]) -> None:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    for id, line in lines:
        table.add_row(Text(id), line)
    console.print(Text(title, style="bold"))
    console.print(table)
    console.print()


def _line(finding: Finding) -> Text:
    text = _clean(condition(finding))
    return Text.assemble(_verdict(finding), f"  {_clean(finding.claim.claim)}", f"\n{text}" if text else "")


def _explain(console: Console, finding: Finding) -> None:
    claim, evidence = finding.claim, finding.evidence
    _say(console, f"{claim.id}  {claim.claim}", style="bold")
    console.print(Text.assemble(_verdict(finding)))
    for case in deciding(finding):
        _say(console, f"{'✓ holds' if case.holds else '✗ fails'} if {case.when}", indent="  ")
    console.print()
    _say(console, evidence.explanation)
    if source(finding):
        _say(console, source(finding))
    if evidence.measured:
        console.print()
        console.print(Padding(_numbers(finding), (0, 0, 0, 2), expand=False))
    console.print()
    drawing = "--html FILE shows" if source(finding) else f"--plot {claim.id}.png draws"
    title = evidence.figure.title if evidence.figure else "its cases and numbers"
    _say(console, f"{finding.command} {drawing} {title!r}")


def _numbers(finding: Finding) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    for name, value in finding.evidence.measured.items():
        table.add_row(Text(printable(name)), Text(measured(value)))
    return table


def _verdict(finding: Finding) -> tuple[str, str]:
    return f"{MARKS[finding.verdict]} {finding.verdict}", f"bold {COLOURS[finding.verdict]}"


def _say(console: Console, text: str, *, style: str = "", indent: str = "") -> None:
    width = min(console.width, WIDEST)
    lines = textwrap.fill(_clean(text), width, initial_indent=indent, subsequent_indent=2 * indent)
    console.print(Text(lines, style=style))


def _clean(text: str) -> str:
    return printable(bare(" ".join(text.split())))
