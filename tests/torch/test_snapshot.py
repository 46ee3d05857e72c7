"""What a pass shows of a model in training, against counts made by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from symbreak.errors import InvalidInput
from symbreak.torch.snapshot import cost, snapshot

GENERATOR = torch.Generator().manual_seed(0)
X, Y = torch.randn(64, 6, generator=GENERATOR), torch.randint(0, 3, (64,), generator=GENERATOR)


def layer(model, **given):
    return snapshot(model, X, Y, **given).layers[0]


def mlp(activation=nn.Tanh):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), activation(), nn.Linear(8, 3))


def tied(model, sign=1.0):
    with torch.no_grad():
        for parameter in (model[0].weight, model[0].bias):
            parameter[1] = sign * parameter[0]
        model[2].weight[:, 1] = sign * model[2].weight[:, 0]
    return model


def test_units_count_once_if_what_comes_back_is_equal_too():
    assert layer(mlp()).effective == 8
    assert layer(tied(mlp())).effective == 7
    apart = tied(mlp())
    with torch.no_grad():
        apart[2].weight[0, 1] += 0.1  # over all classes it would cancel
    assert layer(apart).effective == 8, "their gradients differ"


def test_mirrored_units_count_once_under_an_odd_activation_only():
    assert layer(tied(mlp(), -1.0)).effective == 7
    assert layer(tied(mlp(nn.ReLU), -1.0)).effective == 8


def test_a_relative_difference_of_a_thousandth_is_none_of_rounding():
    model = tied(mlp())
    with torch.no_grad():
        model[0].weight[1] *= 1.001
    assert layer(model).effective == 8


def test_saturated_is_a_share_of_entries_and_dead_of_units():
    model = mlp()
    with torch.no_grad():
        model[0].bias.copy_(torch.tensor([50.0, -50, 0, 0, 0, 0, 0, 0]))
    z = model[0](X).detach()
    assert layer(model).saturated == pytest.approx(float((z.abs() >= 2.9932228).float().mean()), abs=1e-6)
    relu = mlp(nn.ReLU)
    with torch.no_grad():
        relu[0].bias[:2] = -50
    assert (layer(relu).dead, layer(relu).saturated) == (0.25, 0.0)


def test_the_gradient_is_that_of_the_loss():
    model = mlp()
    found = snapshot(model, X, Y)
    loss = functional.cross_entropy(model(X), Y)
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    assert found.gradient_norm == pytest.approx(float(torch.cat([g.flatten() for g in gradients]).norm()), rel=1e-5)
    assert torch.equal(torch.from_numpy(found.layers[0].gradient), gradients[0].flatten())
    assert torch.equal(torch.from_numpy(found.output), gradients[2].flatten())
    assert found.loss.total == cost(model, X, Y, None) == float(loss.detach())


def test_dropout_is_replaced_by_its_mean_and_nothing_is_changed():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.random.get_rng_state()
    plain = nn.Sequential(*(each for each in model if not isinstance(each, nn.Dropout)))
    assert cost(model, X, Y, None) == cost(plain, X, Y, None)
    assert snapshot(model, X, Y).loss.total == cost(model, X, Y, None, seed=5)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_recurrent_weights_that_are_used_many_times_are_one_layer_each():
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.head = nn.LSTM(6, 5, batch_first=True), nn.Linear(5, 3)

        def forward(self, x):
            return self.head(self.body(x.reshape(16, 4, 6))[0][:, -1])

    found = snapshot(Last(), X, Y[:16])
    assert [(each.weight, each.units) for each in found.layers] == [
        ("body.weight_ih_l0", 20),
        ("body.weight_hh_l0", 20),
    ]


def test_without_a_loss_there_is_no_training():
    with pytest.raises(InvalidInput, match="needs a loss"):
        snapshot(mlp(), X)
