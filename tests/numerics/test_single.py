"""exp and tanh of float32: accurate, odd, and the same bits compiled; looked at all over the line."""

from __future__ import annotations

import numpy as np
import pytest

from symbreak.numerics import kernels_single, portable, single

# Every 4,099th float32: a prime, so that all last bits and exponents occur.
WORDS = np.arange(0, 2**32, 4099, dtype=np.uint64).astype(np.uint32).view(np.float32)
EVERYWHERE = np.concatenate([WORDS, np.float32([0.0, -0.0, np.inf, -np.inf, 1e-45, 88.72284, 88.7229, -103.98])])
NAMES = ["exp", "tanh"]
# In units in the last place. exp ends with a sum and a product; tanh's quotient of polynomials has five roundings of
# half a unit in each, and one more unit in its argument and its fit.
MOST = {"exp": 1.5, "tanh": 6.0}


def reference(name, x):
    with np.errstate(all="ignore"):
        return getattr(single, f"_{name}")(x)


def bits(x):
    return np.where(np.isnan(x), np.uint32(0x7FC00000), x.view(np.uint32))


def units_off(name, x, values):
    """Largest distance from the float64 function, in units in the last place of float32."""
    with np.errstate(all="ignore"):
        true = getattr(portable, name)(x)
        within = np.isfinite(x) & (np.abs(true) < np.finfo(np.float32).max)
        unit = np.spacing(np.abs(true[within]).astype(np.float32)).astype(np.float64)
    return float((np.abs(values[within].astype(np.float64) - true[within]) / unit).max())


@pytest.mark.parametrize("name", NAMES)
def test_compiled_and_readable_have_the_same_bits(name):
    compiled = np.empty_like(EVERYWHERE)
    getattr(kernels_single, f"fill_{name}")(EVERYWHERE, compiled)
    np.testing.assert_array_equal(bits(compiled), bits(reference(name, EVERYWHERE)))
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(bits(getattr(single, name)(EVERYWHERE)), bits(compiled))
    assert getattr(single, name)(EVERYWHERE[:6].reshape(2, 3)).shape == (2, 3)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_the_function(name):
    assert units_off(name, EVERYWHERE, reference(name, EVERYWHERE)) < MOST[name]


@pytest.mark.parametrize(
    ("name", "constant", "value"),
    [
        ("exp", "EXPM1_TERMS", single.EXPM1_TERMS[2:]),
        ("exp", "LN2_LOW", np.float32(0)),
        ("tanh", "TANH_TOP", (*single.TANH_TOP[:4], np.float32(0))),
        ("tanh", "TANH_BOTTOM", (*single.TANH_BOTTOM[:3], np.float32(3.289e-4), single.TANH_BOTTOM[4])),
        ("tanh", "FLAT", np.float32(7)),
    ],
)
def test_a_wrong_constant_is_noticed(name, constant, value, monkeypatch):
    monkeypatch.setattr(single, constant, value)
    assert units_off(name, EVERYWHERE, reference(name, EVERYWHERE)) > MOST[name]


def test_tanh_is_odd_and_ends_at_one():
    x = np.abs(EVERYWHERE[~np.isnan(EVERYWHERE)])
    np.testing.assert_array_equal(reference("tanh", -x), -reference("tanh", x))
    assert (reference("tanh", x) <= 1).all()
    assert reference("tanh", np.float32([9.02, np.inf])).tolist() == [1.0, 1.0]


def test_exp_overflows_and_underflows_as_float32_does():
    x = np.float32([88.7228, 88.723, -103.2, -104.1, np.inf, -np.inf])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(
            single.exp(x) == np.inf, np.exp(x.astype(np.float64)).astype(np.float32) == np.inf
        )
    assert single.exp(x)[2] > 0
    assert (single.exp(x)[[3, 5]] == 0).all()
