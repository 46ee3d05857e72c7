"""One claim with all that belongs to it: verdict, condition, explanation, figure, numbers, command."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symbreak.lesson.claim import Case, Finding, Verdict
from symbreak.lesson.figures import Figure
from symbreak.report.format import plural
from symbreak.report.html import Html, element
from symbreak.report.lesson.words import MARKS, deciding, measured, prose, source

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
    heading = element("h3", name, Html(" "), element("span", prose(claim.claim)))
    rest = [_pointer(claim.see)] if claim.see else _evidence(finding, draw, copyable)
    return element(
        "article", heading, _verdict(finding), *rest, class_="claim", id=claim.id, data_verdict=finding.verdict
    )


def badge(verdict: Verdict) -> Html:
    """Return a verdict as a word with its mark."""
    mark = element("span", MARKS[verdict], aria_hidden="true")
    return element("span", mark, Html(" "), verdict, class_="badge", data_verdict=verdict)


def _verdict(finding: Finding) -> Html:
    return element("div", badge(finding.verdict), _cases(deciding(finding)), class_="verdict-line")


def _cases(cases: Sequence[Case]) -> Html | None:
    """List under which conditions the claim held and under which it failed."""
    if not cases:
        return None
    items = [
        element(
            "li",
            element("span", "✓" if case.holds else "✗", class_="mark", aria_hidden="true"),
            element("span", "holds if " if case.holds else "fails if ", prose(case.when)),
            class_="yes" if case.holds else "no",
        )
        for case in cases
    ]
    return element("ul", *items, class_="cases")


def _pointer(id: str) -> Html:
    return element("p", "This says what ", element("a", id, href=f"#{id}"), " says; the experiment is told there.")


def _evidence(finding: Finding, draw: Draw, copyable: bool) -> list[Html]:
    evidence, id = finding.evidence, finding.claim.id
    published = source(finding)
    return [
        element("p", prose(evidence.explanation), class_="explanation"),
        *([element("p", element("small", published))] if published else []),
        *([draw(evidence.figure, id)] if evidence.figure else []),
        element("div", _numbers(finding), _command(finding, copyable), class_="proof"),
    ]


def _numbers(finding: Finding) -> Html:
    """Tell what was tried, where that is not told above, and what was measured."""
    evidence = finding.evidence
    rows = [
        element("tr", element("th", name, scope="row"), element("td", measured(value), title=str(value)))
        for name, value in evidence.measured.items()
    ]
    tried = None if deciding(finding) else _cases(evidence.cases)
    told = [plural(len(evidence.cases), "case")] if tried else []
    summary = element("summary", " and ".join([*told, plural(len(rows), "number")]))
    return element("details", summary, tried, element("table", element("tbody", *rows)), class_="numbers")


def _command(finding: Finding, copyable: bool) -> Html:
    key = f"{finding.claim.id}-command"
    copy = element("button", "Copy", type="button", data_copy=key, aria_label=f"Copy {finding.command}")
    return element("p", element("code", finding.command, id=key), copy if copyable else None, class_="again")
