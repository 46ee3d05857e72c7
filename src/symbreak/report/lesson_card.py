"""One claim with all that belongs to it: verdict, condition, explanation, figure, numbers, command."""

from __future__ import annotations

from collections.abc import Callable

from symbreak.lesson.claim import Finding, Verdict
from symbreak.lesson.figures import Figure
from symbreak.report.html import Html, element
from symbreak.report.lesson_words import MARKS, condition, measured, prose

Draw = Callable[[Figure, str], Html]


def card(finding: Finding, draw: Draw, *, copyable: bool = True) -> Html:
    """Return the claim as an article; a takeaway that says what another claim says leads there instead.

    Args:
        finding: what is shown.
        draw: gives the HTML of a figure and its key.
        copyable: whether there is a script that copies the command.
    """
    claim = finding.claim
    name = element("a", claim.id, href=f"#{claim.id}", class_="id")
    heading = element("h3", name, Html(" "), prose(claim.claim))
    rest = [_pointer(claim.see)] if claim.see else _evidence(finding, draw, copyable)
    return element(
        "article", heading, _verdict(finding), *rest, class_="claim", id=claim.id, data_verdict=finding.verdict
    )


def badge(verdict: Verdict) -> Html:
    """Return a verdict as a word with its mark."""
    mark = element("span", MARKS[verdict], aria_hidden="true")
    return element("span", mark, Html(" "), verdict, class_="badge", data_verdict=verdict)


def _verdict(finding: Finding) -> Html:
    text = condition(finding)
    return element("p", badge(finding.verdict), Html(" "), prose(text) if text else None, class_="verdict-line")


def _pointer(id: str) -> Html:
    return element("p", "This says what ", element("a", id, href=f"#{id}"), " says; the experiment is told there.")


def _evidence(finding: Finding, draw: Draw, copyable: bool) -> list[Html]:
    evidence, id = finding.evidence, finding.claim.id
    return [
        element("p", prose(evidence.explanation), class_="explanation"),
        *([draw(evidence.figure, id)] if evidence.figure else []),
        *([_numbers(finding)] if evidence.measured else []),
        _command(finding, copyable),
    ]


def _numbers(finding: Finding) -> Html:
    rows = [
        element("tr", element("th", name, scope="row"), element("td", measured(value), title=str(value)))
        for name, value in finding.evidence.measured.items()
    ]
    table = element("table", element("tbody", *rows))
    amount = f"{len(rows)} measured {'number' if len(rows) == 1 else 'numbers'}"
    return element("details", element("summary", amount), table, class_="numbers")


def _command(finding: Finding, copyable: bool) -> Html:
    key = f"{finding.claim.id}-command"
    copy = element("button", "Copy", type="button", data_copy=key, aria_label=f"Copy {finding.command}")
    return element("p", element("code", finding.command, id=key), copy if copyable else None, class_="again")
