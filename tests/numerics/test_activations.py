"""One battery over all activations: values against mpmath, slopes against differences, every stated fact checked."""

from __future__ import annotations

import dataclasses

import mpmath
import numpy as np
import pytest

from symbreak.errors import InvalidInput, UnknownName
from symbreak.numerics import activations
from symbreak.numerics.activations import LIBRARY, PORTABLE

TEXTS = [*activations.CATALOGUE, "leaky_relu(0.2)", "elu(0.5)", "relu(0.5)", "leaky_relu(1)"]
MATHS = [LIBRARY, PORTABLE]
POINTS = np.concatenate([np.linspace(-9, 9, 181)[1:-1] + 0.013, [-30.0, 30.0, 1e-6, -1e-6]])


def exact(text: str, z):
    """The definitions again, written independently in multiple precision."""
    mp = mpmath
    name = text.split("(")[0]
    c = mp.mpf(float(text.split("(")[1][:-1])) if "(" in text else None
    alpha, scale = mp.mpf(activations.SELU_ALPHA), mp.mpf(activations.SELU_SCALE)
    positive = z > 0
    forms = {
        "identity": lambda: z,
        "sigmoid": lambda: 1 / (1 + mp.exp(-z)),
        "tanh": lambda: mp.tanh(z),
        "relu": lambda: max(z, 0),
        "leaky_relu": lambda: z if positive else (c if c is not None else mp.mpf(0.01)) * z,
        "elu": lambda: z if positive else (1 if c is None else c) * mp.expm1(z),
        "selu": lambda: scale * (z if positive else alpha * mp.expm1(z)),
        "gelu": lambda: z * mp.ncdf(z),
        "silu": lambda: z / (1 + mp.exp(-z)),
        "softplus": lambda: mp.log1p(mp.exp(z)),
        "mish": lambda: z * mp.tanh(mp.log1p(mp.exp(z))),
    }
    return forms[name]()


def battery(activation, math) -> list[str]:
    """Return what is wrong with a record, as sentences; a mutant must make it say something."""
    wrong = []
    with mpmath.workdps(40):
        values = np.array([float(exact(activation.text, mpmath.mpf(float(z)))) for z in POINTS])
        slopes = np.array(
            [
                float(mpmath.diff(lambda t: exact(activation.text, t), mpmath.mpf(float(z)), h=mpmath.mpf(10) ** -15))
                for z in POINTS
            ]
        )
    # A few roundings of terms no larger than max(1, |z|).
    bound = 16 * np.finfo(float).eps * np.maximum(1, np.abs(POINTS))
    if (np.abs(activation(POINTS, math=math) - values) > bound).any():
        wrong.append("value")
    # The difference quotient in 40 digits is good to 1e-15 times the second derivative, which stays below 4.
    if (np.abs(activation.derivative(POINTS, math=math) - slopes) > bound + 8e-15).any():
        wrong.append("slope")
    z = np.array([0.0])
    if activation(z, math=math)[0] != activation.value_at_zero:
        wrong.append("value at zero")
    if activation.derivative(z, math=math)[0] != activation.slope_at_zero:
        wrong.append("slope at zero")
    return wrong + facts(activation, math)


def facts(activation, math) -> list[str]:
    wrong = []
    value = activation(POINTS, math=math)
    odd = (activation(-POINTS, math=math) == -value).all()
    if bool(odd) != activation.odd:
        wrong.append("odd")
    homogeneous = (activation(4 * POINTS, math=math) == 4 * value).all()
    if bool(homogeneous) != activation.homogeneous:
        wrong.append("homogeneous")
    ordered = np.sort(POINTS[np.abs(POINTS) < 9])
    distinct = (
        len(np.unique(activation(ordered, math=math))) == len(ordered)
        and (np.diff(activation(ordered, math=math)) > 0).all()
    )
    if bool(distinct) != activation.injective:
        wrong.append("injective")
    left, right = activation.derivative(np.array([-1e-12, 1e-12]), math=math)
    if (abs(left - right) > 1e-9) != (0.0 in activation.kinks):
        wrong.append("kinks")
    return wrong


