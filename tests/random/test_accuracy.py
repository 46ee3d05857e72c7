"""The inverse normal against high-precision references, and mutants of its coefficients."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from symbreak.random import exact, transform, truncation
from symbreak.random.transform import TAIL_BELOW, centre, tail, tail_integer

# `tools/normal_error.py --all` tries every one of the 2^32 words; this is the maximum it finds, rounded up.
# Each of the coefficients moves some value further than this when it is wrong by 1e-4 (the mutants below).
MOST_ULPS_CENTRE = 3.0
# In the tail one rounding of a value that is right to 6e-11 relative: that is 2^-34, a thousandth of an ulp.
MOST_ULPS_TAIL = 0.5 + 0.002


def ulps(value, truth):
    return np.abs(value - truth) / np.spacing(np.abs(truth).astype(np.float32)).astype(np.float64)


def centre_words() -> np.ndarray:
    """Every 9973rd word, all around the ends of the centre and around zero, and log-spaced words."""
    spread = np.arange(-(2**31), 2**31, 9973)
    ends = np.r_[-5000:5000, 2**31 - TAIL_BELOW - 5000 : 2**31 - TAIL_BELOW]
    logarithmic = (2.0 ** np.linspace(0, 31, 50_000)).astype(np.int64) - 1
    upper = np.concatenate([spread, ends, -ends - 1, logarithmic, -logarithmic - 1]).astype(np.int32)
    return upper[tail_integer(upper) >= TAIL_BELOW]


WORDS = centre_words()
CENTRE_TRUTH = np.where(WORDS < 0, 1, -1) * ndtri((tail_integer(WORDS) + 0.5) * 2.0**-32)
BEYOND = (2.0 ** np.linspace(0, 53, 100_000)).astype(np.int64) - 1
TAIL_TRUTH = -ndtri(((BEYOND >> 32) + ((BEYOND & 0xFFFFFFFF) + 0.5) * 2.0**-32) * 2.0**-32)


def centre_is_accurate() -> bool:
    return bool(ulps(centre(WORDS), CENTRE_TRUTH).max() <= MOST_ULPS_CENTRE)


def tail_is_accurate() -> bool:
    return bool(ulps(tail(2**63 - 1 - BEYOND), TAIL_TRUTH).max() <= MOST_ULPS_TAIL)


def test_the_centre():
    assert centre_is_accurate()


def test_the_tail():
    assert tail_is_accurate()
    assert tail(np.array([2**63 - 1]))[0] > 9.1


def test_the_tail_is_odd():
    np.testing.assert_array_equal(tail(2**63 - 1 - BEYOND), -tail(-(2**63) + BEYOND))


def test_the_truth_is_true():
    with mpmath.workdps(40):
        for t in 2.0 ** np.linspace(-64, -0.01, 50):
            value = mpmath.sqrt(2) * mpmath.erfinv(1 - mpmath.mpf(float(t)))
            assert abs(-ndtri(t / 2) / value - 1) < 1e-13


def test_centre_and_tail_meet():
    """At the border the two formulas agree within the centre's error."""
    upper = np.int32(2**31 - 1 - TAIL_BELOW)
    meeting = tail(np.array([(int(upper) << 32) | 2**31]))
    assert ulps(centre(np.array([upper])), meeting.astype(np.float64))[0] <= MOST_ULPS_CENTRE + 1


@pytest.mark.parametrize("name", ["CENTRE_P", "CENTRE_Q", "CENTRE_ROOT", "CENTRE_SLOPE"])
@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize("factor", [1 + 1e-4, 1 - 1e-4])
def test_mutant_coefficients_of_the_centre_are_caught(monkeypatch, name, place, factor):
    value = getattr(transform, name)
    if isinstance(value, tuple):
        mutant = tuple(np.float32(c * factor) if i == place else c for i, c in enumerate(value))
    else:
        mutant = np.float32(value * factor)
    monkeypatch.setattr(transform, name, mutant)
    assert not centre_is_accurate()


@pytest.mark.parametrize("name", ["TAIL_P", "TAIL_Q"])
@pytest.mark.parametrize("place", range(8))
def test_mutant_coefficients_of_the_tail_are_caught(monkeypatch, name, place):
    value = getattr(transform, name)
    monkeypatch.setattr(transform, name, tuple(c * (1 + 1e-4) if i == place else c for i, c in enumerate(value)))
    assert not tail_is_accurate()


def mills_is_accurate() -> bool:
    z = np.r_[2.5:10:400j, 12, 20, 37, 1e3, 1e6]
    truth = np.array([exact.mills(float(a)) for a in z])
    return bool(np.abs(truncation.mills_ratio(z) / truth - 1).max() < 2e-12)


