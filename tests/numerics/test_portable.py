"""The portable functions: accurate, the same in NumPy and compiled, and quiet at the ends of the range."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import scipy.special

from symbreak.numerics import kernels, portable, reference

# Units in the last place that each formula may lose, from counting its roundings: one for the leading operation, one
# for each further operation on a term of the result's own size.
LIMITS = {"exp": 2.0, "expm1": 3.0, "log": 1.0, "log1p": 2.0, "tanh": 3.5, "normal_cdf": 6.0}
EXACT = {
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "tanh": mpmath.tanh,
    "normal_cdf": mpmath.ncdf,
}
SPECIAL = np.array(
    [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 2.0, 709.78, 710.0, -745.0, -746.0, 1000.0, -1000.0, 1e300, -1e300]
)
SPECIAL = np.append(SPECIAL, [5e-324, -5e-324, 1e-310, 2.0**-1022])


def arguments(name: str, count: int = 1500) -> np.ndarray:
    rng = np.random.default_rng(0)
    near, wide = rng.normal(size=count), rng.uniform(-30, 30, count)
    tiny = rng.normal(size=count) * 10.0 ** rng.integers(-12, 0, count)
    points = np.concatenate([near, wide, tiny])
    if name in ("log", "log1p"):
        return np.concatenate([np.abs(points), np.exp(wide)]) + (name == "log") * 1e-300
    return points


def worst_ulp(function, name: str) -> float:
    with mpmath.workdps(40):
        xs = arguments(name)
        got = function(xs)
        exact = [EXACT[name](mpmath.mpf(float(x))) for x in xs]
        errors = [
            abs(mpmath.mpf(float(y)) - t) / float(np.spacing(abs(float(t)))) for y, t in zip(got, exact, strict=True)
        ]
        return float(max(errors))


@pytest.mark.parametrize("name", EXACT)
def test_error_stays_within_its_count_of_roundings(name):
    assert worst_ulp(getattr(reference, name), name) <= LIMITS[name]


@pytest.mark.parametrize("name", ["exp", "tanh", "log", "normal_cdf"])
def test_a_disturbed_coefficient_is_noticed(name, monkeypatch):
    terms = {"exp": "EXPM1_TERMS", "tanh": "EXPM1_TERMS", "log": "LOG_TERMS", "normal_cdf": "ERFCX_TERMS"}[name]
    coefficients = list(getattr(reference, terms))
    coefficients[len(coefficients) // 2] *= 1 + 1e-4
    if name == "normal_cdf":
        coefficients = [*coefficients[:1], coefficients[1] * (1 + 1e-12), *coefficients[2:]]
    monkeypatch.setattr(reference, terms, tuple(coefficients))
    assert worst_ulp(getattr(reference, name), name) > LIMITS[name]


@pytest.mark.parametrize("name", EXACT)
def test_kernels_have_the_bits_of_the_reference(name):
    rng = np.random.default_rng(1)
    spread = rng.normal(size=40_000) * rng.choice([1e-9, 1e-3, 1.0, 30.0, 700.0], 40_000)
    x = np.concatenate([spread, SPECIAL])
    out = np.empty_like(x)
    getattr(kernels, name)(x, out)
    expected = getattr(reference, name)(x)
    same = (out.view(np.int64) == expected.view(np.int64)) | (np.isnan(out) & np.isnan(expected))
    assert same.all(), x[~same][:5]


@pytest.mark.parametrize("name", EXACT)
def test_large_and_small_arrays_take_different_ways_to_the_same_bits(name):
    x = np.abs(np.random.default_rng(2).normal(size=(2, portable.KERNEL_SIZE)))
    whole = getattr(portable, name)(x)
    assert whole.shape == x.shape
    assert (whole[1, :100] == getattr(portable, name)(x[1, :100])).all()


@pytest.mark.parametrize("name", EXACT)
def test_ends_of_the_range_match_the_library_and_warn_of_nothing(name):
    library = {"normal_cdf": scipy.special.ndtr}
    with np.errstate(all="ignore"):
        expected = library.get(name, getattr(np, name, None))(SPECIAL)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        got = getattr(portable, name)(SPECIAL)
    np.testing.assert_allclose(got, expected, rtol=1e-15, atol=1e-323)


def test_tanh_is_odd_to_the_last_bit():
    x = np.random.default_rng(3).normal(size=5000) * 10
    assert (portable.tanh(-x) == -portable.tanh(x)).all()
    assert np.signbit(portable.tanh(-0.0))
