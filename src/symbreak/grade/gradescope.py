"""A grade as Gradescope's results.json: https://gradescope-autograders.readthedocs.io/en/latest/specs/"""

from __future__ import annotations

from typing import Any

from symbreak.grade.result import CheckResult, Grade
from symbreak.grade.text import headline, told, unrun

_DIGITS = 4
_STATUS = {True: "passed", False: "failed"}


def gradescope(grade: Grade) -> dict[str, Any]:
    """Return the content of results.json: a test for each check that applies, with its points and visibility.

    The score of all is said too, for Gradescope would add up rounded ones. Warnings pass, and say so in their output.
    """
    shown = [result for result in grade.results if result.worth or result.status != "skipped"]
    return {
        "score": round(grade.points, _DIGITS),
        "output": "\n".join([headline(grade), *unrun(grade)]),
        "output_format": "text",
        "stdout_visibility": "hidden",
        "visibility": "visible",
        "tests": [_test(result) for result in shown],
        "extra_data": {"schema": "symbreak/grade/1", "passed": grade.passed},
    }


def _test(result: CheckResult) -> dict[str, Any]:
    return {
        "name": f"{result.function}: {result.title}",
        "number": result.id,
        "score": round(result.points, _DIGITS),
        "max_score": round(result.worth, _DIGITS),
        "status": _STATUS[result.holds],
        "output": told(result),
        "output_format": "text",
        "visibility": result.visibility,
        "tags": [result.id, result.function],
    }
