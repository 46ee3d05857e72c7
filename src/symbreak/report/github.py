"""Findings as workflow commands, which GitHub Actions turns into annotations.

The escapes are those of the runner: a percent sign and line breaks in messages; colons and commas, too, in properties
(docs.github.com, "Workflow commands for GitHub Actions").
"""

from __future__ import annotations

from symbreak.report.check_words import SYNTHETIC, Data, findings, headline, place, sentence
from symbreak.report.html import printable

COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def github(data: Data, *, file: str | None = None, line: int | None = None) -> str:
    """Return one command for each finding, and a notice with the outcome.

    Args:
        data: `Report.to_json()`.
        file: path of the file that builds the model, relative to the repository.
        line: line of the function that builds it.
    """
    place_of_all = {"file": file, "line": str(line) if line and file else None}
    lines = [_command(COMMANDS[each["severity"]], _told(each), {**place_of_all, "title": each["rule"]})
             for each in findings(data)]  # fmt: skip
    lines.append(_command("notice", [headline(data)], {"title": "symbreak check"}))
    return "\n".join(lines)


def _told(finding: Data) -> list[str]:
    return [
        f"{sentence(finding['says'])} ({finding['status']})",
        f"where: {place(finding['where'])}",
        *([f"expected: {sentence(finding['expected'])}"] if finding["expected"] else []),
        *([SYNTHETIC] if finding["synthetic"] else []),
    ]


def _command(name: str, message: list[str], properties: dict[str, str | None]) -> str:
    """Write a command; nothing in a message or a property can end it or start another.

    >>> _command("error", ["100% of\\n::error::a"], {"title": "a,b:c"})
    '::error title=a%2Cb%3Ac::100%25 of�::error::a'
    """
    given = ",".join(f"{key}={_property(value)}" for key, value in properties.items() if value)
    return f"::{name} {given}::{'%0A'.join(_data(printable(line)) for line in message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(printable(text)).replace(":", "%3A").replace(",", "%2C")
