"""A grade in plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from symbreak.grade.result import CheckResult, Grade

WIDTH = 100
_MARKS = {"pass": "pass", "warn": "WARN", "fail": "FAIL", "skipped": "skip", "error": "ERROR"}


def text(grade: Grade, *, hidden: bool = False) -> str:
    """Return a headline, a line for each check, and a paragraph for each that does not simply pass."""
    shown = [result for result in grade.results if hidden or result.visibility == "visible"]
    covert = [result for result in grade.results if result not in shown]
    lines = [brief(grade)]
    for function in dict.fromkeys(result.function for result in shown):
        lines += ["", function, *(told(result) for result in shown if result.function == function)]
    if covert:
        lines += ["", _covert(covert)]
    return "\n".join(lines)


def headline(grade: Grade) -> str:
    """Return one line: the name, whether it passes, points.

    >>> headline(Grade("week3.py", (CheckResult("init-runs", "", "initialize_parameters", "pass", points=1, worth=2),)))
    'week3.py: passed, 1 of 2 points'
    """
    return (
        f"{printable(grade.name)}: {'passed' if grade.passed else 'not passed'}, {points(grade.points)} of"
        f" {points(grade.worth)} points"
    )


def brief(grade: Grade) -> str:
    """Return the headline, and what of the code was not run, if there is such a thing."""
    return "\n".join([headline(grade), *map(_wrapped, unrun(grade))])


def unrun(grade: Grade) -> list[str]:
    """Return what kept code from being run, in sentences.

    >>> unrun(Grade("week3.py", (), raised=("NameError: name 'plt' is not defined (line 7: plt.show())",)))
    ["It raised NameError: name 'plt' is not defined (line 7: plt.show())"]
    """
    return [f"It could not be run: {grade.problem}"] * bool(grade.problem) + [f"It raised {r}" for r in grade.raised]


def printable(name: str) -> str:
    """Return a file's name without what could move the cursor of a screen.

    >>> printable("week\x1b[2J3.py")
    'week?[2J3.py'
    """
    return "".join(c if c.isprintable() else "?" for c in name)


def points(value: float) -> str:
    """Write points with at most two decimals.

    >>> points(33.3333333), points(100.0), points(-0.0)
    ('33.33', '100', '0')
    """
    return f"{value + 0.0:.2f}".rstrip("0").rstrip(".")


def told(result: CheckResult) -> str:
    """Return the lines of one check: a single one if it passes."""
    optional = "" if result.required or result.status == "skipped" else " (optional)"
    line = f"  {_MARKS[result.status]:<5} {result.id:<22} {result.title}{optional}"
    parts = [("expected", result.expected), ("got", result.got), ("why", result.why), ("hint", result.hint)]
    if result.status == "pass":
        return line
    return "\n".join([line, *(_wrapped(said, f"{label}:") for label, said in parts if said)])


def _wrapped(said: str, label: str = "") -> str:
    start = f"        {label:<10}" if label else "  "
    return textwrap.fill(said, WIDTH, initial_indent=start, subsequent_indent=" " * len(start))


def _covert(results: Sequence[CheckResult]) -> str:
    holding = sum(result.holds for result in results)
    return f"hidden checks: {holding} of {len(results)} pass"
