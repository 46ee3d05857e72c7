"""R65 to R70: the lesson's table; verdicts, sound evidence, broken code."""

from __future__ import annotations

import numpy as np
import pytest

from symbreak.initializers.elementwise import Normal
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


def constant_normal(monkeypatch):
    """What should be drawn from a normal distribution is half its standard deviation, everywhere."""
    monkeypatch.setattr(Normal, "draw", lambda rule, w: np.full(w.shape, rule.scale / 2, w.dtype))


BROKEN = (
    ("R65", constant_normal),
    ("R65", "zeros are random"),
    ("R66", "nothing is updated"),
    ("R67", constant_normal),
    ("R67", "units slope differently"),
    ("R68", constant_normal),
    ("R69", constant_normal),
    ("R70", "nothing is updated"),
    ("R70", "zeros are random"),
)


@pytest.mark.parametrize(("id", "how"), BROKEN, ids=lambda value: getattr(value, "__name__", value))
def test_broken_code_changes_the_verdict(id, how, broken):
    assert broken(id, how) is not None


def test_every_claim_has_broken_code():
    assert {id for id, _ in BROKEN} == set(VERDICTS)
