"""R61 to R64: the complete example; verdicts, sound evidence, broken code."""

from __future__ import annotations

import numpy as np
import pytest

from symbreak import initializers
from symbreak.lesson import example
from symbreak.network import course

VERDICTS = {"R61": "convention", "R62": "convention", "R63": "true", "R64": "true"}


def test_every_claim_has_its_row():
    assert [claim.id for claim in example.CLAIMS] == ["R33", *VERDICTS]


@pytest.mark.parametrize("id", VERDICTS)
def test_verdicts(id, verdict_of):
    assert verdict_of(id) == VERDICTS[id]


@pytest.mark.parametrize("id", VERDICTS)
def test_evidence_is_sound(id, faults_beyond_the_claim):
    assert faults_beyond_the_claim(id) == []


def given_back(monkeypatch, change):
    """The house's function gives back something else."""
    honest = course.initialize_parameters

    def initialize_parameters(n_x, n_h, n_y, **how):
        """Return W1, b1, W2, b2 for n_x, n_h, n_y."""
        return change(honest(n_x, n_h, n_y, **how))

    monkeypatch.setattr(course, "initialize_parameters", initialize_parameters)


def keys_in_capitals(monkeypatch):
    given_back(monkeypatch, lambda made: {key.upper(): value for key, value in made.items()})


def other_arguments(monkeypatch):
    monkeypatch.setattr(
        course, "initialize_parameters", lambda sizes, *rest, **how: course.initialize_parameters_zeros((sizes, *rest))
    )


def flat_biases(monkeypatch):
    given_back(monkeypatch, lambda made: made | {"b1": made["b1"].ravel()})


def transposed_weights(monkeypatch):
    given_back(monkeypatch, lambda made: made | {"W1": made["W1"].T})


def no_docstring(monkeypatch):
    monkeypatch.setattr(course.initialize_parameters, "__doc__", None)


def randn_a_hundred_times_as_large(monkeypatch):
    honest = np.random.randn
    monkeypatch.setattr(np.random, "randn", lambda *shape: 100 * honest(*shape))


def a_mean_that_is_not_zero(monkeypatch):
    given_back(monkeypatch, lambda made: made | {"W1": made["W1"] + 0.001})


def sqrt_2_too_wide(monkeypatch):
    honest = initializers.get
    monkeypatch.setattr(initializers, "get", lambda name: honest(str(name).replace("0.01)", f"{0.01 * 2**0.5})")))


MUTANTS = [
    ("R61", other_arguments),
    ("R61", keys_in_capitals),
    ("R62", flat_biases),
    ("R62", no_docstring),
    ("R63", transposed_weights),
    ("R63", flat_biases),
    ("R64", randn_a_hundred_times_as_large),
    ("R64", a_mean_that_is_not_zero),
    ("R64", sqrt_2_too_wide),
]


@pytest.mark.parametrize(("id", "how"), MUTANTS, ids=lambda value: getattr(value, "__name__", value))
def test_broken_code_is_noticed(id, how, broken):
    assert broken(id, how) is not None
