"""R29 to R42: random starts and zero biases; verdicts, sound evidence, broken code."""

from __future__ import annotations

import numpy as np
import pytest

from symbreak import initializers
from symbreak.lesson import audit, biases, breaking, scales, solution
from symbreak.network import Network, network
from symbreak.numerics import activations

VERDICTS = {
    "R29": "false",
    "R30": "convention",
    "R31": "true if",
    "R32": "convention",
    "R33": "true",
    "R34": "true",
    "R35": "convention",
    "R36": "true",
    "R37": "true",
    "R38": "true",
    "R39": "true",
    "R40": "true",
    "R41": "true if",
    "R42": "false",
}


def test_every_claim_has_its_row():
    claims = {claim.id for claim in (*solution.CLAIMS, *breaking.CLAIMS, *biases.CLAIMS)}
    assert claims == set(VERDICTS) - {"R33"}


@pytest.mark.parametrize("id", VERDICTS)
def test_verdicts(id, verdict_of):
    assert verdict_of(id) == VERDICTS[id]


@pytest.mark.parametrize("id", VERDICTS)
def test_evidence_is_sound(id, faults_beyond_the_claim):
    assert faults_beyond_the_claim(id) == []


def randn_takes_a_tuple(monkeypatch):
    monkeypatch.setattr(np.random, "randn", lambda *shape: np.zeros(shape[0] if len(shape) == 1 else shape))


def randn_is_constant(monkeypatch):
    monkeypatch.setattr(np.random, "randn", lambda *shape: np.ones(shape))


def the_factor_counts_twice(monkeypatch):
    honest = initializers.normal
    monkeypatch.setattr(initializers, "normal", lambda scale: honest(scale**2 if scale != 1 else 2.0))


def any_shape_will_do(monkeypatch):
    monkeypatch.setattr(network, "_check_chain", lambda weights, biases: None)


def every_activation_is_tanh(monkeypatch):
    honest = activations.get
    monkeypatch.setattr(activations, "get", lambda name: honest("tanh"))


def every_start_is_constant(monkeypatch):
    honest = Network.initialize.__func__
    monkeypatch.setattr(
        Network, "initialize", classmethod(lambda cls, sizes, init, **how: honest(cls, sizes, "constant(0.01)", **how))
    )


def the_example_repeats_a_row(monkeypatch):
    monkeypatch.setattr(scales, "EXAMPLE_W1", scales.EXAMPLE_W1[[0, 0]])


def activations_are_constant(monkeypatch):
    honest = activations.Activation.__call__
    monkeypatch.setattr(
        activations.Activation, "__call__", lambda self, z, **how: np.full_like(honest(self, z, **how), 0.5)
    )


def biases_are_not_far(monkeypatch):
    monkeypatch.setattr(biases, "FAR", 0.0)


MUTANTS = [
    ("R29", randn_takes_a_tuple),
    ("R30", the_factor_counts_twice),
    ("R31", any_shape_will_do),
    ("R32", every_activation_is_tanh),
    ("R33", randn_is_constant),
    ("R34", every_start_is_constant),
    ("R34", activations_are_constant),
    ("R35", the_example_repeats_a_row),
    ("R36", every_start_is_constant),
    ("R36", the_example_repeats_a_row),
    ("R37", every_start_is_constant),
    ("R37", activations_are_constant),
    ("R38", every_start_is_constant),
    ("R39", every_start_is_constant),
    ("R40", every_start_is_constant),
    ("R41", the_example_repeats_a_row),
    ("R42", biases_are_not_far),
]


@pytest.mark.parametrize(("id", "how"), MUTANTS, ids=lambda value: getattr(value, "__name__", value))
def test_broken_code_is_noticed(id, how, broken):
    assert broken(id, how) is not None


def test_the_slide_quotes_what_numpy_says(experiment):
    with pytest.raises(TypeError) as complaint:
        np.random.randn((2, 2))
    assert str(complaint.value) in experiment("R29").explanation


def test_the_listing_and_the_house_draw_the_same(experiment):
    assert experiment("R33").measured["same_bits_as_the_house"]


@pytest.mark.parametrize("id", ["R29", "R33", "R64"])
def test_numpys_global_generator_is_left_as_it_was(id):
    before = np.random.get_state()
    audit.find(id).experiment()
    assert all(np.array_equal(*pair) for pair in zip(before, np.random.get_state(), strict=True))


def test_the_dial_covers_the_factors_asked_for(experiment):
    figure = experiment("R30").figure
    assert figure.dial
    assert figure.frames[0].label == "0.0001"
    assert figure.frames[-1].label == "1000"


def test_units_from_a_tiny_start_run_along_one_line_first(experiment):
    measured = experiment("R39").measured
    assert measured["greatest_least_cosine_at_0_0001"] > 0.99 > measured["greatest_least_cosine_at_1"]
