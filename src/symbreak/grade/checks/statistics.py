"""How far an estimate may be from the truth, at a false-alarm rate that is stated."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainccinv, gammaincinv

FALSE_ALARMS = 1e-9
"""The chance that right code fails any test of randomness in one grading."""

TESTS = 100
"""More tests of randomness than one grading makes: 4 functions, 2 shapes, up to 3 layers, a mean and a variance."""

RATE = FALSE_ALARMS / TESTS
"""Of a single test. By Boole's inequality it does not matter how the tests depend on each other."""

FEWEST = 100
"""Entries below which a mean is not tested: its law is then far from normal out here, nine digits into the tail."""


def mean_in_deviations(entries: NDArray[Any]) -> float:
    """Return the mean in standard deviations of a mean: about N(0, 1) for independent entries of mean 0."""
    spread = float(entries.std(ddof=1))
    return float(entries.mean()) / (spread / math.sqrt(entries.size)) if spread else math.inf


def largest_deviation() -> float:
    """Return the deviation that independent entries of mean 0 exceed with probability `RATE`.

    >>> round(largest_deviation(), 2)
    6.81
    """
    return -NormalDist().inv_cdf(RATE / 2)


def deviation_interval(entries: NDArray[Any]) -> tuple[float, float]:
    """Return the interval that holds the standard deviation of independent normal entries but for a chance of `RATE`.

    (n - 1) s^2 / sigma^2 has a chi-square law with n - 1 degrees of freedom. Uniform entries and truncated normal ones
    have lighter tails, so that their interval is narrower than this one.

    >>> low, high = deviation_interval(np.tile([-1.0, 1.0], 1000))
    >>> round(low, 2), round(high, 2)
    (0.9, 1.12)
    """
    freedom = entries.size - 1
    squares = freedom * float(entries.var(ddof=1))
    highest = 2 * float(gammainccinv(freedom / 2, RATE / 2))
    lowest = 2 * float(gammaincinv(freedom / 2, RATE / 2))
    return math.sqrt(squares / highest), math.sqrt(squares / lowest) if lowest else math.inf


def usable(entries: NDArray[Any]) -> bool:
    """Return whether entries are random enough to estimate from: two or more that are not all the same."""
    return entries.size > 1 and bool(np.ptp(entries) > 0)
