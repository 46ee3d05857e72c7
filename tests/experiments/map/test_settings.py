"""Settings: the network of a point, the commands, and what does not fit."""

from __future__ import annotations

import json
import shlex

import numpy as np
import pytest

from symbreak import initializers
from symbreak.errors import InvalidInput
from symbreak.experiments.map.cell import near_tie, scaled
from symbreak.experiments.map.settings import MapSettings, parse_point, parse_size, parse_window
from symbreak.network import Network

SCALABLE = (
    "normal(1)", "normal(0.5, 2)", "he", "xavier", "glorot_uniform", "lecun_uniform", "uniform(-0.5, 2)", "ones",
    "constant(-3)", "truncated_normal(0.02)", "orthogonal", "identity", "sparse(0.5, 2)",
    "variance_scaling(1, fan_out, truncated_normal)",
)  # fmt: skip


@pytest.mark.parametrize("init", SCALABLE)
def test_a_factor_of_one_changes_no_bit_and_of_two_doubles(init):
    def draw(text):
        return initializers.get(text)((5, 6), seed=3, name="W1", dtype=np.float64)

    assert draw(scaled(init, 1.0)).tobytes() == draw(init).tobytes()
    # Times 2 is exact in every floating-point format, but sqrt(4 v) is rounded on its own.
    assert np.allclose(draw(scaled(init, 2.0)), 2 * draw(init), rtol=2 * np.finfo(np.float32).eps, atol=0)


@pytest.mark.parametrize("init", ["zeros", "dirac", "delta_orthogonal"])
def test_what_has_no_size_cannot_be_scaled(init):
    with pytest.raises(InvalidInput, match="cannot be scaled"):
        MapSettings(init=init)


def test_a_point_puts_axes_and_settings_together():
    settings = MapSettings(x="scale-1:0.1:1", y="learning-rate-2:0.1:1", layers=(3, 5), learning_rate=0.7)
    cell = settings.cell(0.25, 0.5)
    assert cell.inits == ("normal(0.25)", "normal(1)", "normal(1)")
    assert cell.rates == (0.7, 0.5, 0.7)
    assert (cell.layers, cell.bias_init, cell.seed, cell.epsilon) == ((3, 5), "zeros", 0, None)


def test_the_axis_of_one_layer_goes_before_that_of_all():
    cell = MapSettings(x="scale:0.1:1", y="scale-2:0.1:1").cell(0.5, 0.25)
    assert cell.inits == ("normal(0.5)", "normal(0.25)")
    cell = MapSettings(x="learning-rate:0.1:1", y="learning-rate-1:0.1:1").cell(0.5, 0.25)
    assert cell.rates == (0.25, 0.5)


@pytest.mark.parametrize(
    ("axis", "value", "found"),
    [
        ("mean:-1:1", 0.5, {"inits": ("normal(1, 0.5)",) * 2}),
        ("mean-2:-1:1", 0.5, {"inits": ("normal(1)", "normal(1, 0.5)")}),
        ("bias-scale:0.1:1", 0.5, {"bias_init": "normal(0.5)"}),
        ("depth:0:4", 3.0, {"layers": (4, 4, 4)}),
        ("depth:0:4", 0.0, {"layers": ()}),
        ("width:1:64", 7.0, {"layers": (7,)}),
        ("momentum:0:0.9", 0.5, {"optimizer": "momentum(0.5)"}),
        ("epsilon:1e-9:1", 0.5, {"epsilon": 0.5}),
        ("seed:0:9", 5.0, {"seed": 5}),
    ],
)
def test_every_axis_reaches_the_network(axis, value, found):
    cell = MapSettings(x=axis).cell(value, 1.2)
    assert {name: getattr(cell, name) for name in found} == found


