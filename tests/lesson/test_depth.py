"""R71 to R76: data sets, depth, Xavier, He, layer size; verdicts, sound evidence, broken code."""

from __future__ import annotations

import pytest

from symbreak.initializers.elementwise import Normal, VarianceScaling
from symbreak.lesson import depth

VERDICTS = {
    "R71": "true if",
    "R72": "true",
    "R73": "true if",
    "R74": "true",
    "R75": "true if",
    "R76": "true",
}


def test_every_claim_has_its_row():
    assert [claim.id for claim in depth.CLAIMS] == list(VERDICTS)


@pytest.mark.parametrize("id", VERDICTS)
def test_verdicts(id, verdict_of):
    assert verdict_of(id) == VERDICTS[id]


@pytest.mark.parametrize("id", VERDICTS)
def test_evidence_is_sound(id, faults_beyond_the_claim):
    assert faults_beyond_the_claim(id) == []


def fans_ignored(monkeypatch):
    """Xavier and He give the lesson's 0.01, whatever the layer."""
    monkeypatch.setattr(VarianceScaling, "draw", lambda rule, w: Normal(0.01, 0.0).draw(w))


def fans_squared(monkeypatch):
    """Divided by the number of inputs, where its root belongs."""

    def draw(rule, w):
        return Normal(rule.scale / w.shape[1], 0.0).draw(w)

    monkeypatch.setattr(VarianceScaling, "draw", draw)


BROKEN = (
    ("R71", "nothing is updated"),
    ("R72", fans_ignored),
    ("R73", fans_ignored),
    ("R74", fans_ignored),
    ("R75", fans_ignored),
    ("R76", fans_ignored),
    ("R73", fans_squared),
    ("R76", fans_squared),
)


@pytest.mark.parametrize(("id", "how"), BROKEN, ids=lambda value: getattr(value, "__name__", value))
def test_broken_code_changes_the_verdict(id, how, broken):
    assert broken(id, how) is not None


def test_every_claim_has_broken_code():
    assert {id for id, _ in BROKEN} == set(VERDICTS)
