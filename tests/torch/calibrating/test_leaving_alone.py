"""What calibration does not touch, what it refuses, and that it is whole or not at all."""

from __future__ import annotations

import json
import random
import warnings

import numpy as np
import pytest
import torch
from calibrating.models import LowRank, Recurrent, Residual, Transformer, convolutions, images, mlp, scaled, tokens
from torch import nn

from symbreak.errors import InvalidInput
from symbreak.torch.calibrating import calibrate, calibrate_


def bits(model):
    """Return values of parameters and buffers, gradients, modes and hooks."""
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return (
        {name: (id(t), t.detach().numpy().tobytes(), t.requires_grad) for name, t in tensors.items()},
        {
            name: (id(p.grad), None if p.grad is None else p.grad.numpy().tobytes())
            for name, p in model.named_parameters()
        },
        [(module.training, dict(module._forward_hooks), dict(module._forward_pre_hooks)) for module in model.modules()],
    )


def frozen(model):
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model


def states():
    return torch.get_rng_state().numpy().tobytes(), random.getstate(), np.random.get_state()[1].tobytes()


@pytest.mark.parametrize("make", [lambda: mlp(8, 32, 32, 4), lambda: Residual(4), Recurrent])
def test_the_same_bits_whatever_the_random_state(make):
    found = []
    for seed in (1, 2):
        torch.manual_seed(0)
        model = make()
        x = torch.randn(16, 6, 8) if isinstance(model, Recurrent) else torch.randn(16, 8)
        torch.manual_seed(seed)
        before = states()
        calibrate_(model, x)
        assert states() == before
        found.append({name: parameter.detach().clone() for name, parameter in model.named_parameters()})
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_buffers_gradients_modes_and_hooks_are_as_before():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(),
        nn.Linear(128, 4),
    )  # fmt: skip
    x = images()
    model(x).sum().backward()
    model[0].register_forward_hook(lambda *_: None)
    model[1].eval()
    before = bits(model)
    given = x.clone()
    done = calibrate_(model, x)
    after = bits(model)
    changed = {change.parameter for change in done.changed}
    assert changed == {"3.weight"}
    assert {name for name in before[0] if before[0][name] != after[0][name]} == changed
    assert before[1:] == after[1:]
    assert torch.equal(x, given)


def test_dropout_does_not_matter():
    found = []
    for share in (0.0, 0.9):
        torch.manual_seed(0)
        model = nn.Sequential(
            nn.Linear(8, 64), nn.ReLU(), nn.Dropout(share), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 4)
        )
        calibrate_(model, torch.randn(64, 8))
        found.append(model[3].weight.detach())
    assert torch.allclose(*found, rtol=1e-4)


def test_weights_before_a_norm_are_left():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 32), nn.LayerNorm(32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 4))
    done = calibrate_(model, torch.randn(32, 8))
    assert "normalization" in done["0.weight"].reason
    assert done["0.weight"].factor == 1
    assert done["3.weight"].changed


def test_a_signal_as_faint_as_eps_is_raised():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 32), nn.LayerNorm(32), nn.ReLU(), nn.Linear(32, 4))
    scaled(model[:1], 1e-6)
    assert calibrate_(model, torch.randn(32, 8))["0.weight"].after == pytest.approx(1, abs=1e-4)


def test_zeros_that_are_right_stay():
    torch.manual_seed(0)
    model = LowRank()
    base = model.base.weight.detach().clone()
    done = calibrate_(model, torch.randn(32, 8))
    assert done["b.weight"].reason.startswith("all zero")
    assert done["base.weight"].reason == "frozen"
    assert torch.equal(model.base.weight, base)
    assert not model.b.weight.any()


def test_a_zero_head_stays():
    model = mlp(8, 32, 4)
    nn.init.zeros_(model[2].weight)
    assert "all zero" in calibrate_(model, torch.randn(32, 8))["2.weight"].reason


def test_branches_that_start_small_stay():
    torch.manual_seed(0)
    model = Residual(4)
    for branch in model.branches:
        scaled(branch[2], 1e-4)
    done = calibrate_(model, torch.randn(64, 8))
    assert all(done[f"branches.{i}.2.weight"].factor == 1 for i in range(4))


def test_biases_that_are_meant_stay():
    """A prior in the output, and an open gate: their offsets are no fault of the weights."""
    torch.manual_seed(0)
    model = mlp(8, 32, 4, activation=nn.Sigmoid)
    for layer in (model[0], model[2]):
        nn.init.constant_(layer.bias, -4.6)
    calibrate_(model, torch.randn(256, 8))
    assert torch.allclose(model[0].bias, torch.full((32,), -4.6))
    assert float(model(torch.randn(256, 8)).detach().mean()) == pytest.approx(-4.6, abs=1.1)


def test_what_all_samples_share_is_taken_from_the_head():
    torch.manual_seed(0)
    model = mlp(8, 64, 64, 4)
    nn.init.constant_(model[2].weight, 0.5)
    nn.init.constant_(model[4].weight, 0.5)
    x = torch.randn(64, 8) + 3
    done = calibrate_(model, x)
    assert done["4.weight"].bias == "4.bias"
    assert float(model(x).detach().mean().abs()) < 1.1


@pytest.mark.parametrize("make", ["dead", "constant input", "one sample"])
def test_what_has_no_spread_is_told(make):
    torch.manual_seed(0)
    model, x = mlp(8, 16, 16, 4), torch.randn(32, 8)
    if make == "dead":
        nn.init.constant_(model[0].bias, -1000.0)
    elif make == "constant input":
        x = torch.ones(32, 8)
    else:
        x = x[:1]
    before = bits(model)
    done = calibrate_(model, x)
    last = done["2.weight"]
    assert last.factor == 1
    assert "same for all samples" in last.reason
    if make != "dead":
        assert bits(model) == before


