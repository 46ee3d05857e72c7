"""The audited lesson as one page: a map of all verdicts, then claim by claim."""

from __future__ import annotations

from collections.abc import Sequence

from symbreak._version import __version__
from symbreak.lesson.audit import Audit
from symbreak.lesson.catalogue import CLAIMS
from symbreak.lesson.claim import Finding, Verdict
from symbreak.report.format import plural
from symbreak.report.frame import asset, block, document
from symbreak.report.html import Html, element, join
from symbreak.report.lesson.card import badge, card
from symbreak.report.lesson.figure import moving_figure, open_figure
from symbreak.report.lesson.words import MARKS, TITLES, VERDICTS, by_section, condition, counts, prose

MEANINGS: dict[Verdict, str] = {
    "true": "it held in every case that was tried",
    "true if": "it held in some cases and failed in others: the lesson leaves a condition out",
    "false": "it held in none",
    "convention": "a name or a definition, and the software keeps to it",
}


def lesson_page(audit: Audit, assignments: Audit | None = None) -> str:
    """Return the page as text; `assignments` are shown after the lesson."""
    findings = (*audit.findings, *(assignments.findings if assignments else ()))
    sections = [_section(name, found) for name, found in by_section(findings)]
    main = block("main", _header(findings), _map(findings), _exceptions(findings), _filter(findings), *sections)
    return document(
        title="The lesson, audited",
        body=join(main, _footer(findings)),
        styles=("style.css", "lesson.css"),
        scripts=("copy.js", "lesson.js"),
    )


def lesson_fragment(audit: Audit) -> Html:
    """Return the findings as HTML for a notebook: it brings its style along and needs no script."""
    style = element("style", Html(f"@scope (.symbreak-lesson) {{\n{asset('lesson.css')}}}\n{asset('notebook.css')}"))
    cards = [
        card(finding, lambda figure, key: open_figure(figure, key=key), copyable=False) for finding in audit.findings
    ]
    return element("div", style, *cards, class_="symbreak-lesson")


def _header(findings: Sequence[Finding]) -> Html:
    said = [
        element("div", element("dt", badge(verdict), Html(" "), str(amount)), element("dd", MEANINGS[verdict]))
        for verdict, amount in counts(findings).items()
        if amount
    ]
    lead = (
        f"{plural(len(findings), 'claim')} of the lesson on random initialization, each tried by an experiment. "
        "A verdict follows from the cases that were tried and from nothing else; every number here was measured by "
        "the command below it."
    )
    return block(
        "header",
        element("p", "symbreak lesson", class_="kind"),
        element("h1", "The lesson, audited"),
        element("p", lead, class_="lead"),
        block("dl", *said, class_="setup"),
    )


def _map(findings: Sequence[Finding]) -> Html:
    """Show every claim as a chip with its mark: the contents and the outcome at one look."""
    rows = [_map_row(name, found) for name, found in by_section(findings)]
    heading = element("h2", "Contents", id="contents-heading")
    return block("nav", heading, *rows, class_="map", id="contents", aria_labelledby="contents-heading")


def _map_row(name: str, findings: Sequence[Finding]) -> Html:
    chips = [
        element(
            "a",
            element("span", MARKS[finding.verdict], aria_hidden="true"),
            finding.claim.id,
            href=f"#{finding.claim.id}",
            class_="chip",
            data_verdict=finding.verdict,
            aria_label=f"{finding.claim.id}: {finding.verdict}",
        )
        for finding in findings
    ]
    return element("div", element("a", TITLES[name], href=f"#{name}"), element("span", *chips, class_="chips"))


def _exceptions(findings: Sequence[Finding]) -> Html:
    """List what a teacher would want to correct."""
    doubtful = [finding for finding in findings if finding.verdict in ("true if", "false") and not finding.claim.see]
    if not doubtful:
        return Html()
    items = [
        element(
            "li",
            badge(finding.verdict),
            element(
                "span",
                element("a", finding.claim.id, href=f"#{finding.claim.id}"),
                Html(" "),
                prose(finding.claim.claim),
                element("small", prose(condition(finding))),
            ),
        )
        for finding in sorted(doubtful, key=lambda finding: finding.verdict != "false")
    ]
    summary = element("summary", f"{plural(len(items), 'claim')} not simply true")
    return element("details", summary, element("ul", *items), class_="exceptions", id="exceptions")


def _filter(findings: Sequence[Finding]) -> Html:
    amounts = counts(findings)
    every = element("button", f"all {len(findings)}", type="button", data_filter="", aria_pressed="true")
    buttons = [
        element(
            "button",
            element("span", MARKS[verdict], aria_hidden="true"),
            f" {verdict} {amounts[verdict]}",
            type="button",
            data_filter=verdict,
            data_verdict=verdict,
            aria_pressed="false",
        )
        for verdict in VERDICTS
        if amounts[verdict]
    ]
    shown = element("span", "", id="shown", role="status", class_="visually-hidden")
    top = element("a", "contents", href="#contents")
    return element(
        "div", every, *buttons, shown, top, class_="legend filter", role="group", aria_label="Show claims by verdict"
    )


def _section(name: str, findings: Sequence[Finding]) -> Html:
    cards = [card(finding, lambda figure, key: moving_figure(figure, key=key)) for finding in findings]
    heading = element("h2", TITLES[name], id=f"{name}-heading")
    return block("section", heading, *cards, id=name, aria_labelledby=f"{name}-heading")


def _footer(findings: Sequence[Finding]) -> Html:
    again = element("code", f"{_command(findings)} --html lesson.html")
    return element("footer", element("p", again, f" makes this page again. Made by symbreak {__version__}."))


def _command(findings: Sequence[Finding]) -> str:
    """Return the one command that tries all of these."""
    commands = list(dict.fromkeys(finding.command for finding in findings))
    if len(commands) == len(CLAIMS):
        return "symbreak lesson --all"
    return (
        " ".join([commands[0], *(command.split()[-1] for command in commands[1:])]) if commands else "symbreak lesson"
    )
