"""R1 to R5: what was measured, evidence that says no more than that, and broken code that changes the verdict."""

from __future__ import annotations

import pytest

from symbreak.lesson import front_matter
from symbreak.lesson.claim import Case, Evidence
from symbreak.lesson.front_matter import CLAIMS
from symbreak.network import course

VERDICTS = {"R1": "convention", "R2": "true", "R3": "true", "R4": "true if", "R5": "true if"}


def test_every_claim_has_its_row():
    assert [claim.id for claim in CLAIMS] == list(VERDICTS)


@pytest.mark.parametrize("id", VERDICTS)
def test_verdicts(id, verdict_of):
    assert verdict_of(id) == VERDICTS[id]


@pytest.mark.parametrize("id", VERDICTS)
def test_evidence_is_sound(id, experiment, faults):
    assert faults(experiment(id)) == []


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence((Case("so", True),), {"cost": 0.25}, "The cost is 0.26. It falls."),
        Evidence((Case("so", True),), {"share": 0.25}, "The share is 24%. It falls."),
        Evidence((Case("so", True),), {"cost": float("inf")}, "It falls. It rises."),
        Evidence((Case("so", True),), {"cost": 0.25}, "Only one sentence of W1."),
        Evidence((), {}, "No case. At all."),
    ],
    ids=lambda e: e.explanation,
)
def test_unsound_evidence_is_noticed(evidence, faults):
    assert faults(evidence)


def update_with_another_rate(monkeypatch):
    honest = course.update_parameters
    monkeypatch.setattr(course, "update_parameters", lambda old, grads, learning_rate: honest(old, grads, 2.0))


def regression_stops_early(monkeypatch):
    honest = front_matter._regression
    monkeypatch.setattr(front_matter, "_regression", lambda start, on, _, rate: honest(start, on, 20, rate))


MUTANTS = [
    ("R1", update_with_another_rate),
    ("R2", "every start is random"),
    ("R2", "nothing is updated"),
    ("R3", regression_stops_early),
    ("R3", "nothing is updated"),
    ("R4", "constants are random"),
    ("R4", "zeros are random"),
    ("R4", "nothing is updated"),
    ("R5", "every start is random"),
    ("R5", "g(0) is not 0"),
]


@pytest.mark.parametrize(("id", "how"), MUTANTS)
def test_broken_code_changes_the_verdict(id, how, broken):
    assert broken(id, how)


def test_bias_and_weights_are_looked_at_apart(experiment):
    measured = experiment("R5").measured
    assert measured["units_tanh_zero_random_zero"] == 4
    assert measured["units_relu_zero_zero_random"] == 1


def test_start_by_hand_is_as_good_as_a_drawn_one(experiment):
    measured = experiment("R4").measured
    assert measured["accuracy_by_hand"] > measured["accuracy_same"]
    assert measured["accuracy_by_hand"] > 0.8
