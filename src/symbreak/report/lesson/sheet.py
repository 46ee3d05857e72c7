"""The figure of a claim: its own, or else its cases and numbers on one sheet."""

from __future__ import annotations

import textwrap

from symbreak.lesson.claim import Finding
from symbreak.lesson.figures import Figure, Panel, Step, Steps, Table, still
from symbreak.report.lesson.words import MARKS, bare, measured

LONGEST = 76
"""Characters of a title that fit above the two panels."""


def figure_of(finding: Finding) -> Figure:
    """Return what `--plot` draws: every claim has something to show, if only what its verdict follows from."""
    return finding.evidence.figure or _sheet(finding)


def _sheet(finding: Finding) -> Figure:
    claim, evidence = finding.claim, finding.evidence
    steps = tuple(Step(f"if {bare(case.when)}", case.holds) for case in evidence.cases)
    rows = tuple((name.replace("_", " "), measured(value)) for name, value in evidence.measured.items())
    panels: tuple[Panel, ...] = (
        Steps(f"{MARKS[finding.verdict]} {finding.verdict}", steps),
        Table("measured", ("what", "number"), rows),
    )
    return still(
        textwrap.shorten(f"{claim.id}: {bare(claim.claim)}", LONGEST, placeholder=" ..."),
        f"{bare(claim.claim)} The cases in which it was tried, and the numbers that were measured.",
        *panels,
    )
