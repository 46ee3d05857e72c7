from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbreak.experiments.result import Ends, Spread
from symbreak.report import format as forms

# Half a unit in the third digit is largest beside a first digit of 1.
HALF_A_DIGIT = 0.005

finite = st.floats(-1e300, 1e300, allow_subnormal=False)


def reads_back(write, value: float) -> bool:
    return math.isclose(float(write(value)), value, rel_tol=HALF_A_DIGIT * (1 + 1e-9))


@given(finite)
def test_a_number_reads_back_to_three_digits(value):
    assert reads_back(forms.number, value)


@pytest.mark.parametrize("mutant", [lambda v: f"{v:.1e}", lambda v: f"{v:.3f}"], ids=["two digits", "fixed"])
def test_that_would_notice_a_digit_less(mutant):
    assert not all(reads_back(mutant, value) for value in (0.0012345, 123.456, 1.049))


@given(st.floats(1e-4, 999))
def test_a_number_shows_exactly_three_digits(value):
    assert len(forms.number(value).lstrip("0.").replace(".", "")) == 3


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "overflow"),
        (math.inf, "overflow"),
        (math.nan, "overflow"),
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1.00"),
        (0.9999, "1.00"),
        (99.96, "100"),
        (-0.25, "-0.250"),
        (0.0001, "0.000100"),
        (0.00001, "1.00e-5"),
        (999999.0, "1.00e6"),
        (1e300, "1.00e300"),
    ],
)
def test_numbers(value, text):
    assert forms.number(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.5, "50%"),
        (1.0, "100%"),
        (0.0, "0%"),
        (0.9996, ">99.9%"),
        (0.0004, "<0.1%"),
        (0.123, "12.3%"),
        (None, "overflow"),
    ],
)
def test_percent(share, text):
    assert forms.percent(share) == text


@given(st.floats(0, 1))
def test_only_all_is_100_percent_and_only_nothing_0_percent(share):
    assert (forms.percent(share) == "100%") == (share == 1)
    assert (forms.percent(share) == "0%") == (share == 0)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (Spread(0.5, 0.25, None), "0.500 [0.250..overflow]"),
        (Spread(None, None, None), "overflow"),
        (Spread(0.5, 0.5, 0.5), "0.500"),
    ],
)
def test_spread(values, text):
    assert str(forms.spread(values)) == text


def test_never():
    assert str(forms.spread(Spread(75.0, 60.0, None), forms.count)) == "75 [60..never]"
    assert str(forms.spread(Spread(None, None, None), forms.count)) == "never"


def test_ends():
    assert str(forms.ends(Ends((1.0,), (1.0,)))) == "1 -> 1"
    assert str(forms.ends(Ends((16.0, 8.0), (16.0, 7.5)))) == "16, 8 -> 16, 7.5"


@given(st.text(max_size=80), st.integers(3, 40))
def test_shortening_keeps_both_ends(text, most):
    short = forms.shorten(text, most)
    assert len(short) <= most
    assert short == text or (text.startswith(short.split("…")[0][:1]) and text.endswith(short[-1]))
