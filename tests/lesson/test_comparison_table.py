"""R65 to R70: the lesson's table; verdicts, sound evidence, broken code."""

from __future__ import annotations

import pytest

from symbreak.lesson import comparison_table

VERDICTS = {
    "R65": "true if",
    "R66": "true if",
    "R67": "true",
    "R68": "true if",
    "R69": "true if",
    "R70": "true if",
}


def test_every_claim_has_its_row():
    assert [claim.id for claim in comparison_table.CLAIMS] == list(VERDICTS)


@pytest.mark.parametrize("id", VERDICTS)
def test_verdicts(id, verdict_of):
    assert verdict_of(id) == VERDICTS[id]


@pytest.mark.parametrize("id", VERDICTS)
def test_evidence_is_sound(id, faults_beyond_the_claim):
    assert faults_beyond_the_claim(id) == []


BROKEN = (
    ("R65", "normal is constant"),
    ("R65", "zeros are random"),
    ("R66", "nothing is updated"),
    ("R67", "normal is constant"),
    ("R67", "units slope differently"),
    ("R68", "normal is constant"),
    ("R69", "normal is constant"),
    ("R70", "nothing is updated"),
    ("R70", "zeros are random"),
)


@pytest.mark.parametrize(("id", "how"), BROKEN, ids=lambda value: getattr(value, "__name__", value))
def test_broken_code_changes_the_verdict(id, how, broken):
    assert broken(id, how) is not None


def test_every_claim_has_broken_code():
    assert {id for id, _ in BROKEN} == set(VERDICTS)
