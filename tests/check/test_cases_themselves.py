"""Every case is what its story says: shown by building, measuring and training it, without any rule."""

from __future__ import annotations

import math
import time
from collections import Counter

import pytest
import torch
from check import suites, truths
from check.cases import INFO_SLUGS, SLUGS, Case, Truth
from check.nets import fill, he

SECONDS = 0.3  # a case is small; the slack below is for a busy machine
SLACK = 10


@pytest.mark.parametrize("case", [*suites.BAD, *suites.SOUND], ids=lambda case: case.name)
def test_the_story_is_true(case: Case):
    case.truth(case)


@pytest.mark.parametrize("case", [*suites.BAD, *suites.SOUND], ids=lambda case: case.name)
def test_a_case_is_small_told_and_leaves_the_random_state(case: Case):
    state, start = torch.get_rng_state(), time.process_time()
    case.build()
    assert time.process_time() - start < SECONDS * SLACK
    assert torch.equal(state, torch.get_rng_state())
    assert len(case.story.split()) >= 3


def test_names_are_distinct():
    counts = Counter(case.name for case in (*suites.BAD, *suites.SOUND))
    assert max(counts.values()) == 1


def test_every_slug_has_two_bad_cases():
    counts = Counter(slug for case in suites.BAD for slug in case.expect)
    assert set(counts) == SLUGS
    assert min(counts.values()) >= 2


def test_zeros_that_are_right_are_to_be_explained():
    assert {case.explains for case in suites.SOUND} >= INFO_SLUGS


def test_there_are_enough():
    assert len(suites.BAD) >= 45
    assert len(suites.SOUND) >= 45


NAMED = {case.name: case for case in (*suites.BAD, *suites.SOUND)}
REFUSED = {
    "units differ": (truths.tied("0.weight"), "two-layers-by-default"),
    "it moves": (truths.frozen("0.weight"), "two-layers-by-default"),
    "not the same bits": (truths.bit_equal("0.weight", "2.weight"), "three-layers-by-default"),
    "nothing moves": (truths.learns(), "zero-weights"),
    "the adapter is stuck": (truths.learns(to=2.0), "lora-with-both-factors-zero"),
    "too deep to learn": (truths.learns(), "fifty-relu-layers-by-default"),
    "the cure does nothing": (truths.behind(lambda task: None), "weights-of-a-millionth"),
    "there is nothing to cure": (truths.behind(lambda task: fill(task.network, he)), "he-ten-layers"),
    "the loss starts well": (truths.starts_above(math.log(4), 1.5), "two-layers-by-default"),
    "shapes agree": (truths.broadcasts, "standardized-regression"),
    "all is finite": (truths.breaks, "two-layers-by-default"),
    "the signal arrives": (truths.signal("0", "18", below=0.01), "he-ten-layers"),
    "the gradient arrives": (truths.gradient("0.weight", "18.weight", below=1e-3), "he-ten-layers"),
    "inputs differ": (truths.alike("16"), "he-ten-layers"),
    "not saturated": (truths.flat("1", low=-0.99, high=0.99), "zero-first-layer-under-tanh"),
    "alive": (truths.off("1", share=0.2), "two-layers-by-default"),
}


@pytest.mark.parametrize(("truth", "name"), REFUSED.values(), ids=REFUSED)
def test_evidence_is_not_given_where_there_is_none(truth: Truth, name: str):
    with pytest.raises(AssertionError):
        truth(NAMED[name])