def test_computed_weights_are_named():
    torch.manual_seed(0)
    model = mlp(8, 16, 4)
    nn.utils.parametrizations.spectral_norm(model[0])
    done = calibrate_(model, torch.randn(32, 8))
    assert any("computes the weight" in change.reason for change in done.changes)


def test_what_is_worse_is_not_done(monkeypatch):
    torch.manual_seed(0)
    model = mlp(8, 32, 32, 4)
    before = bits(model)
    original = calibrate.Fitting.factor
    monkeypatch.setattr(calibrate.Fitting, "factor", lambda *a: 1.0 if original(*a) == 1 else original(*a) ** -2)
    done = calibrate_(model, torch.randn(32, 8))
    assert done.refused
    assert bits(model) == before
    assert done.changed == ()
    assert str(done).startswith("nothing was changed")


@pytest.mark.parametrize("runs", [0, 1, 2, 3])
def test_all_or_nothing(runs, monkeypatch):
    torch.manual_seed(0)
    model = mlp(8, 16, 4)
    before = bits(model)
    calls, original = {"left": runs}, model.forward

    def forward(x):
        calls["left"] -= 1
        if calls["left"] < 0:
            raise RuntimeError("enough")
        return original(x)

    with monkeypatch.context() as patch:
        patch.setattr(model, "forward", forward)
        with pytest.raises(InvalidInput, match="enough"):
            calibrate_(model, torch.randn(32, 8))
    assert bits(model) == before


def test_a_write_that_fails_is_taken_back(monkeypatch):
    torch.manual_seed(0)
    model = mlp(8, 16, 16, 4)
    before = bits(model)
    original, calls = torch.Tensor.copy_, []

    def copy_(self, *args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("disk full")
        return original(self, *args, **kwargs)

    monkeypatch.setattr(calibrate, "_apply", _failing_apply(calibrate._apply, copy_, monkeypatch))
    with pytest.raises(RuntimeError, match="disk full"):
        calibrate_(model, torch.randn(32, 8))
    assert bits(model) == before


def _failing_apply(apply, copy_, monkeypatch):
    def failing(model, setting):
        with monkeypatch.context() as patch:
            patch.setattr(torch.Tensor, "copy_", copy_)
            apply(model, setting)

    return failing


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda model, x: model[0].weight.data.view(-1)[:1].fill_(float("nan")), "0.weight"),
        (lambda model, x: model[2].bias.data[:1].fill_(float("inf")), "2.bias"),
        (lambda model, x: x.view(-1)[:1].fill_(float("nan")), "x"),
    ],
)
def test_what_is_not_finite_is_refused(spoil, named):
    model, x = mlp(8, 16, 4), torch.randn(32, 8)
    spoil(model, x)
    with pytest.raises(InvalidInput, match=f"inf or nan in {named}"):
        calibrate_(model, x)


@pytest.mark.parametrize(("option", "value"), [("target", 0), ("target", -1.0), ("target", float("nan")), ("tol", "1")])
def test_arguments_are_checked(option, value):
    with pytest.raises(InvalidInput, match=option):
        calibrate_(mlp(8, 4), torch.randn(4, 8), **{option: value})


def test_lazy_layers_are_refused():
    with pytest.raises(InvalidInput, match="lazy"):
        calibrate_(nn.Sequential(nn.LazyLinear(4)), torch.randn(4, 8))


def test_a_frozen_model_is_left():
    model = frozen(mlp(8, 16, 4))
    before = bits(model)
    done = calibrate_(model, torch.randn(32, 8))
    assert done.changed == ()
    assert {change.reason for change in done.changes} == {"frozen"}
    assert bits(model) == before


def test_a_shared_layer_is_scaled_once():
    torch.manual_seed(0)
    layer = nn.Linear(8, 8)
    model = nn.Sequential(layer, nn.Tanh(), layer, nn.Tanh(), nn.Linear(8, 4))
    done = calibrate_(model, torch.randn(64, 8))
    assert [change.parameter for change in done.changes] == ["0.weight", "4.weight"]


def test_the_rows_go_to_text_and_json():
    torch.manual_seed(0)
    done = calibrate_(Transformer(), tokens())
    data = done.to_json()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["schema"] == "symbreak/calibration/1"
    text = str(done).splitlines()
    assert len(text) == len(done.changes) + 2
    assert all(change.parameter in line for change, line in zip(done.changes, text[1:], strict=False))
    with pytest.raises(KeyError):
        done["nothing"]


def test_float64_bfloat16_and_strange_layouts():
    torch.manual_seed(0)
    for dtype in (torch.float64, torch.bfloat16):
        model = convolutions().to(dtype).to(memory_format=torch.channels_last)
        done = calibrate_(model, images().to(dtype))
        assert done["3.weight"].after == pytest.approx(1, abs=0.05)
        assert model[0].weight.dtype == dtype
        assert model[0].weight.is_contiguous(memory_format=torch.channels_last)


def test_layers_without_units_are_left():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's own: there is nothing to initialize
        model = nn.Sequential(nn.Linear(4, 0), nn.Linear(0, 2))
    done = calibrate_(model, torch.randn(8, 4))
    assert [change.factor for change in done.changes] == [1.0, 1.0]
