"""R20 to R28: the induction and what follows from it; verdicts, sound evidence, broken code."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from symbreak import random
from symbreak.diagnosis.symmetry import Verification
from symbreak.diagnosis.symmetry.certificate import Certificate
from symbreak.lesson import one_ulp, one_unit, proof, tied

VERDICTS = {
    "R20": "true if",
    "R21": "true",
    "R22": "true",
    "R23": "true if",
    "R24": "true",
    "R25": "true if",
    "R26": "true if",
    "R27": "true",
    "R28": "true",
}


def test_every_claim_has_its_row():
    assert [claim.id for claim in (*proof.CLAIMS, *one_unit.CLAIMS)] == list(VERDICTS)


@pytest.mark.parametrize("id", VERDICTS)
def test_verdicts(id, verdict_of):
    assert verdict_of(id) == VERDICTS[id]


@pytest.mark.parametrize("id", VERDICTS)
def test_evidence_is_sound(id, experiment, faults):
    assert faults(experiment(id)) == []


def dropout_keeps_all(monkeypatch):
    monkeypatch.setattr(random, "uniform", lambda shape, **options: np.zeros(shape))


def merge_drops_a_unit(monkeypatch):
    honest = one_unit.merge

    def merge(network):
        found = honest(network)
        w1, b1, w2, b2 = found.network.parameters
        share = 1 - 1 / network.sizes[1]
        return dataclasses.replace(found, network=found.network.with_parameters([w1, b1, share * w2, b2]))

    monkeypatch.setattr(one_unit, "merge", merge)


def merge_keeps_the_rates(monkeypatch):
    honest = one_unit.merge

    def merge(network):
        found = honest(network)
        return dataclasses.replace(found, rate_factors=tuple(np.ones_like(f) for f in found.rate_factors))

    monkeypatch.setattr(one_unit, "merge", merge)


def proofs_are_not_verified(monkeypatch):
    monkeypatch.setattr(Certificate, "verify", lambda self, network: Verification(("broken",)))


def one_ulp_is_not_felt(monkeypatch):
    honest = one_ulp.steps_to_separate
    monkeypatch.setattr(
        one_ulp, "steps_to_separate", lambda *args, **how: dataclasses.replace(honest(*args, **how), measured=None)
    )


def outgoing_weights_are_equal(monkeypatch):
    honest = proof._from_zero_rows
    monkeypatch.setattr(proof, "_from_zero_rows", lambda _, **how: honest([[0.5, 0.5]], **how))


def features_are_not_looked_at(monkeypatch):
    monkeypatch.setattr(tied, "participation_ratio", lambda rows: float(len(rows)))


MUTANTS = [
    ("R20", "units answer differently"),
    ("R20", "nothing is updated"),
    ("R20", outgoing_weights_are_equal),
    ("R21", "units answer differently"),
    ("R22", "units slope differently"),
    ("R23", "the update unties"),
    ("R23", dropout_keeps_all),
    ("R24", "the update unties"),
    ("R24", "units slope differently"),
    ("R24", proofs_are_not_verified),
    ("R25", "unit-alike arithmetic has an edge"),
    ("R25", dropout_keeps_all),
    ("R25", proofs_are_not_verified),
    ("R26", merge_drops_a_unit),
    ("R26", merge_keeps_the_rates),
    ("R27", merge_drops_a_unit),
    ("R28", "constants are random"),
    ("R28", "the update unties"),
    ("R28", features_are_not_looked_at),
]


@pytest.mark.parametrize(("id", "how"), MUTANTS)
def test_broken_code_changes_the_verdict(id, how, broken):
    assert broken(id, how)


def test_one_bit_less_takes_longer_and_the_forecast_is_near():
    """The time grows like the logarithm of 1/epsilon: equal ratios of epsilon, about equal numbers of updates."""
    found = one_ulp.separations()
    steps = [each.measured for each in found]
    assert steps == sorted(steps, reverse=True)
    assert None not in steps
    apart = -np.diff(steps[:5])
    assert apart.min() > 0.5 * apart.max()
    # Late in the run the differences of rounding add to the one that was put there.
    assert all(abs(each.measured - each.predicted) <= 0.05 * each.measured + 2 for each in found)


def test_the_dial_has_a_frame_for_each_epsilon(experiment):
    figure = experiment("R25").figure
    assert figure.dial
    assert len(figure.frames) == len(one_ulp.EPSILONS)


def test_the_induction_ticks_what_holds_and_names_the_lemma_that_fails_first(experiment):
    lines = ["Hypothe", "Lemma 1", "Lemma 2", "Lemma 3", "Lemma 4"]
    ticks = []
    for frame in experiment("R24").figure.frames:
        assert all([step.says[:7] for step in panel.steps] == lines for panel in frame.panels)
        ticks.append([[step.holds for step in panel.steps] for panel in frame.panels])
    assert all(all(holding) for holding, _ in ticks)
    assert ticks[0][1] == [False, True, True, False, False]
    assert not any(any(failing) for _, failing in ticks[1:])


def test_a_thinned_unit_neither_answers_nor_learns():
    network = tied.equal_rows((0.5, 0.5))
    mask = np.array([[1.0], [0.0]])
    thinned = tied._thinned(network.activation, mask)
    z = np.full((2, 3), 0.7)
    assert (thinned(z)[0] == network.activation(z)[0]).all()
    assert (thinned.derivative(z)[0] == network.activation.derivative(z)[0]).all()
    assert not thinned(z)[1].any()
    assert not thinned.derivative(z)[1].any()


def test_participation_ratio_of_known_rows():
    assert tied.participation_ratio(np.zeros((3, 2))) == 0
    assert tied.participation_ratio(np.ones((3, 5))) == pytest.approx(1, abs=1e-12)
    assert tied.participation_ratio(np.eye(4)) == pytest.approx(4, abs=1e-12)