def test_mills_ratio():
    assert mills_is_accurate()


@pytest.mark.parametrize("name", ["MILLS_P", "MILLS_Q"])
@pytest.mark.parametrize("place", range(6))
def test_mutant_coefficients_of_mills_ratio_are_caught(monkeypatch, name, place):
    value = getattr(truncation, name)
    monkeypatch.setattr(truncation, name, tuple(c * (1 + 1e-4) if i == place else c for i, c in enumerate(value)))
    assert not mills_is_accurate()


def test_the_portable_logarithm():
    v = np.r_[2.0 ** np.linspace(-1000, 0, 5001), np.linspace(0.5, 1.5, 5001)]
    v = v[v != 1]
    assert np.abs(truncation.log(v) / np.log(v) - 1).max() < 8 * 2.0**-53


@pytest.mark.parametrize("a", [0.0, 1e-300, 1e-9, 0.3, 1, 2, 5, 7.99, 8, 8.01, 9.9, 10, 11, math.inf])
def test_positions_are_correctly_rounded(a):
    with mpmath.workdps(60):
        truth = mpmath.erf(mpmath.mpf(a) / mpmath.sqrt(2)) * 2**63
        assert exact.position(a) == int(mpmath.nint(truth))
    assert exact.position(-a) == -exact.position(a)


@pytest.mark.parametrize("interval", [(2.5, 3), (5, 6), (5, 5 + 1e-9), (40, 41), (3, math.inf), (1e5, 1e5 + 1e-5)])
def test_tail_ratios_are_correctly_rounded(interval):
    with mpmath.workdps(80):
        near, far = (mpmath.erfc(mpmath.mpf(a) / mpmath.sqrt(2)) if math.isfinite(a) else 0 for a in interval)
        assert exact.tail_ratio(*interval) == float(far / near)


@pytest.mark.parametrize(
    "interval",
    [(-2, 2), (-1, 5), (0, math.inf), (-math.inf, 1), (5, 6), (-6, -5), (1e3, math.inf), (-1e9, 2), (0, 1e-12)],
)
def test_standard_deviations(interval):
    with mpmath.workdps(120):
        a, b = map(mpmath.mpf, interval)
        phi = mpmath.npdf
        mass = (mpmath.erfc(a / mpmath.sqrt(2)) - mpmath.erfc(b / mpmath.sqrt(2))) / 2
        ends = (0 if mpmath.isinf(a) else a * phi(a)) - (0 if mpmath.isinf(b) else b * phi(b))
        variance = 1 + ends / mass - ((phi(a) - phi(b)) / mass) ** 2
        assert truncation.standard_deviation(*interval) == pytest.approx(float(mpmath.sqrt(variance)), rel=3e-16)


TAILS = [(5, 6), (2.5, 2.6), (-6, -5), (40, math.inf), (2.5, math.inf), (8, 12)]


@pytest.mark.parametrize(("low", "high"), TAILS)
def test_far_values_solve_their_equation(low, high):
    """P(near < Z < value) / P(near < Z < far) is the uniform that the words stand for."""
    from symbreak.random import philox
    from symbreak.random.keys import key_of

    flat, key = np.arange(300), key_of(0, "")
    values = truncation.plan(low, high).values(key, flat)
    part = truncation.unit(philox.words(key, flat), philox.words(key, flat, plane=1))
    with mpmath.workdps(50):
        q = [mpmath.erfc(mpmath.mpf(a) / mpmath.sqrt(2)) / 2 for a in (low, high)]
        for value, u in zip(values, part, strict=True):
            z = mpmath.mpf(float(value))
            share = (q[0] - mpmath.erfc(z / mpmath.sqrt(2)) / 2) / (q[0] - q[1])
            density = mpmath.npdf(z) / (q[0] - q[1])
            assert abs(share - mpmath.mpf(float(u))) <= density * (0.501 * float(np.spacing(abs(value)))) + 1e-14


def test_narrow_values_are_accurate():
    plan = truncation.plan(0.5, 0.501)
    from symbreak.random import philox
    from symbreak.random.keys import key_of

    flat, key = np.arange(20_000), key_of(0, "")
    part = truncation.unit(philox.words(key, flat), philox.words(key, flat, plane=1))
    ends = ndtr([0.5, 0.501])
    truth = ndtri(ends[0] + part * (ends[1] - ends[0]))
    assert ulps(plan.values(key, flat), truth).max() < 0.6
