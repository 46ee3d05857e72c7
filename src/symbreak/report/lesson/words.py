"""Words and marks of the audited lesson that the page, the terminal, the notebook and the chapter share."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from symbreak.lesson.assignments import Assignment
from symbreak.lesson.catalogue import SECTIONS
from symbreak.lesson.claim import Case, Finding, Number, Verdict
from symbreak.report.format import short
from symbreak.report.html import Html, element, escape

TITLES = {**SECTIONS, "assignments": "The published experiments"}
"""Headings of all that is shown, in its order."""

VERDICTS: tuple[Verdict, ...] = ("true", "true if", "false", "convention")
MARKS: dict[Verdict, str] = {"true": "✓", "true if": "◐", "false": "✗", "convention": "≡"}
"""A verdict is never told by its colour alone."""

_CODE = re.compile(r"`([^`]+)`")


def by_section(findings: Sequence[Finding]) -> list[tuple[str, list[Finding]]]:
    """Return the sections that have findings, in the lesson's order."""
    return [
        (name, found)
        for name in TITLES
        if (found := [finding for finding in findings if finding.claim.section == name])
    ]


def counts(findings: Sequence[Finding]) -> dict[Verdict, int]:
    """Return how often each verdict was given."""
    return {verdict: sum(finding.verdict == verdict for finding in findings) for verdict in VERDICTS}


def deciding(finding: Finding) -> tuple[Case, ...]:
    """Return the cases that a reader must know: all of them, unless the claim held in all."""
    return finding.evidence.cases if finding.verdict in ("true if", "false") else ()


def condition(finding: Finding) -> str:
    """Return the condition as a sentence, or "" where there is none.

    It holds "if ..." and fails "if ...": the words of a case fit both.
    """
    lead = {"true if": "If ", "false": "Not if "}.get(finding.verdict, "")
    return f"{lead}{finding.condition}." if finding.condition else ""


def source(finding: Finding) -> str:
    """Return where published numbers beside ours come from, as a sentence, or ""."""
    return f"Published numbers: {finding.source}." if isinstance(finding, Assignment) else ""


def measured(value: Number | None) -> str:
    """Write a measured number for a reader.

    >>> measured(True), measured(200), measured(0.69314718), measured(float("nan"))
    ('yes', '200', '0.6931', 'not finite')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or not math.isfinite(value):
        return "not finite"
    return str(value) if isinstance(value, int) else short(value, 4)


def prose(text: str) -> Html:
    """Return text as HTML, with what stands between backquotes as code.

    >>> prose("`W1` < 1")
    '<code>W1</code> &lt; 1'
    """
    parts = _CODE.split(text)
    return Html("".join(element("code", part) if place % 2 else escape(part) for place, part in enumerate(parts)))


def bare(text: str) -> str:
    """Return text without the backquotes around code.

    >>> bare("`W1` is 0")
    'W1 is 0'
    """
    return _CODE.sub(r"\1", text)
