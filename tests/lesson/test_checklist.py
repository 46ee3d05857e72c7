"""R81 to R88: the checklist; verdicts, sound evidence, broken code."""

from __future__ import annotations

import pytest

from symbreak.initializers.elementwise import Normal, VarianceScaling
from symbreak.lesson import checklist, checklist_trained

VERDICTS = {
    "R81": "true if",
    "R82": "true if",
    "R83": "true",
    "R84": "true",
    "R85": "true if",
    "R86": "true",
    "R87": "true if",
    "R88": "true if",
}


def test_every_claim_has_its_row():
    assert [claim.id for claim in checklist.CLAIMS + checklist_trained.CLAIMS] == list(VERDICTS)


@pytest.mark.parametrize("id", VERDICTS)
def test_verdicts(id, verdict_of):
    assert verdict_of(id) == VERDICTS[id]


@pytest.mark.parametrize("id", VERDICTS)
def test_evidence_is_sound(id, faults_beyond_the_claim):
    assert faults_beyond_the_claim(id) == []


def fans_ignored(monkeypatch):
    """Xavier and He give the lesson's 0.01, whatever the layer."""
    monkeypatch.setattr(VarianceScaling, "draw", lambda rule, w: Normal(0.01, 0.0).draw(w))


def unchecked(monkeypatch):
    monkeypatch.setattr(checklist, "to_network", lambda parameters: None)


BROKEN = (
    ("R81", "nothing is updated"),
    ("R81", "constants are random"),
    ("R82", "nothing is updated"),
    ("R82", "initialize enlarges"),
    ("R83", "biases start at one"),
    ("R84", "initialize transposes"),
    ("R84", unchecked),
    ("R85", "nothing is updated"),
    ("R86", fans_ignored),
    ("R87", "nothing is updated"),
    ("R87", "zeros are random"),
    ("R88", "constants are random"),
)


@pytest.mark.parametrize(("id", "how"), BROKEN, ids=lambda value: getattr(value, "__name__", value))
def test_broken_code_changes_the_verdict(id, how, broken):
    assert broken(id, how) is not None


def test_every_claim_has_broken_code():
    assert {id for id, _ in BROKEN} == set(VERDICTS)
