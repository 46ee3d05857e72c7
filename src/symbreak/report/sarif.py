"""Findings as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"), for code scanning and editors."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import quote

from symbreak._version import __version__
from symbreak.diagnosis.finding import Finding
from symbreak.diagnosis.rules import RULES
from symbreak.diagnosis.suppression import fingerprint
from symbreak.report.check_words import SYNTHETIC, Data, place
from symbreak.report.html import printable

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
# What is explained is no problem: its kind says so, and the standard then wants the level "none" (3.27.9, 3.27.10).
LEVELS = {"error": "error", "warning": "warning", "info": "none"}


def sarif(data: Data, *, file: str | None = None, line: int | None = None) -> dict[str, Any]:
    """Return the log as plain data.

    Args:
        data: `Report.to_json()`.
        file: path of the file that builds the model, relative to the repository, or absolute.
        line: line of the function that builds it.
    """
    ran = [rule["rule"] for rule in data["rules"]]
    results = [_result(each, ran, file, line) for rule in data["rules"] for each in rule["findings"]]
    results += [_result(each, ran, file, line) for each in data["suppressed"]]
    skipped = [rule for rule in data["rules"] if rule["skipped"]]
    run = {
        "tool": {"driver": {"name": "symbreak", "version": __version__, "rules": [_rule(slug) for slug in ran]}},
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": [_notice(r) for r in skipped]}],
        "results": results,
        "columnKind": "unicodeCodePoints",
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(slug: str) -> dict[str, Any]:
    rule = next(rule for rule in RULES if rule.slug == slug)
    return {
        "id": slug,
        "shortDescription": {"text": rule.summary},
        "help": {"text": rule.page, "markdown": rule.page},
    }


def _notice(rule: Data) -> dict[str, Any]:
    """A check that could not be made is told, not passed as sound."""
    return {
        "level": "note",
        "message": {"text": f"{rule['rule']} skipped: {rule['skipped']}"},
        "associatedRule": {"id": rule["rule"]},
    }


def _result(entry: Data, ran: list[str], file: str | None, line: int | None) -> dict[str, Any]:
    reason = entry.get("reason")
    finding = Finding.from_json({key: value for key, value in entry.items() if key != "reason"})
    known = [{"kind": "external", "justification": printable(reason)}] if reason else []
    return {
        "ruleId": finding.rule,
        "ruleIndex": ran.index(finding.rule),
        "kind": "informational" if finding.severity == "info" else "fail",
        "level": LEVELS[finding.severity],
        "message": {"text": _message(entry)},
        "locations": [_location(finding, file, line)],
        "partialFingerprints": {"symbreak/v1": _fingerprint(finding, file)},
        **({"suppressions": known} if known else {}),
        "properties": {
            "status": finding.status,
            "measured": dict(finding.measured),
            "synthetic": finding.synthetic,
        },
    }


def _message(entry: Data) -> str:
    parts = [
        f"{printable(entry['says'])}.",
        f"Where: {place(entry['where'])}.",
        f"Expected: {printable(entry['expected'])}." if entry["expected"] else "",
        printable(entry["why"]),
        SYNTHETIC if entry["synthetic"] else "",
    ]
    return " ".join(part for part in parts if part)


def _fingerprint(finding: Finding, file: str | None) -> str:
    """One log may hold several models: those of different files are told apart."""
    return hashlib.sha256(f"{fingerprint(finding)} {file or ''}".encode()).hexdigest()[:32]


def _location(finding: Finding, file: str | None, line: int | None) -> dict[str, Any]:
    names = finding.where.parameters or finding.where.modules or ("model",)
    kind = "member" if finding.where.parameters else "module"
    shown = dict.fromkeys(printable(name) or "model" for name in names)
    logical = [{"fullyQualifiedName": name, "kind": kind} for name in shown]
    if file is None:
        return {"logicalLocations": logical}
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(file)}}
    if line is not None:
        physical["region"] = {"startLine": line}
    return {"physicalLocation": physical, "logicalLocations": logical}


def _uri(file: str) -> str:
    path = quote(file.replace("\\", "/"))
    return f"file://{path}" if path.startswith("/") else path
