"""Annotations for GitHub Actions: what the runner reads is what was meant, whatever the names are."""

from __future__ import annotations

import re

import pytest

from symbreak.report import github as module
from symbreak.report.github import github

COMMAND = re.compile(r"::(?P<name>[a-z-]+) (?P<properties>[^\n]*?)::(?P<message>[^\n]*)")


def read(line: str) -> tuple[str, dict[str, str], str]:
    """Read a command as the runner does (ActionCommand.TryParseV2): to the first space, to the next "::"."""
    found = COMMAND.fullmatch(line)
    assert found, line
    pairs = [pair.split("=", 1) for pair in found["properties"].split(",")]
    return found["name"], {key: unescaped(value) for key, value in pairs}, unescaped(found["message"])


def unescaped(text: str) -> str:
    for code, sign in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, sign)
    return text


def test_each_finding_is_an_annotation_at_the_builder(usual):
    lines = [read(line) for line in github(usual, file="src/net.py", line=12).splitlines()]
    assert [name for name, _, _ in lines] == ["error", "warning", "notice", "notice"]
    assert lines[0][1] == {"file": "src/net.py", "line": "12", "title": "symmetric-units"}
    assert lines[0][2].split("\n") == [
        "5 of 7 units behind 0.weight do the work of 2 for ever (proved)",
        "where: 0.weight and 0.bias; units 0-2, and 1 group more",
        "expected: rows that differ",
    ]
    assert lines[1][2].endswith("It rests on made-up input, not on data.")
    assert lines[-1][1:] == ({"title": "symbreak check"}, "Net, 1,234 parameters: 1 error and 1 warning")


def test_without_a_file_an_annotation_has_no_place(usual):
    assert read(github(usual).splitlines()[0])[1] == {"title": "symmetric-units"}


def test_no_name_becomes_a_command_or_a_property(hostile):
    text = github(hostile, file="a,b:c%0A::d.py\n::error::e", line=3)
    lines = text.splitlines()
    assert len(lines) == sum(len(rule["findings"]) for rule in hostile["rules"]) + 1
    for line in lines:
        name, properties, _ = read(line)
        assert name in ("error", "notice")
        assert set(properties) <= {"file", "line", "title"}
    assert read(lines[0])[1]["file"] == "a,b:c%0A::d.py�::error::e"
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", text)


@pytest.mark.parametrize("sign", ["%", "\r", "\n", ":", ","])
def test_that_test_would_notice_a_sign_that_is_not_escaped(sign, hostile, monkeypatch):
    if sign in "\r\n":
        monkeypatch.setattr(module, "printable", lambda text: text)
        monkeypatch.setattr(module, "_data", lambda text: text.replace("%", "%25"))
    else:
        code = {"%": "%25", ":": "%3A", ",": "%2C"}[sign]
        right = module._property
        monkeypatch.setattr(module, "_property", lambda text: right(text).replace(code, sign))
    with pytest.raises((AssertionError, ValueError)):
        test_no_name_becomes_a_command_or_a_property(hostile)


def test_a_long_list_makes_a_short_annotation(long):
    assert max(map(len, github(long).splitlines())) < 1500
