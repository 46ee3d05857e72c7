"""Deep stretches of an activation that is odd but for a constant: pairs of opposite sign take the constant out."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from starting.models import plain
from torch import nn

from symbreak.torch.starting import gains, init_, plan, roles

# Nodes of Gauss-Hermite: far more than the smooth integrands need.
Z, SHARE = np.polynomial.hermite_e.hermegauss(80)
SHARE = SHARE / SHARE.sum()


def data(width):
    return torch.randn(256, width, generator=torch.Generator().manual_seed(0))


def between(model, x):
    """Return what each linear layer but the last gives."""
    found = []
    for layer in model[:-1]:
        x = layer(x)
        if isinstance(layer, nn.Linear):
            found.append(x.detach())
    return found


def started(width, depth=12, activation=nn.Sigmoid):
    model, x = plain(depth, width, activation).double(), data(width).double()
    init_(model, x, seed=0)
    return model, x


def test_a_deep_stretch_of_sigmoids_is_one_of_tanh_whose_units_are_in_pairs():
    for given in between(*started(32)):
        left, right = given.chunk(2, dim=1)
        assert float((left + right).abs().max()) <= 1e-12 * float(left.abs().max())  # but for rounding: -z beside z


def test_the_gain_keeps_the_mean_square_of_what_enters():
    # of tanh(z/2), which is sigmoid(z) - sigmoid(-z), at a mean square of 1: there its chi is below 1 + 1/12
    size, slope = SHARE @ np.tanh(Z / 2) ** 2, SHARE @ (0.5 / np.cosh(Z / 2) ** 2) ** 2
    assert slope / size < 1 + 1 / 12
    laws = plan(plain(12, 32, nn.Sigmoid), data(32))
    assert laws["2.weight"].law == f"mirrored({1 / math.sqrt(size):.4g}, both)"
    assert "the constant of sigmoid cancels" in laws["2.weight"].reason
    assert laws["24.weight"].law == f"mirrored({1 / math.sqrt(size):.4g}, in)"


def test_where_width_is_odd_the_gain_is_that_without_the_constant():
    size = SHARE @ np.tanh(Z / 2) ** 2
    assert plan(plain(12, 31, nn.Sigmoid), data(31))["2.weight"].law == f"orthogonal({2 / math.sqrt(size):.4g})"


def spread(model, x):
    """Return how far the samples lie from each other before the last layer, and before the first activation."""
    given = between(model, x)
    return [float(z.std(0).square().mean().sqrt()) for z in (given[-1], given[0])]


@pytest.mark.parametrize("activation", [nn.Sigmoid, nn.Hardsigmoid])
def test_samples_stay_apart_through_the_stretch(activation):
    last, first = spread(*started(32, activation=activation))
    assert last > first / 2


@pytest.mark.parametrize("broken", [(gains, "paired"), (roles, "pairings")])
def test_a_program_without_the_pairs_makes_all_samples_one(monkeypatch, broken):
    monkeypatch.setattr(*broken, lambda *_: None if broken[1] == "paired" else {})
    monkeypatch.setattr(gains, "centred", lambda *_: None)
    last, first = spread(*started(32))
    assert last < first / 1000


def test_a_gate_is_not_taken_for_a_stretch_of_sigmoids():
    class Gated(nn.Module):
        def __init__(self):
            super().__init__()
            self.up, self.gates, self.down = (nn.ModuleList([nn.Linear(8, 8) for _ in range(4)]) for _ in range(3))

        def forward(self, x):
            for up, gate, down in zip(self.up, self.gates, self.down, strict=True):
                x = down(torch.sigmoid(gate(x)) * up(x))
            return x

    laws = plan(Gated(), data(8))
    gain = gains.critical("sigmoid", 8).value
    assert {laws[f"down.{i}.weight"].law for i in range(4)} == {f"orthogonal({gain:.4g})"}
