"""The tests of randomness raise false alarms as often as they say, tried at rates that can be counted."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from symbreak.grade.checks import statistics

RUNS, ENTRIES, RATE = 20_000, 50, 0.05
DEVIATIONS = 6.5  # of the count: a right count is further off with a chance below 1e-10


def counted(law: str, *, factor: float = 1.0) -> tuple[int, int]:
    """How often the mean and the standard deviation of samples raise an alarm, of RUNS."""
    rng = np.random.default_rng(1)
    draw = rng.standard_normal if law == "normal" else lambda size: rng.uniform(-math.sqrt(3), math.sqrt(3), size)
    means = deviations = 0
    for _ in range(RUNS):
        entries = factor * draw(ENTRIES)
        means += abs(statistics.mean_in_deviations(entries)) > statistics.largest_deviation()
        low, high = statistics.deviation_interval(entries)
        deviations += not low <= 1 <= high
    return means, deviations


@pytest.fixture
def countable(monkeypatch):
    monkeypatch.setattr(statistics, "RATE", RATE)


def expected_range(rate: float) -> tuple[float, float]:
    spread = DEVIATIONS * math.sqrt(RUNS * rate * (1 - rate))
    return RUNS * rate - spread, RUNS * rate + spread


def test_alarms_on_normal_entries_are_as_frequent_as_said(countable):
    means, deviations = counted("normal")
    low, high = expected_range(RATE)
    # Student's law has somewhat more in its tails than the normal law that stands in for it: at 50 entries 0.0557.
    assert low < means < expected_range(0.0557)[1]
    assert low < deviations < high


def test_alarms_on_uniform_entries_are_not_more_frequent(countable):
    assert counted("uniform")[1] < RUNS * RATE


def test_a_wrong_scale_is_noticed_there(countable):
    assert counted("normal", factor=1.5)[1] > 0.9 * RUNS


def test_the_stated_rate_is_what_a_single_test_gets():
    assert math.isclose(statistics.RATE * statistics.TESTS, statistics.FALSE_ALARMS)
    assert math.erfc(statistics.largest_deviation() / math.sqrt(2)) == pytest.approx(statistics.RATE, rel=1e-6)


def test_the_large_layers_tell_he_from_xavier():
    from symbreak.grade.plan import DEEP_LAW_SHAPES, LAW_SHAPES

    for sizes in (*LAW_SHAPES, *DEEP_LAW_SHAPES):
        entries = np.random.default_rng(0).standard_normal(min(a * b for a, b in itertools.pairwise(sizes)))
        low, high = statistics.deviation_interval(entries)
        assert high / low < math.sqrt(2)  # both cannot lie within one interval
