"""A grade as text, data, page and for Gradescope."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from symbreak.grade.gradescope import gradescope
from symbreak.grade.result import CheckResult, Grade, NotPassed
from symbreak.report.grade_page import grades_page

PASS = CheckResult("init-runs", "returns", "initialize_parameters", "pass", points=60, worth=60)
WARN = replace(PASS, id="init-random", status="warn", why="because", hint="look", points=10, worth=10)
FAIL = replace(
    PASS, id="init-keys", status="fail", expected="W1", got="w1", why="no <W1>", hint="?", points=0, worth=30
)
GRADE = Grade("week3.py", (PASS, WARN, FAIL))


def test_points_and_passing():
    assert (GRADE.points, GRADE.worth, GRADE.passed) == (70, 100, False)
    assert Grade("a", (PASS, WARN, replace(FAIL, required=False))).passed
    assert not Grade("a", ()).passed
    assert not Grade("a", (PASS,), "SyntaxError").passed
    assert not Grade("a", (PASS, replace(FAIL, status="skipped"))).passed
    assert not Grade("a", (PASS, replace(FAIL, status="error"))).passed


def test_data_is_json_and_whole():
    data = json.loads(json.dumps(GRADE.to_json(), allow_nan=False))
    assert data["schema"] == "symbreak/grade/1"
    assert [(r["id"], r["status"], r["points"]) for r in data["results"]] == [
        ("init-runs", "pass", 60),
        ("init-random", "warn", 10),
        ("init-keys", "fail", 0),
    ]


def test_text_tells_what_does_not_pass_and_hides_what_is_hidden():
    text = GRADE.text()
    assert text.startswith("week3.py: not passed, 70 of 100 points")
    assert "no <W1>" in text
    covert = Grade("a", (PASS, replace(FAIL, visibility="hidden")))
    assert "no <W1>" not in covert.text()
    with pytest.raises(NotPassed) as told:
        covert.assert_ok()
    assert "no <W1>" not in str(told.value)


def test_gradescope_has_a_test_for_each_check():
    data = json.loads(json.dumps(gradescope(Grade("a", (PASS, WARN, replace(FAIL, visibility="after_due_date"))))))
    assert [t["status"] for t in data["tests"]] == ["passed", "passed", "failed"]
    assert sum(t["score"] for t in data["tests"]) == 70 == data["score"]
    assert sum(t["max_score"] for t in data["tests"]) == 100
    assert data["tests"][2]["visibility"] == "after_due_date"
    assert "no <W1>" in data["tests"][2]["output"]
    allowed = {"hidden", "after_due_date", "after_published", "visible"}
    assert {t["visibility"] for t in data["tests"]} <= allowed


def test_the_page_escapes_what_learners_return():
    page = grades_page([replace(GRADE, name="<script>x</script>"), GRADE])
    assert "<script>x" not in page
    assert "no &lt;W1&gt;" in page
    assert "0 of 2 submissions pass" in page
    hidden = Grade("a", (replace(FAIL, visibility="hidden"),))
    assert "&lt;W1&gt;" not in grades_page([hidden])
    assert "&lt;W1&gt;" in grades_page([hidden], hidden=True)
