"""Proved bounds hold the true numbers of mpmath, and are narrow."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from symbreak.diagnosis.symmetry import formulas
from symbreak.diagnosis.symmetry.intervals import Interval
from symbreak.numerics import activations

POINTS = (-745.5, -40.0, -16.5, -3.3, -1.0, -1e-9, 0.0, 1e-5, 0.7, 2.25, 9.0, 17.0, 80.0)


def inside(interval, value):
    low, high = mpmath.mpf(str(interval.low)), mpmath.mpf(str(interval.high))
    return low <= value <= high


@pytest.mark.parametrize("seed", range(20))
def test_arithmetic_holds_the_fraction(seed):
    rng = np.random.default_rng(seed)
    with mpmath.workdps(300):
        a, b = (float(v) for v in rng.normal(size=2) * 10.0 ** rng.integers(-20, 20, size=2))
        one, other = Interval.of(a) / 3, Interval.of(b) / 7
        exact, beside = mpmath.mpf(a) / 3, mpmath.mpf(b) / 7
        assert inside(one + other, exact + beside)
        assert inside(one - other, exact - beside)
        assert inside(one * other, exact * beside)
        assert inside(one / other, exact / beside)
        assert inside((one * one).sqrt(), abs(exact))
        assert inside(-one, -exact)


@pytest.mark.parametrize("text", activations.CATALOGUE)
def test_formulas_hold_the_true_value_and_are_narrow(text, exact_functions):
    functions, true = formulas.of(activations.get(text)), exact_functions(text)
    with mpmath.workdps(1200):
        for z in POINTS:
            for interval, value in (
                (f(Interval.of(z)), g(mpmath.mpf(z))) for f, g in zip(functions, true, strict=True)
            ):
                if z == 0 and text in ("selu", "relu", "leaky_relu", "elu"):
                    continue
                assert inside(interval, value), (text, z, interval)
                assert float(interval.high - interval.low) <= 1e-45 * (1 + abs(z)), (text, z)


@pytest.mark.parametrize("text", activations.CATALOGUE)
def test_formulas_are_the_functions_of_the_catalogue(text):
    record, (value, slope) = activations.get(text), formulas.of(activations.get(text))
    for z in POINTS[2:]:
        assert float(value(Interval.of(z)).low) == pytest.approx(float(record(z)), rel=1e-12, abs=1e-15)
        assert float(slope(Interval.of(z)).low) == pytest.approx(float(record.derivative(z)), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("text", ["tanh", "gelu", "mish", "silu", "elu", "selu", "relu", "leaky_relu(-1)"])
def test_a_wide_interval_holds_all_its_values(text):
    value, slope = formulas.of(activations.get(text))
    wide = Interval(Interval.of(-1.5).low, Interval.of(2.0).high)
    for z in np.linspace(-1.5, 2.0, 29):
        inner = Interval.of(float(z))
        for f in (value, slope):
            assert f(wide).low <= f(inner).high
            assert f(inner).low <= f(wide).high


def test_a_function_that_only_borrows_a_name_has_no_formula():
    tanh = activations.get("tanh")
    from dataclasses import replace

    assert formulas.of(replace(tanh, evaluate=lambda z, m: z)) is None
