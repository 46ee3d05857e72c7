"""Expectations with a known answer, at kinks that are named and that are not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from symbreak.errors import InvalidInput
from symbreak.numerics import expectation
from symbreak.numerics.gaussian import integral

# Some hundreds of panels are summed, each good to about one rounding of a number below 1.
ROUNDING = 1e-13


@pytest.mark.parametrize("n", range(0, 11))
def test_moments(n):
    double_factorial = math.prod(range(n - 1, 0, -2)) if n % 2 == 0 else 0
    assert expectation(lambda z: z**n) == pytest.approx(double_factorial, rel=ROUNDING, abs=ROUNDING)


@pytest.mark.parametrize("kinks", [(), (0.3,)])
@pytest.mark.parametrize(("mean", "std"), [(0, 1), (-2, 0.5), (1, 3)])
def test_a_jump_is_integrated_exactly_named_or_not(kinks, mean, std):
    probability = 0.5 * math.erfc((0.3 - mean) / std / math.sqrt(2))
    got = expectation(lambda z: (z > 0.3).astype(float), mean=mean, std=std, kinks=kinks)
    assert got == pytest.approx(probability, abs=ROUNDING)


@pytest.mark.parametrize("std", [1e-3, 1.0, 1e3])
def test_relu_at_every_scale(std):
    assert expectation(lambda z: np.maximum(z, 0), std=std) == pytest.approx(std / math.sqrt(2 * math.pi), rel=ROUNDING)


def test_a_narrow_feature_is_found():
    # E of a bump around 1: exp(-(z-1)^2 / 2w^2) convolved with the unit normal.
    w = 0.05
    exact = w / math.sqrt(1 + w * w) * math.exp(-0.5 / (1 + w * w))
    assert expectation(lambda z: np.exp(-0.5 * ((z - 1) / w) ** 2)) == pytest.approx(exact, rel=ROUNDING)


def test_no_spread_is_the_value_itself():
    assert expectation(np.cos, mean=2.0, std=0.0) == math.cos(2.0)


def test_integral_over_a_finite_interval():
    assert integral(np.exp, 0.0, 1.0) == pytest.approx(math.e - 1, rel=ROUNDING)


@pytest.mark.parametrize(("mean", "std"), [(math.nan, 1), (0, -1), (0, math.inf)])
def test_bad_distribution(mean, std):
    with pytest.raises(InvalidInput, match="standard deviation"):
        expectation(np.cos, mean=mean, std=std)


def test_bad_function():
    with pytest.raises(InvalidInput, match="finite"), np.errstate(all="ignore"):
        expectation(lambda z: np.log(z))


@pytest.mark.parametrize(
    "f",
    [lambda z: 1 / z**2, lambda z: np.exp(z * z), lambda z: np.random.default_rng().normal(size=z.shape)],
    ids=["pole", "too fast", "noise"],
)
def test_an_expectation_that_does_not_exist_is_told(f):
    with pytest.raises(InvalidInput, match=r"settle|infinite"):
        expectation(f)


def test_single_precision_is_good_enough():
    exact = expectation(lambda z: np.tanh(z) ** 2)
    assert expectation(lambda z: np.tanh(z.astype(np.float32)) ** 2) == pytest.approx(exact, rel=1e-6)
