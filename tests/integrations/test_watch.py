"""What a watch sees, against what is worked out by hand; what it leaves behind."""

from __future__ import annotations

import copy
import json

import pytest
import torch
from torch import nn
from torch.nn import functional

from symbreak.integrations import watch as module
from symbreak.integrations.record import Watched
from symbreak.integrations.watch import Watch

GENERATOR = torch.Generator().manual_seed(0)
X, Y = torch.randn(32, 6, generator=GENERATOR), torch.randint(0, 3, (32,), generator=GENERATOR)


def mlp(activation=nn.Tanh):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), activation(), nn.Linear(8, 3))


def trained(model, steps=1, *, watch=None, rate=0.1, x=X):
    watch = watch or Watch(model, 100)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    for step in range(steps):
        watch.begin(step)
        optimizer.zero_grad()
        functional.cross_entropy(model(x), Y).backward()
        optimizer.step()
        watch.end()
    return watch


def layer(watch, name, step=0):
    return next(each for each in watch.watched.steps[step].layers if each.module == name)


def test_updates_are_relative_to_the_size_before():
    model = mlp()
    before = copy.deepcopy(model)
    seen = trained(model).watched.steps[0]
    for (name, after), old in zip(model.named_parameters(), before.parameters(), strict=True):
        change = float((after - old).detach().norm() / old.detach().norm())
        assert seen.updates[name] == pytest.approx(change, rel=1e-4)


def test_what_was_zero_has_no_relative_update():
    model = mlp()
    nn.init.zeros_(model[0].bias)
    assert trained(model).watched.steps[0].updates["0.bias"] is None


def test_tied_units_are_one_and_others_are_many():
    model = mlp()
    assert layer(trained(model), "0").effective == 8
    nn.init.constant_(model[0].weight, 0.1)
    nn.init.zeros_(model[0].bias)
    nn.init.constant_(model[2].weight, 0.1)
    watch = trained(model)
    assert layer(watch, "0").effective == 1
    assert "step 0: 8 units of 0 do the work of 1" in watch.watched.warnings


def test_equal_outputs_with_other_gradients_are_two_units():
    model = mlp()
    with torch.no_grad():
        model[0].weight[1], model[0].bias[1] = model[0].weight[0], model[0].bias[0]
    assert layer(trained(model), "0").effective == 8


@pytest.mark.parametrize(
    ("activation", "scale", "low", "high"),
    [(nn.Tanh, 100.0, 0.9, 1.0), (nn.Tanh, 0.1, 0.0, 0.0), (nn.ReLU, 100.0, 0.0, 0.0), (nn.Sigmoid, 1000.0, 0.9, 1.0)],
)
def test_saturation_is_told_of_curves_that_level_off(activation, scale, low, high):
    assert low <= layer(trained(mlp(activation), x=scale * X), "1").saturated <= high


def test_saturation_is_the_share_of_flat_slopes():
    model = mlp()
    z = model[0](5 * X).detach()
    share = float(((1 - torch.tanh(z) ** 2) < module.FLAT).float().mean())
    assert 0.05 < share < 0.95
    assert layer(trained(model, x=5 * X), "1").saturated == pytest.approx(share, abs=1e-6)


def test_convolutions_count_channels():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Unflatten(1, (1, 6)), nn.Conv1d(1, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(20, 3))
    found = layer(trained(model), "1")
    assert (found.units, found.effective) == (5, 5)


def test_steps_are_close_together_at_first_and_end():
    watch = trained(mlp(), 40, watch=None)
    assert [seen.step for seen in watch.watched.steps] == [0, 1, 4, 16]
    model = mlp()
    assert [seen.step for seen in trained(model, 40, watch=Watch(model, 4)).watched.steps] == [0, 1]


def test_the_training_is_the_same_and_no_hook_is_left():
    watched, plain = mlp(), mlp()
    trained(watched, 10)
    trained(plain, 10, watch=Watch(plain, 0))
    assert all(torch.equal(a, b) for a, b in zip(watched.parameters(), plain.parameters(), strict=True))
    assert not any(each._forward_hooks for each in watched.modules())


def test_a_step_that_never_ends_leaves_no_hook_if_it_is_stopped():
    model = mlp()
    watch = Watch(model, 10)
    watch.begin(0)
    assert any(each._forward_hooks for each in model.modules())
    watch.stop()
    assert not any(each._forward_hooks for each in model.modules())
    assert watch.watched == Watched(())


def test_the_record_goes_to_json_and_back_whatever_is_in_it():
    model = mlp()
    nn.init.constant_(model[2].weight, float("nan"))
    found = trained(model).watched
    assert Watched.from_json(json.loads(json.dumps(found.to_json(), allow_nan=False))) == found


def test_half_precision_is_no_obstacle():
    model = mlp().to(torch.bfloat16)
    assert layer(trained(model, x=X.to(torch.bfloat16)), "0").units == 8


def test_weights_on_activations_are_left_out():
    seen = {each.module for each in trained(mlp(nn.PReLU)).watched.steps[0].layers}
    assert seen == {"0", "2"}