@pytest.mark.parametrize(
    "changes",
    [
        {"x": "scale-3:0.1:1"},
        {"x": "learning-rate-3:0.1:1", "y": "scale:1:2"},
        {"x": "depth:0:3", "y": "scale-2:0.1:1"},
        {"x": "depth:1:3", "layers": (4, 5)},
        {"x": "depth:1:3", "layers": ()},
        {"x": "width:1:3", "layers": ()},
        {"x": "momentum:0:0.5", "optimizer": "adam"},
        {"x": "mean:0:1", "init": "he"},
        {"x": "scale:1:2", "y": "scale:1:2"},
        {"x": "scale:1:1e39"},
        {"size": (0, 4)},
        {"size": (4,)},
        {"size": (2**20 + 1, 4)},
        {"seed": -1},
        {"seed": 0.5},
        {"precision": "float16"},
        {"iterations": 0},
        {"learning_rate": -1.0},
        {"layers": (0,)},
        {"activation": "than"},
        {"bias_init": "zeroes"},
        {"init": "normal(-1)"},
        {"optimizer": "sgdd"},
        {"batch_size": 0},
    ],
)
def test_what_does_not_fit_is_refused_before_anything_runs(changes):
    with pytest.raises(InvalidInput):
        MapSettings(**changes)


def test_the_network_near_a_tie():
    network = Network.initialize((3, 4, 4, 2), "normal(1)", seed=0, bias_init="normal(1)")
    tied = near_tie(network, 0.0)
    for layer in (0, 1):
        assert (tied.weights[layer] == tied.weights[layer][:1]).all()
        assert (tied.biases[layer] == tied.biases[layer][:1]).all()
        assert (tied.weights[layer + 1] == tied.weights[layer + 1][:, :1]).all()
    whole = near_tie(network, 1.0)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(whole.parameters, network.parameters, strict=True))
    assert not (near_tie(network, 0.5).weights[0][0] == near_tie(network, 0.5).weights[0][1]).any()
    # The output's units are no hidden units.
    assert not (tied.biases[2] == tied.biases[2][0]).all()


def test_settings_go_to_json_and_back():
    settings = MapSettings(x="depth:1:3", y="momentum:0:0.5", size=(3, 7), layers=(5,), batch_size=32, init="he")
    text = json.dumps(settings.to_json())
    assert MapSettings.from_json(json.loads(text)) == settings
    assert MapSettings.from_json(json.loads(text)).digest == settings.digest
    assert settings.digest != MapSettings().digest


def test_the_command_names_what_was_changed():
    assert MapSettings().command == "symbreak map"
    settings = MapSettings(x="scale-1:0.1:1", size=(8, 9), layers=(), impute=True)
    words = shlex.split(settings.command)
    assert words == ["symbreak", "map", "--x", "scale-1:0.1:1:log", "--size", "8x9", "--impute", "--layers", "0"]
    assert MapSettings(in_memory=True, data="mine", init="he").command == "symbreak.map(data, init='he')"


def test_the_command_of_a_point():
    assert MapSettings().command_at(0.3, 2.0).startswith("symbreak compare --init 'normal(0.3)' --seeds 1 ")
    assert MapSettings(x="seed:0:9").command_at(5.0, 2.0) == "symbreak map --x seed:0:9:linear --at 5.0,2.0"
    assert MapSettings(x="seed:0:9").command_at(0.0, 2.0).startswith("symbreak compare")
    assert MapSettings(precision="float32").command_at(0.3, 2.0).endswith("--precision float32 --at 0.3,2.0")
    held = MapSettings(in_memory=True).command_at(0.3, 2.0)
    assert held == "symbreak.map(data, at=(0.3, 2.0))"


def test_a_window_has_other_ends_and_the_same_size():
    window = MapSettings().window((0.1, 1.0), (0.5, 2.0))
    assert (window.x.text, window.y.text) == ("scale:0.1:1:log", "learning-rate:0.5:2:log")
    assert window.size == MapSettings().size


@pytest.mark.parametrize("text", ["", "a", "1x2x3", "-1x4", "1.5", "x"])
def test_sizes_that_are_none(text):
    with pytest.raises(InvalidInput):
        parse_size(text)


@pytest.mark.parametrize("text", ["", "1:2", "1:2,3", "a:b,c:d", "1:2:3,4:5"])
def test_windows_that_are_none(text):
    with pytest.raises(InvalidInput):
        parse_window(text)


@pytest.mark.parametrize("text", ["", "1", "1,2,3", "a,b"])
def test_points_that_are_none(text):
    with pytest.raises(InvalidInput):
        parse_point(text)
