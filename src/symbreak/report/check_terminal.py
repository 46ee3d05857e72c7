"""A checked model on a terminal, and the same lines as plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import NamedTuple

from rich.text import Text

from symbreak.report.check_words import (
    MARKS,
    PARAGRAPH,
    SYNTHETIC,
    Data,
    asides,
    code_lines,
    findings,
    headline,
    numbers,
    place,
    sentence,
    state,
)

WIDEST = 100
"""Columns of running text; longer lines are hard to follow."""

COLOURS = {"error": "bold red", "warning": "bold yellow", "info": "bold cyan"}
STATES = {"ok": "green", "found": "bold", "skipped": "dim"}


class Line(NamedTuple):
    """A line and how it looks."""

    text: str
    style: str = ""


def print_report(data: Data, *, show_suppressed: bool = False) -> None:
    """Print one line for each check, then each finding.

    Args:
        data: `Report.to_json()`.
        show_suppressed: whether findings that were set aside are told as well.
    """
    from symbreak.report.terminal import terminal

    console = terminal()
    for line in _lines(data, min(console.width, WIDEST), show_suppressed):
        console.print(Text(line.text, style=line.style), soft_wrap=True)


def plain_report(data: Data, *, show_suppressed: bool = False) -> str:
    """Return the same lines without colours; for `str(report)`, a failing test and files."""
    return "\n".join(line.text for line in _lines(data, WIDEST, show_suppressed))


def _lines(data: Data, width: int, show_suppressed: bool) -> Iterator[Line]:
    """Yield all lines; none of them is one that GitHub's runner, which reads logs, would take for a command."""
    for line in _all_lines(data, width, show_suppressed):
        text = line.text.replace("##[", "## [")
        command = text.lstrip().startswith("::")
        yield Line(text.replace("::", ": :", 1) if command else text, line.style)


def _all_lines(data: Data, width: int, show_suppressed: bool) -> Iterator[Line]:
    yield from _wrapped(headline(data), width, "bold")
    yield Line("")
    longest = max((len(rule["rule"]) for rule in data["rules"]), default=0)
    for rule in data["rules"]:
        yield _check(rule, longest)
    for finding in findings(data):
        yield Line("")
        yield from _finding(finding, width)
    if show_suppressed:
        for finding in data["suppressed"]:
            yield Line("")
            yield from _finding(finding, width, reason=finding["reason"])
    yield from _closing(data, width, show_suppressed)


def _check(rule: Data, longest: int) -> Line:
    came, rest = state(rule)
    told = f"skipped: {rest}" if came == "skipped" else f"{came:<8}{rest}".rstrip()
    return Line(f"{rule['rule']:<{longest}}  {told}", STATES[came])


def _finding(finding: Data, width: int, reason: str = "") -> Iterator[Line]:
    severity = finding["severity"]
    aside = "suppressed " if reason else ""
    title = f"{MARKS[severity]} {aside}{severity}: {finding['rule']} ({finding['status']})"
    yield Line(title, COLOURS[severity])
    yield from _wrapped(sentence(finding["says"]), width, "bold", indent="  ")
    measured = "; ".join(f"{name} {value}" for name, value in numbers(finding["measured"]))
    parts = (
        ("reason", reason),
        ("where", place(finding["where"])),
        ("measured", measured),
        ("expected", finding["expected"]),
        ("why", finding["why"]),
        ("note", SYNTHETIC if finding["synthetic"] else ""),
    )
    for name, text in parts:
        if text:
            yield from _wrapped(f"{name:<9} {sentence(text, PARAGRAPH)}", width, indent="  ", hang=12)
    for number, line in enumerate(code_lines(finding["fix"])):
        yield Line(f"  {'' if number else 'fix':<9} {line}".rstrip(), "green")


def _closing(data: Data, width: int, show_suppressed: bool) -> Iterator[Line]:
    told = asides(data)
    if told or data["vanished"] or findings(data):
        yield Line("")
    if told:
        hint = "; --show-suppressed tells them" if data["suppressed"] and not show_suppressed else ""
        yield from _wrapped(f"set aside: {told}{hint}", width)
    for entry in data["vanished"]:
        yield from _wrapped(f"vanished: {sentence(entry)} (no longer found: write the baseline anew)", width)
    if findings(data):
        slugs = len({finding["rule"] for finding in findings(data)})
        first = findings(data)[0]["rule"]
        more = f" (so for all {slugs} rules)" if slugs > 1 else ""
        yield Line(f"symbreak explain {first} tells more{more}", "dim")


def _wrapped(text: str, width: int, style: str = "", *, indent: str = "", hang: int = 0) -> Iterator[Line]:
    further = " " * (hang or len(indent))
    for line in textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=further, break_on_hyphens=False):
        yield Line(line, style)
