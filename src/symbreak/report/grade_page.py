"""Grades as one page: a table of submissions, and for each its checks, the failed ones with cause and hint."""

from __future__ import annotations

import math
from collections.abc import Sequence

from symbreak.grade.result import CheckResult, Grade
from symbreak.grade.text import points, unrun
from symbreak.report.frame import block, document
from symbreak.report.html import Html, element, join

_WORDS = {"warn": "warning", "fail": "fails", "skipped": "skipped", "error": "error"}
TITLE = "Graded: the week on one hidden layer"


def grades_page(grades: Sequence[Grade], *, hidden: bool = False) -> str:
    """Return a page that opens offline.

    Args:
        grades: one for each submission.
        hidden: whether to show hidden checks, too.
    """
    overview = [_overview(grades)] if len(grades) > 1 else []
    sections = [_submission(number, grade, hidden) for number, grade in enumerate(grades, 1)]
    header = block(
        "header",
        element("p", "symbreak grade", class_="kind"),
        element("h1", TITLE if len(grades) > 1 else f"Graded: {grades[0].name}"),
    )
    body = block("main", header, *overview, *sections)
    return document(title=TITLE, body=body, styles=("style.css", "grade.css"), scripts=())


def _overview(grades: Sequence[Grade]) -> Html:
    head = element("tr", *(element("th", name, scope="col") for name in ("submission", "result", "points", "fails")))
    rows = [_overview_row(number, grade) for number, grade in enumerate(grades, 1)]
    passed = sum(grade.passed for grade in grades)
    table = block("table", block("thead", head), block("tbody", *rows))
    return block(
        "section",
        element("h2", f"{passed} of {len(grades)} submissions pass"),
        element("div", table, class_="scroll"),
    )


def _overview_row(number: int, grade: Grade) -> Html:
    fails = [result.id for result in grade.results if result.required and result.status in ("fail", "error")]
    return element(
        "tr",
        element("th", element("a", grade.name, href=f"#submission-{number}"), scope="row"),
        element("td", _verdict(grade)),
        element("td", f"{points(grade.points)} of {points(grade.worth)}", class_="number"),
        element("td", ", ".join(dict.fromkeys(fails)) or "none"),
    )


def _submission(number: int, grade: Grade, hidden: bool) -> Html:
    shown = [result for result in grade.results if hidden or result.visibility == "visible"]
    covert = len(grade.results) - len(shown)
    holding = sum(result.holds for result in grade.results if result not in shown)
    notes = [
        *(element("p", said, class_="notice", role="note") for said in unrun(grade)),
        element("p", f"Hidden checks: {holding} of {covert} pass.", class_="how") if covert else None,
    ]
    return block(
        "section",
        element("h2", grade.name),
        element("p", f"{_verdict(grade)}: {points(grade.points)} of {points(grade.worth)} points", class_="lead"),
        *(note for note in notes if note),
        *(_function(name, shown) for name in dict.fromkeys(result.function for result in shown)),
        id=f"submission-{number}",
    )


def _function(name: str, results: Sequence[CheckResult]) -> Html:
    head = element(
        "tr", *(element("th", said, scope="col") for said in ("check", "result", "points", "what was found"))
    )
    own = [result for result in results if result.function == name]
    rows = [_row(result) for result in own if result.status != "pass"]
    passing = [result for result in own if result.status == "pass"]
    table = block("table", block("thead", head), block("tbody", *rows), class_="checks")
    return join(element("h3", name), table if rows else Html(), _passing(passing))


def _passing(results: Sequence[CheckResult]) -> Html:
    """Return one line for what holds; what does not is what a reader came for."""
    earned = points(math.fsum(result.points for result in results))
    titles = "; ".join(result.title for result in results)
    return element("p", f"Passes ({earned} points): {titles}.", class_="how") if results else Html()


def _row(result: CheckResult) -> Html:
    return element(
        "tr",
        element("th", result.title, element("small", result.id), scope="row"),
        element("td", _WORDS[result.status], data_status=result.status),
        element("td", f"{points(result.points)} of {points(result.worth)}" if result.worth else "", class_="number"),
        element("td", _found(result)),
    )


def _found(result: CheckResult) -> Html:
    parts = [("expected", result.expected), ("got", result.got), ("why", result.why), ("hint", result.hint)]
    terms = [join(element("dt", term), element("dd", said)) for term, said in parts if said]
    return element("dl", *terms)


def _verdict(grade: Grade) -> str:
    return "passed" if grade.passed else "could not be run" if grade.problem else "not passed"
