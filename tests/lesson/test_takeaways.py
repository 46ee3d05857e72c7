"""R94, R95 and the takeaways; verdicts, sound evidence, broken code."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from symbreak.initializers.elementwise import Normal
from symbreak.lesson import takeaways
from symbreak.lesson.catalogue import CLAIMS as CATALOGUE

VERDICTS = {
    "R94": "true",
    "R95": "true if",
    "K7": "true if",
}


def test_every_claim_has_its_row():
    assert [claim.id for claim in takeaways.CLAIMS if not claim.see] == list(VERDICTS)


def test_there_are_fifteen_takeaways():
    assert [claim.id for claim in takeaways.CLAIMS[2:]] == [f"K{number}" for number in range(1, 16)]


@pytest.mark.parametrize("claim", [claim for claim in takeaways.CLAIMS if claim.see], ids=lambda claim: claim.id)
def test_a_takeaway_runs_the_claim_that_it_repeats(claim, monkeypatch):
    seen = replace(CATALOGUE[claim.see], experiment=lambda: "its evidence")
    monkeypatch.setitem(CATALOGUE, claim.see, seen)
    assert claim.experiment() == "its evidence"


@pytest.mark.parametrize("id", VERDICTS)
def test_verdicts(id, verdict_of):
    assert verdict_of(id) == VERDICTS[id]


@pytest.mark.parametrize("id", VERDICTS)
def test_evidence_is_sound(id, faults_beyond_the_claim):
    assert faults_beyond_the_claim(id) == []


def uniform_normal(monkeypatch):
    """The right mean and standard deviation, the wrong distribution."""

    def draw(rule, w):
        return np.random.RandomState(0).uniform(-1, 1, w.shape).astype(w.dtype) * np.sqrt(3) * rule.scale

    monkeypatch.setattr(Normal, "draw", draw)


BROKEN = (
    ("R94", "normal is constant"),
    ("R94", uniform_normal),
    ("R95", "normal is constant"),
    ("R95", "nothing is updated"),
    ("K7", "nothing is updated"),
)


@pytest.mark.parametrize(("id", "how"), BROKEN, ids=lambda value: getattr(value, "__name__", value))
def test_broken_code_changes_the_verdict(id, how, broken):
    assert broken(id, how) is not None


def test_every_claim_has_broken_code():
    assert {id for id, _ in BROKEN} == set(VERDICTS)
