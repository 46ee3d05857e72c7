"""The audited lesson as a chapter in Markdown: the same text whenever it is written, for no run takes part in it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from symbreak.lesson.audit import Audit
from symbreak.lesson.claim import Finding
from symbreak.lesson.figures import Figure
from symbreak.report.format import plural
from symbreak.report.html import printable
from symbreak.report.lesson.words import MARKS, TITLES, VERDICTS, by_section, counts, deciding, source

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|$&~])")
_CODE = re.compile(r"(`[^`]+`)")


def lesson_chapter(audit: Audit, *, images: str | None = None) -> str:
    """Return the chapter.

    Args:
        audit: the findings.
        images: where the figures lie, seen from the chapter, such as "images/lesson"; no figures are linked if None.
            `chapter_figures` says which there are.
    """
    parts = ["# The lesson, audited", _lead(audit.findings)]
    for section, findings in by_section(audit.findings):
        parts += [f"## {TITLES[section]}", *(_claim(finding, images) for finding in findings)]
    return "\n\n".join(parts) + "\n"


def chapter_figures(audit: Audit) -> dict[str, Figure]:
    """Return the figures that a chapter links to, by the names of their files."""
    found = {finding.claim.id: finding.evidence.figure for finding in audit.findings if not finding.claim.see}
    return {f"{id}.svg": figure for id, figure in found.items() if figure is not None}


def escape(text: str) -> str:
    r"""Return text as Markdown that shows exactly this text; what stands between backquotes is code.

    >>> escape("a*b < `W1*X`")
    'a\\*b \\< `W1*X`'
    """
    parts = _CODE.split(printable(" ".join(text.split())))
    joined = "".join(part if place % 2 else _SPECIAL.sub(r"\\\1", part) for place, part in enumerate(parts))
    return re.sub(r"^([-+]|\d+[.)])(?=\s)", r"\\\1", joined)


def _lead(findings: Sequence[Finding]) -> str:
    amounts = counts(findings)
    total = ", ".join(f"{amounts[verdict]} {verdict}" for verdict in VERDICTS if amounts[verdict])
    return (
        f"{plural(len(findings), 'claim')} of the lesson on random initialization, each tried by an experiment: "
        f"{total}. A verdict follows from the cases that were tried and from nothing else. This chapter is written by "
        "`symbreak lesson --all --markdown FILE`."
    )


def _verdict(finding: Finding) -> str:
    """Return the verdict, and under which conditions the claim holds and under which it fails."""
    cases = [f"* {'holds' if case.holds else 'fails'} if {escape(case.when)}" for case in deciding(finding)]
    return "\n".join([f"**{MARKS[finding.verdict]} {finding.verdict}**", *([""] if cases else []), *cases])


def _claim(finding: Finding, images: str | None) -> str:
    claim, evidence = finding.claim, finding.evidence
    parts = [f'### <a id="{claim.id}"></a>{claim.id}: {escape(claim.claim)}', _verdict(finding)]
    if claim.see:
        return "\n\n".join([*parts, f"See [{claim.see}](#{claim.see}), which says the same."])
    parts += [escape(text) for text in (evidence.explanation, source(finding)) if text]
    if images is not None and evidence.figure:
        parts.append(f"![{escape(evidence.figure.alternative)}]({images}/{claim.id}.svg)")
    return "\n\n".join([*parts, f"`{finding.command}`"])
