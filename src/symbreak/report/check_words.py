"""Words of a checked model that the terminal, the page and the machine formats share; they read a report's JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from symbreak.diagnosis.symmetry.classes import listed
from symbreak.report.format import listing, plural, short, shorten
from symbreak.report.html import printable

Data = Mapping[str, Any]

MARKS = {"error": "✗", "warning": "▲", "info": "ℹ"}
"""A severity is never told by its colour alone."""

STATUSES = {
    "proved": "proved: a theorem holds, and its hypotheses were checked on these very numbers",
    "refuted": "refuted by a counterexample that can be replayed",
    "measured": "measured in this run",
    "undecided": "undecided: neither shown nor ruled out",
}
SYNTHETIC = "It rests on made-up input, not on data."

# Enough to recognize a layer by; the whole list is in the JSON.
NAMES = 4
VALUES = 8
UNITS = 60
# A name can be as long as its author likes; three lines of a terminal are enough for a sentence.
SENTENCE = 300
PARAGRAPH = 1200


def findings(data: Data) -> list[Data]:
    """Return all findings that count, in the order of the rules."""
    return [finding for rule in data["rules"] for finding in rule["findings"]]


def headline(data: Data) -> str:
    """Return what was checked and what came out: "Net, 1,234 parameters: 2 errors and 1 warning"."""
    return f"{shorten(printable(data['model']), 60)}, {plural(data['parameters'], 'parameter')}: {outcome(data)}"


def outcome(data: Data) -> str:
    """Return the counts of errors and warnings, or that the start is sound as far as it could be told."""
    found = [finding["severity"] for finding in findings(data)]
    counts = [plural(found.count(each), each) for each in ("error", "warning") if found.count(each)]
    if counts:
        return listing(counts)
    skipped = sum(bool(rule["skipped"]) for rule in data["rules"])
    return f"sound by {plural(len(data['rules']) - skipped, 'check')}" + (f", {skipped} skipped" if skipped else "")


def asides(data: Data) -> str:
    """Return how much was set aside, or ""."""
    parts = [f"{len(data[each])} {each}" for each in ("suppressed", "known") if data[each]]
    return listing(parts)


def state(rule: Data) -> tuple[str, str]:
    """Return how a check came out, "ok", "found" or "skipped", and the rest of its line."""
    if rule["skipped"]:
        return "skipped", printable(rule["skipped"])
    severities = [finding["severity"] for finding in rule["findings"]]
    if not severities:
        return "ok", ""
    words = {"error": "error", "warning": "warning", "info": "explanation"}
    return "found", ", ".join(plural(severities.count(k), word) for k, word in words.items() if k in severities)


def place(where: Data) -> str:
    """Return where it is, in a few names.

    >>> place({"parameters": ["a", "b", "c", "d", "e", "f"], "modules": [], "units": [[0, 1, 2]]})
    'a, b, c, d and 2 more; units 0-2'
    """
    names = where["parameters"] or where["modules"]
    shown = listing([shorten(printable(name), 80) for name in names if name], NAMES) or "the model"
    return f"{shown}; {told_units(where['units'])}" if where["units"] else shown


def told_units(groups: Sequence[Sequence[int]]) -> str:
    """Return the units of the first group, and how many groups more there are."""
    rest = f", and {plural(len(groups) - 1, 'group')} more" if len(groups) > 1 else ""
    return f"{shorten(listed(tuple(groups[0])), UNITS)}{rest}"


def sentence(text: str, most: int = SENTENCE) -> str:
    """Return text that fits and can be shown."""
    return shorten(printable(" ".join(text.split())), most)


def numbers(measured: Data) -> Iterator[tuple[str, str]]:
    """Yield the names of what was measured, and the values as a reader wants them."""
    for name, value in measured.items():
        yield printable(str(name)).replace("_", " "), value_text(value)


def value_text(value: Any) -> str:
    """Write a measured value.

    >>> value_text(0.69314718), value_text(200), value_text([2, 3]), value_text(None)
    ('0.6931', '200', '2, 3', 'none')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    if isinstance(value, float):
        return short(value, 4) if math.isfinite(value) else "not finite"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(value_text, value[:VALUES])) + (", ..." if len(value) > VALUES else "")
    return sentence(str(value))


def code_lines(fix: str) -> list[str]:
    """Return the lines of a fix, each of which can be shown."""
    return [printable(line) for line in fix.split("\n")] if fix else []
