"""Recall on models that were broken in one place, precision on whole ones; `tools/check_mutations.py` prints both."""

from __future__ import annotations

import pytest
from check.judging import alarms, recall

RECALL = 0.95  # of all broken models; a gross fault that is missed once in twenty is the most that may be


def test_nothing_is_said_of_whole_models():
    assert {name: said for name, said in alarms(2).items() if said} == {}


@pytest.mark.slow
def test_broken_models_are_caught():
    measured = recall(1)
    assert measured.share("all") >= RECALL, "\n".join(measured.missed)
