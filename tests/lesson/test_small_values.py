"""R43 to R60: factors, saturation, the output and ReLU; verdicts, sound evidence, broken code."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from symbreak import initializers
from symbreak.lesson import output_layer, relu, saturation, scales, small_values, vanishing
from symbreak.network import losses
from symbreak.numerics import activations

VERDICTS = {
    "R43": "true",
    "R44": "true",
    "R45": "true",
    "R46": "true",
    "R47": "true",
    "R48": "true if",
    "R49": "true if",
    "R50": "true",
    "R51": "true",
    "R52": "convention",
    "R53": "true if",
    "R54": "true if",
    "R55": "true",
    "R56": "true if",
    "R57": "true",
    "R58": "true",
    "R59": "true if",
    "R60": "true if",
}
ROOMS = (small_values, vanishing, saturation, output_layer, relu)


def test_every_claim_has_its_row():
    assert {claim.id for room in ROOMS for claim in room.CLAIMS} == set(VERDICTS)


@pytest.mark.parametrize("id", VERDICTS)
def test_verdicts(id, verdict_of):
    assert verdict_of(id) == VERDICTS[id]


@pytest.mark.parametrize("id", VERDICTS)
def test_evidence_is_sound(id, faults_beyond_the_claim):
    assert faults_beyond_the_claim(id) == []


def changed(monkeypatch, **functions):
    """Every activation has these functions in place of its own."""
    honest = activations.get
    monkeypatch.setattr(activations, "get", lambda name: dataclasses.replace(honest(name), **functions))


def every_slope_is_1(monkeypatch):
    changed(monkeypatch, slope=lambda z, a, m: np.ones_like(z))


def slopes_are_a_percent_off(monkeypatch):
    honest = activations.get
    monkeypatch.setattr(
        activations,
        "get",
        lambda name: dataclasses.replace(honest(name), slope=lambda z, a, m: 1.01 * honest(name).slope(z, a, m)),
    )


def values_are_a_part_in_a_million_off(monkeypatch):
    honest = activations.get
    monkeypatch.setattr(
        activations,
        "get",
        lambda name: dataclasses.replace(honest(name), evaluate=lambda z, m: (1 + 1e-6) * honest(name).evaluate(z, m)),
    )


def every_activation_leaks(monkeypatch):
    leak = {"evaluate": lambda z, m: np.where(z > 0, z, 0.01 * z), "slope": lambda z, a, m: np.where(z > 0, 1.0, 0.01)}
    changed(monkeypatch, **leak)


def every_factor_is_small(monkeypatch):
    honest = initializers.normal
    monkeypatch.setattr(initializers, "normal", lambda scale=0.01: honest(0.01))


def randn_is_a_hundred_times_as_large(monkeypatch):
    honest = initializers.get
    monkeypatch.setattr(
        initializers, "get", lambda name: initializers.normal(1.0) if name == "normal(0.01)" else honest(name)
    )


def gradients_of_the_losses_are_swapped(monkeypatch):
    one, other = losses.CATALOGUE["cross-entropy"], losses.CATALOGUE["squared-error(sigmoid)"]
    for loss, gradient in ((one, other.gradient), (other, one.gradient)):
        monkeypatch.setitem(losses.CATALOGUE, loss.text, dataclasses.replace(loss, gradient=gradient))


def the_output_is_tanh(monkeypatch):
    loss = losses.CATALOGUE["cross-entropy"]
    changed = dataclasses.replace(loss, output=lambda z, m: m.tanh(z))
    monkeypatch.setitem(losses.CATALOGUE, loss.text, changed)


MUTANTS = [
    ("R43", every_factor_is_small),
    ("R44", every_slope_is_1),
    ("R44", every_factor_is_small),
    ("R45", values_are_a_part_in_a_million_off),
    ("R46", every_slope_is_1),
    ("R47", every_slope_is_1),
    ("R47", slopes_are_a_percent_off),
    ("R48", every_slope_is_1),
    ("R49", values_are_a_part_in_a_million_off),
    ("R50", every_slope_is_1),
    ("R51", every_slope_is_1),
    ("R51", slopes_are_a_percent_off),
    ("R52", every_slope_is_1),
    ("R53", every_factor_is_small),
    ("R54", randn_is_a_hundred_times_as_large),
    ("R55", the_output_is_tanh),
    ("R56", gradients_of_the_losses_are_swapped),
    ("R57", every_activation_leaks),
    ("R58", slopes_are_a_percent_off),
    ("R59", every_activation_leaks),
    ("R60", every_factor_is_small),
]


@pytest.mark.parametrize(("id", "how"), MUTANTS, ids=lambda value: getattr(value, "__name__", value))
def test_broken_code_is_noticed(id, how, broken):
    assert broken(id, how) is not None


def test_the_exact_formulas_are_those_of_the_lesson():
    z = np.array([-2.0, 0.5])
    assert np.allclose(saturation.exact("sigmoid", z), 1 / (1 + np.exp(-z)), rtol=1e-15)
    assert np.allclose(saturation.exact("tanh", z), np.tanh(z), rtol=1e-15)


def test_0_01_is_not_the_fastest_factor(experiment):
    measured = experiment("R43").measured
    assert measured["fastest_factor_planar"] != scales.SMALL
    assert measured["updates_to_target_of_the_fastest_planar"] < measured["updates_to_target_planar_at_0_01"]


def test_the_factor_that_is_missing_differs_between_centre_and_edges(experiment):
    measured = experiment("R48").measured
    assert measured["pulled_back_zeros"] == 0 < measured["pulled_back_first_only_at_100"]
    assert measured["slope_zeros"] == 1 > 0.01 > measured["slope_first_only_at_100"]


@pytest.mark.parametrize(("id", "control"), [("R53", "large weights in"), ("R56", "loss"), ("R58", "g'(0)")])
def test_figures_with_a_switch(id, control, experiment):
    assert experiment(id).figure.control == control
    assert len(experiment(id).figure.frames) >= 2
