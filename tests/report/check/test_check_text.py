"""The report as lines: on a terminal, and as the text of an assertion."""

from __future__ import annotations

import re

import pytest

from symbreak.diagnosis.finding import Finding
from symbreak.report import check_terminal, check_words
from symbreak.report.check_terminal import plain_report, print_report

UNPRINTABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def test_there_is_one_line_for_each_check(usual):
    lines = plain_report(usual).splitlines()
    assert lines[0] == "Net, 1,234 parameters: 1 error and 1 warning"
    assert lines[2:8] == [
        "overwritten-init  skipped: needs a builder: check(build_model, ...)",
        "non-finite        ok",
        "symmetric-units   found   1 error",
        "loss-at-init      found   1 warning",
        "wrong-scale       ok",
        "sound-zero        found   1 explanation",
    ]


def test_a_finding_tells_all_that_it_has(usual):
    text = plain_report(usual)
    assert "✗ error: symmetric-units (proved)" in text
    for line in (
        "  5 of 7 units behind 0.weight do the work of 2 for ever",
        "  where     0.weight and 0.bias; units 0-2, and 1 group more",
        "  measured  units 7; tied 5; share 0.7143",
        "  expected  rows that differ",
        "  why       Equal units get equal updates.",
        "  fix       with torch.no_grad():\n                model.get_parameter('0.weight').normal_()",
    ):
        assert line in text
    assert text.endswith("symbreak explain symmetric-units tells more (so for all 3 rules)")


def test_made_up_input_is_told_with_the_finding_that_rests_on_it_and_no_other(usual):
    symmetric, loss = plain_report(usual).split("▲ warning: loss-at-init")
    assert check_words.SYNTHETIC not in symmetric
    assert check_words.SYNTHETIC in loss


def test_that_test_would_notice_silence(usual, monkeypatch):
    monkeypatch.setattr(check_terminal, "SYNTHETIC", "")
    assert check_words.SYNTHETIC not in plain_report(usual)


def test_a_sound_model_is_sound_by_the_checks_that_ran(sound):
    assert plain_report(sound).splitlines()[0] == "Net, 1,234 parameters: sound by 5 checks, 1 skipped"
    assert "explain" not in plain_report(sound)


def test_what_was_set_aside_is_counted_and_shown_if_asked_for(aside):
    text = plain_report(aside)
    assert "set aside: 1 suppressed and 1 known; --show-suppressed tells them" in text
    assert "vanished: symmetric-units in gone.weight" in text
    assert "tied on purpose" not in text
    shown = plain_report(aside, show_suppressed=True)
    assert "suppressed error: symmetric-units" in shown
    assert "reason    tied on purpose" in shown


def commands(text: str) -> list[str]:
    """Lines that GitHub's runner obeys when it reads a log: "::" after spaces, or "##[" anywhere."""
    return [line for line in text.splitlines() if line.strip().startswith("::") or "##[" in line]


def test_nothing_in_a_name_moves_the_cursor_or_starts_a_line(hostile):
    for text in (plain_report(hostile), plain_report(hostile, show_suppressed=True)):
        assert not UNPRINTABLE.search(text)
        assert commands(text) == []


def test_that_test_would_notice_a_name_as_it_is(hostile, monkeypatch):
    monkeypatch.setattr(check_words, "printable", lambda text: text)
    assert UNPRINTABLE.search(plain_report(hostile))
    monkeypatch.setattr(check_terminal, "_lines", check_terminal._all_lines)
    assert commands(plain_report(hostile))


def test_long_lists_are_short_in_text_and_whole_in_json(long, names):
    text = plain_report(long)
    assert len(text) < 5000
    assert "and 1996 more" in " ".join(text.split())
    (finding,) = [Finding.from_json(each) for rule in long["rules"] for each in rule["findings"]]
    assert finding.where.parameters == names
    assert len(finding.where.units[0]) == 4000
    assert all(name in finding.says for name in names)


def lines(data) -> list[str]:
    return plain_report(data).split("\n")


def test_the_terminal_shows_the_same_lines(any_report, capsys):
    print_report(any_report)
    out, err = capsys.readouterr()
    assert err == ""
    assert [line.rstrip() for line in out.splitlines()] == [
        line.rstrip() for line in plain_report(any_report).split("\n")
    ]


@pytest.mark.parametrize("width", [20, 40, 80])
def test_a_narrow_terminal_gets_narrow_sentences(usual, width, monkeypatch):
    lines = list(check_terminal._lines(usual, width, show_suppressed=False))
    whole = [line.text for line in lines if not line.style and line.text]
    assert whole
    assert max(map(len, whole)) <= max(width, 26)
