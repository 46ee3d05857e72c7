"""R77 to R80: the blocks before and after; verdicts, sound evidence, broken code."""

from __future__ import annotations

import pytest

from symbreak.lesson import blocks

VERDICTS = {
    "R77": "true if",
    "R78": "true if",
    "R79": "true if",
    "R80": "true",
}


def test_every_claim_has_its_row():
    assert [claim.id for claim in blocks.CLAIMS] == list(VERDICTS)


@pytest.mark.parametrize("id", VERDICTS)
def test_verdicts(id, verdict_of):
    assert verdict_of(id) == VERDICTS[id]


@pytest.mark.parametrize("id", VERDICTS)
def test_evidence_is_sound(id, faults_beyond_the_claim):
    assert faults_beyond_the_claim(id) == []


BROKEN = (
    ("R77", "nothing is updated"),
    ("R77", "zeros are random"),
    ("R78", "nothing is updated"),
    ("R79", "normal is constant"),
    ("R80", "zeros are random"),
    ("R80", "normal is constant"),
)


@pytest.mark.parametrize(("id", "how"), BROKEN, ids=lambda value: getattr(value, "__name__", value))
def test_broken_code_changes_the_verdict(id, how, broken):
    assert broken(id, how) is not None


def test_every_claim_has_broken_code():
    assert {id for id, _ in BROKEN} == set(VERDICTS)
