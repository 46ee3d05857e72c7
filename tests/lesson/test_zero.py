"""R6 to R19: the zero start, its forward and backward pass; verdicts, sound evidence, broken code."""

from __future__ import annotations

import numpy as np
import pytest

from symbreak.lesson import audit, tied, zero, zero_forward, zero_gradients
from symbreak.network import course

VERDICTS = {
    "R6": "convention",
    "R6b": "false",
    "R7": "convention",
    "R8": "true if",
    "R9": "true",
    "R10": "true",
    "R11": "true",
    "R12": "true",
    "R13": "true if",
    "R14": "convention",
    "R15": "true if",
    "R16": "true if",
    "R17": "true if",
    "R18": "true",
}


def test_every_claim_has_its_row():
    claims = (*zero.CLAIMS, *zero_forward.CLAIMS, *zero_gradients.CLAIMS)
    assert [claim.id for claim in claims] == [*VERDICTS, "R19"]


@pytest.mark.parametrize("id", VERDICTS)
def test_verdicts(id, verdict_of):
    assert verdict_of(id) == VERDICTS[id]


@pytest.mark.parametrize("id", [*VERDICTS, "R19"])
def test_evidence_is_sound(id, experiment, faults):
    assert faults(experiment(id)) == []


def rows_in_the_library_at_hand(experiment):
    return experiment("R19").measured["widths_parted"]


def test_rows_part_in_a_library_that_rounds_them_otherwise(verdict_of, broken, experiment):
    """Which library is installed decides; one that has an edge, as here on purpose, parts them."""
    parted = rows_in_the_library_at_hand(experiment)
    assert verdict_of("R19") == ("true if" if parted else "true")
    edged = broken("R19", "BLAS has an edge")
    assert (edged or ("true if", ""))[0] == "true if"
    assert (broken("R19", "BLAS treats units alike") or ("true", ""))[0] == "true"


def zeros_with_a_flat_bias(monkeypatch):
    honest = course.initialize_parameters_zeros
    monkeypatch.setattr(course, "initialize_parameters_zeros", lambda dims: {**honest(dims), "b2": np.zeros(dims[-1])})


def zeros_that_are_not(monkeypatch):
    monkeypatch.setattr(
        course, "initialize_parameters_zeros", lambda dims: course.initialize_parameters_random(dims, seed=0)
    )


def the_update_climbs(monkeypatch):
    monkeypatch.setattr(
        course,
        "update_parameters",
        lambda parameters, grads, learning_rate: {k: v + learning_rate * grads[f"d{k}"] for k, v in parameters.items()},
    )


def outgoing_weights_are_equal(monkeypatch):
    honest = tied.equal_rows
    monkeypatch.setattr(tied, "equal_rows", lambda outgoing, **how: honest((0.5, 0.5), **how))


MUTANTS = [
    ("R6", "three units"),
    ("R6b", "three inputs"),
    ("R7", zeros_with_a_flat_bias),
    ("R7", zeros_that_are_not),
    ("R8", "g(0) is not 0"),
    ("R8", "nothing is updated"),
    ("R8", "zeros are random"),
    ("R9", "zeros are random"),
    ("R10", "zeros are random"),
    ("R10", "g(0) is not 0"),
    ("R11", "units answer differently"),
    ("R11", "the update unties"),
    ("R12", "units answer differently"),
    ("R12", "the update unties"),
    ("R13", "units answer differently"),
    ("R13", outgoing_weights_are_equal),
    ("R14", "zeros are random"),
    ("R15", "units slope differently"),
    ("R15", outgoing_weights_are_equal),
    ("R16", "units slope differently"),
    ("R16", outgoing_weights_are_equal),
    ("R17", "g(0) is not 0"),
    ("R17", "constants are random"),
    ("R18", the_update_climbs),
    ("R19", "unit-alike arithmetic has an edge"),
]


@pytest.mark.parametrize(("id", "how"), MUTANTS)
def test_broken_code_changes_the_verdict(id, how, broken):
    assert broken(id, how)


def test_dead_centre_names_the_factor_that_is_zero():
    frames = audit.find("R8").experiment().figure.frames
    at_start, end = (frame.panels[0].heights for frame in (frames[0], frames[-1]))
    pulled, slope, _, gradient = at_start.T
    assert not pulled.any()
    assert not gradient.any()
    assert slope[0] == 1
    assert gradient.shape == (4,)
    assert end[-1, -1] > 0  # sigmoid units have left
    assert not end[:-1, -1].any()