@pytest.mark.parametrize("math", MATHS, ids=lambda m: m.name)
@pytest.mark.parametrize("text", TEXTS)
def test_record_is_true(text, math):
    assert battery(activations.get(text), math) == []


@pytest.mark.parametrize(
    ("text", "change", "caught"),
    [
        ("tanh", {"slope": lambda z, a, m: 1 - a}, "slope"),
        ("sigmoid", {"slope": lambda z, a, m: a * a}, "slope"),
        ("gelu", {"evaluate": lambda z, m: 0.5 * z * (1 + np.tanh(0.79788456 * (z + 0.044715 * z**3)))}, "value"),
        ("elu", {"kinks": (0.0,)}, "kinks"),
        ("relu", {"slope_at_zero": 1.0}, "slope at zero"),
        ("sigmoid", {"odd": True}, "odd"),
        ("softplus", {"homogeneous": True}, "homogeneous"),
        ("silu", {"injective": True}, "injective"),
        ("softplus", {"value_at_zero": 0.0}, "value at zero"),
    ],
)
def test_a_false_record_is_noticed(text, change, caught):
    assert caught in battery(dataclasses.replace(activations.get(text), **change), LIBRARY)


@pytest.mark.parametrize("math", MATHS, ids=lambda m: m.name)
@pytest.mark.parametrize("text", TEXTS)
def test_nothing_overflows_far_out(text, math):
    z = np.array([-1e6, -1000.0, 1000.0, 1e6])
    activation = activations.get(text)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        value, slope = activation(z, math=math), activation.derivative(z, math=math)
    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()
    # Every one of them is linear or constant out there.
    np.testing.assert_allclose(slope[1:3], [slope[0], slope[3]], atol=1e-12)


@pytest.mark.parametrize("text", TEXTS)
def test_flat_regions_hold_the_gentle_slopes_and_no_others(text):
    activation = activations.get(text)
    z = np.concatenate([np.linspace(-39, 39, 4001) + 1e-4, [0.0]])
    z.sort()
    gentle = np.zeros(z.shape, bool)
    for region in activation.flat:
        inside = (z >= region.low) & (z <= region.high)
        gentle |= inside
        assert region.exact == bool((activation.derivative(z[inside]) == 0).all())
    slopes = np.abs(activation.derivative(z))
    assert (slopes[gentle] < activations.FLAT_SLOPE * slopes.max()).all()
    # Between the regions a slope may cross 0 (gelu has a minimum), but both ends are steep.
    if not gentle.all() and gentle.any():
        steep = np.flatnonzero(~gentle)
        assert slopes[steep[0]] > 0.5 * activations.FLAT_SLOPE * slopes.max()


def test_float32_stays_float32_and_integers_become_float64():
    for text in TEXTS:
        activation = activations.get(text)
        assert activation(np.float32([0.5])).dtype == np.float32
        assert activation.derivative(np.float32([0.5]), math=PORTABLE).dtype == np.float32
        assert activation([1, 2]).dtype == np.float64


@pytest.mark.parametrize("text", TEXTS)
def test_text_reads_back(text):
    assert activations.get(activations.get(text).text).text == activations.get(text).text


def test_names_are_forgiving_and_errors_helpful():
    assert activations.get("Leaky-ReLU(0.2)").text == "leaky_relu(0.2)"
    assert activations.get("swish").text == "silu"
    with pytest.raises(UnknownName, match="try: tanh"):
        activations.get("tahn")
    with pytest.raises(InvalidInput, match="arguments that it does not take"):
        activations.get("tanh(3)")
    with pytest.raises(InvalidInput, match="finite number"):
        activations.get("leaky_relu(nan)")
    with pytest.raises(InvalidInput, match="finite number"):
        activations.get("relu(2)")


def test_one_text_has_one_record():
    assert activations.get("tanh") is activations.get("Tanh")
    assert activations.get("relu(0)") == activations.get("relu")
    assert activations.get("relu(0.5)") != activations.get("relu")
