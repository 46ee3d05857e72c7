"""Commands put together from parts are those of the networks themselves."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest

from symbreak.experiments.map.settings import MapSettings, parse_point, parse_window
from symbreak.report import map_commands
from symbreak.report.map_commands import of_a_point, of_a_window, parts

IN_PARTS = [
    {},
    {"x": "learning-rate:1.2:4.8", "y": "scale:0.5:2"},
    {"x": "width:1:9", "init": "he", "activation": "relu"},
    {"x": "depth:1:3", "y": "scale:0.1:10", "layers": (5,), "optimizer": "momentum(0.5)", "batch_size": 32},
    {"y": "momentum:0:0.9"},
]


def every(result):
    return itertools.product(range(result.shape[0]), range(result.shape[1]))


@pytest.mark.parametrize("asked", IN_PARTS)
def test_parts_give_every_command(make, asked):
    result = make(**asked)
    made = parts(result)
    assert made is not None
    for i, j in every(result):
        assert made.command(i, j) == result.command(i, j)
    assert len({made.command(i, j) for i, j in every(result)}) == result.shape[0] * result.shape[1]


WHOLE = [
    {"y": "bias-scale:0.1:1"},
    {"x": "scale-1:0.1:1"},
    {"y": "epsilon:0:1"},
    {"precision": "float32"},
    {"data": "a file's name.csv", "y": "seed:0:9"},
]


@pytest.mark.parametrize("asked", [*WHOLE, {"in_memory": True}])
def test_commands_of_points_need_no_parts(make, asked):
    result = make(**asked)
    assert parts(result) is None
    before, between, after = of_a_point(result)
    for i, j in every(result):
        x, y = float(result.x[j]), float(result.y[i])
        one = f"{before}{x!r}{between}{y!r}{after}"
        # What `compare` can train, too, may be asked of it; the map's own form trains the same network.
        assert result.command(i, j) == one or result.command(i, j).startswith("symbreak compare")
        if not result.settings.in_memory:
            assert parse_point(f"{x!r}{between}{y!r}") == (x, y)


def test_the_command_of_a_window_is_the_maps_with_its_ends(make):
    result = make(**WHOLE[0])
    ends = ["0.1", "1.0", "0.2", "0.5"]
    around = of_a_window(result)
    command = around[0] + "".join(end + text for end, text in zip(ends, around[1:], strict=True))
    assert command == f"{result.settings.command} --zoom 0.1:1.0,0.2:0.5"
    assert parse_window(command.rpartition(" ")[2]) == ((0.1, 1.0), (0.2, 0.5))


@pytest.mark.parametrize("asked", [{}, {"x": "width:1:9", "y": "bias-scale:0.1:1", "optimizer": "adam"}])
def test_the_command_of_a_window_of_data_in_memory_is_python(make, asked):
    result = make(**asked, in_memory=True)
    x, y = [float(v) for v in result.x[1:3]], [float(v) for v in result.y[2:4]]
    around = of_a_window(result)
    ends = map(repr, [*x, *y])
    command = around[0] + "".join(end + text for end, text in zip(ends, around[1:], strict=True))
    given = eval(command, {"symbreak": SimpleNamespace(map=lambda data, **given: given), "data": None})
    assert MapSettings(**given, in_memory=True) == result.settings.window(tuple(x), tuple(y))


COMMAND = map_commands.Parts.command


@pytest.mark.parametrize("mutant", [lambda self, i, j: COMMAND(self, i, 0), lambda self, i, j: COMMAND(self, 0, j)])
def test_parts_that_are_wrong_are_not_used(make, monkeypatch, mutant):
    monkeypatch.setattr(map_commands.Parts, "command", mutant)
    assert parts(make()) is None
