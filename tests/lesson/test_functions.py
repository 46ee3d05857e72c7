"""R89 to R93: what one can do; verdicts, sound evidence, broken code."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symbreak.lesson import functions
from symbreak.network import course, propagation
from symbreak.numerics import activations

VERDICTS = {
    "R89": "true",
    "R90": "true",
    "R91": "true",
    "R92": "true",
    "R93": "true",
}


def test_every_claim_has_its_row():
    assert [claim.id for claim in functions.CLAIMS] == list(VERDICTS)


@pytest.mark.parametrize("id", VERDICTS)
def test_verdicts(id, verdict_of):
    assert verdict_of(id) == VERDICTS[id]


@pytest.mark.parametrize("id", VERDICTS)
def test_evidence_is_sound(id, faults_beyond_the_claim):
    assert faults_beyond_the_claim(id) == []


def hidden_size_ignored(monkeypatch):
    monkeypatch.setattr(course, "layer_sizes", lambda X, Y, n_h=4: (len(X), 5, len(Y)))


def without_biases(monkeypatch):
    honest = course.forward_propagation

    def forward_propagation(x, parameters):
        return honest(x, {**parameters, "b1": 0 * parameters["b1"]})

    monkeypatch.setattr(course, "forward_propagation", forward_propagation)


def slope_forgotten(monkeypatch):
    """Backpropagation that takes g' = 1."""
    honest = functions.backward

    def backward(network, passed, y):
        return honest(replace(network, activation=activations.get("identity")), passed, y)

    monkeypatch.setattr(functions, "backward", backward)


def sums(monkeypatch):
    """Gradients of the summed instead of the mean loss."""
    honest = propagation.backward

    def backward(network, passed, y, **how):
        found, m = honest(network, passed, y, **how), y.shape[-1]
        return replace(found, weights=tuple(m * w for w in found.weights), biases=tuple(m * b for b in found.biases))

    monkeypatch.setattr(propagation, "backward", backward)
    monkeypatch.setattr(functions, "backward", backward)


def uphill(monkeypatch):
    def update(parameters, gradients, learning_rate):
        return {key: value + learning_rate * gradients[f"d{key}"] for key, value in parameters.items()}

    monkeypatch.setattr(course, "update_parameters", update)


BROKEN = (
    ("R89", hidden_size_ignored),
    ("R90", "initialize transposes"),
    ("R90", "initialize enlarges"),
    ("R90", "biases start at one"),
    ("R91", without_biases),
    ("R92", slope_forgotten),
    ("R92", sums),
    ("R93", uphill),
    ("R93", sums),
)


@pytest.mark.parametrize(("id", "how"), BROKEN, ids=lambda value: getattr(value, "__name__", value))
def test_broken_code_changes_the_verdict(id, how, broken):
    assert broken(id, how) is not None


def test_every_claim_has_broken_code():
    assert {id for id, _ in BROKEN} == set(VERDICTS)
