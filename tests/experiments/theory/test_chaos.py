"""The edge of chaos: known gains, and what really becomes of two inputs in a deep network."""

from __future__ import annotations

import math

import numpy as np
import pytest

from symbreak.errors import InvalidInput
from symbreak.experiments.theory import chaos, critical_gain
from symbreak.numerics import activations

# Trapezia: exponentially accurate for smooth functions, and another rule than the one tested.
NODES = np.linspace(-12, 12, 601)
WEIGHTS = np.exp(-(NODES**2) / 2)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


@pytest.mark.parametrize(
    ("activation", "gain"),
    [("tanh", 1.0), ("identity", 1.0), ("relu", math.sqrt(2)), ("leaky_relu(0.5)", math.sqrt(1.6)), ("elu", 1.0)],
)
def test_known_gains_without_biases(activation, gain):
    assert critical_gain(activation) == pytest.approx(gain, rel=1e-12)


def chi(activation: str, gain: float, bias_std: float) -> float:
    """chi where the variance comes to rest, by iterating the map."""
    g, q = activations.get(activation), 1.0
    for _ in range(400):
        q = gain**2 * float(WEIGHTS @ g(math.sqrt(q) * NODES) ** 2) + bias_std**2
    return gain**2 * float(WEIGHTS @ g.derivative(math.sqrt(q) * NODES) ** 2)


@pytest.mark.parametrize(("activation", "bias_std"), [("tanh", 0.0), ("tanh", 1.0), ("sigmoid", 0.3), ("gelu", 1.0)])
def test_inputs_draw_together_below_and_are_torn_apart_above(activation, bias_std):
    gain = critical_gain(activation, bias_std)
    assert chi(activation, 0.9 * gain, bias_std) < 0.99
    assert chi(activation, 1.1 * gain, bias_std) > 1.01


@pytest.mark.parametrize(("activation", "bias_std"), [("tanh", 0.05**0.5), ("tanh", 1.0), ("sigmoid", 0.3)])
def test_at_the_edge_chi_is_one(activation, bias_std):
    assert chi(activation, critical_gain(activation, bias_std), bias_std) == pytest.approx(1, abs=1e-9)


def mean_for_square(g, q):
    return chaos.expectation(lambda z: np.abs(g.derivative(z)), std=math.sqrt(q), kinks=g.kinks)


def std_for_variance(g, q):
    return chaos.expectation(lambda z: g(z) ** 2, std=q, kinks=g.kinks)


@pytest.mark.parametrize(("name", "mutant"), [("_slope", mean_for_square), ("_square", std_for_variance)])
def test_wrong_maps_are_noticed(monkeypatch, name, mutant):
    monkeypatch.setattr(chaos, name, mutant)
    gain = chaos._critical.__wrapped__(activations.get("tanh"), 0.3)
    assert abs(chi("tanh", gain, 0.3) - 1) > 1e-3


def test_two_inputs_of_a_deep_network_do_as_it_says():
    rng = np.random.default_rng(0)
    width, depth, bias_std = 400, 60, 0.3
    gain = critical_gain("tanh", bias_std)
    alike = {}
    for factor in (0.7, 1.6):
        a = rng.normal(size=(width, 2))
        for _ in range(depth):
            W = rng.normal(size=(width, width)) * factor * gain / math.sqrt(width)
            a = np.tanh(W @ a + bias_std * rng.normal(size=(width, 1)))
        alike[factor] = float(np.corrcoef(a.T)[0, 1])
    assert alike[0.7] > 0.999
    assert alike[1.6] < 0.8


def test_no_edge_where_no_variance_would_stay():
    assert critical_gain("gelu") is None
    assert critical_gain("softplus", 0.1) is None


def test_a_negative_spread_is_refused():
    with pytest.raises(InvalidInput, match="standard deviation"):
        critical_gain("tanh", -1.0)
