"""The rules of `check` are silent on starts whose fault was a size, once calibrated; sound ones stay sound."""

from __future__ import annotations

import warnings

import pytest
from check.suites import BAD, SOUND

from symbreak import check
from symbreak.torch.calibrating import calibrate_

SCALE = frozenset(
    {
        "wrong-scale",
        "exploding-signal",
        "vanishing-signal",
        "exploding-gradient",
        "vanishing-gradient",
        "saturated-units",
        "loss-at-init",
        "plateau",
    }
)
# What no factor can mend, and why.
OTHERWISE = {
    "constant-with-a-breath-of-noise": "all units are one unit",
    "one-positive-in-a-thousand": "the head's bias",
    "hundred-labels-of-one-percent": "the head's bias",
    "classes-98-1-1": "the head's bias",
    "targets-around-300": "the head's bias",
    "temperatures-in-kelvin": "the head's bias",
    "value-head-for-undiscounted-returns": "the head's bias",
    "segmentation-of-small-lesions": "the head's bias",
    "generator-that-paints-black-and-white": "the mean of the pictures, which the head's bias would have to know",
    "cross-entropy-of-probabilities": "the loss",
    "sigmoid-before-a-loss-that-has-its-own": "the loss",
    "towers-that-are-not-normalized": "the missing normalization before the loss",
    "fifty-relu-layers-by-default": "all inputs point one way, whatever the sizes",
    "sixty-he-layers": "all inputs point one way, whatever the sizes",
    "recurrent-language-model-with-a-tied-standard-normal": "logits of moderate size stay, which the rule still hears",
    "forty-hops-of-averaging": "averaging makes all nodes one",
    "highway-gate-that-never-opens": "a bias that may be meant",
    "truncated-normal-with-outliers": "values that are no normal's",
    "factorization-from-almost-zero": "tables, which are left",
    "tensor-factors-of-a-ten-thousandth": "tables, which are left",
    "a-sweep-that-zeroes-every-vector": "zeros",
}
REPAIRED = [case for case in BAD if case.expect & SCALE and case.name not in OTHERWISE]
SOME = ("ten-tanh", "relu-layers-of", "residual-stack", "depthwise", "attention-that", "weights-of", "language-head")


def loud(task, model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {finding.rule for finding in check(model, *task[1:]).findings if finding.severity != "info"}


def judge(case):
    """Return what is said of a case before and after."""
    task = case.build()
    model = task.network
    before = loud(task, model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        calibrate_(model, task.x)
    return before, loud(task, model)


def test_there_are_enough():
    assert len(REPAIRED) >= 30
    assert set(OTHERWISE) <= {case.name for case in BAD}


@pytest.mark.parametrize("case", [c for c in REPAIRED if c.name.startswith(SOME)], ids=lambda case: case.name)
def test_silence_after_repair(case):
    before, after = judge(case)
    assert before & case.expect
    assert not after


@pytest.mark.slow
@pytest.mark.parametrize("case", [c for c in REPAIRED if not c.name.startswith(SOME)], ids=lambda case: case.name)
def test_silence_after_every_repair(case):
    before, after = judge(case)
    assert before & case.expect
    assert not after


@pytest.mark.slow
@pytest.mark.parametrize("case", SOUND, ids=lambda case: case.name)
def test_sound_starts_stay_sound(case):
    before, after = judge(case)
    assert after <= before
