"""Lines over a map: where they are, and where there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from symbreak.experiments.comparison import prepare
from symbreak.experiments.map.settings import MapSettings
from symbreak.experiments.theory import Line, critical_gain, lines
from symbreak.experiments.theory.lines import POINTS
from symbreak.experiments.theory.sharpness import sharpness
from symbreak.network import Network, stack, train_many


def drawn(**asked):
    settings = MapSettings(size=(8, 8), **asked)
    return {line.name: line for line in lines(settings, prepare(settings.compared)[0])}


EDGE, RATE = "edge of chaos", "2 / sharpness at the start"


def test_the_default_map_has_the_stable_rate_alone():
    found = drawn()
    assert set(found) == {RATE}
    line = found[RATE]
    assert line.x == pytest.approx(np.geomspace(1e-3, 1e3, POINTS))
    problem = prepare(MapSettings().compared)[0]
    one = Network.initialize((2, 4, 1), f"normal({float(line.x[20])!r})", seed=0)
    assert line.y[20] == pytest.approx(2 / sharpness(stack([one]), problem.train.X, problem.train.Y)[0], rel=1e-9)


def test_sides_may_change_places():
    found, turned = drawn(), drawn(x="learning-rate:1e-2:1e2", y="scale:1e-3:1e3")
    assert (turned[RATE].y == found[RATE].x).all()
    assert np.array_equal(turned[RATE].x, found[RATE].y, equal_nan=True)


def test_the_edge_stands_where_the_gain_is_critical():
    deep = {"layers": (30, 30, 30), "y": "seed:0:40"}
    assert drawn(**deep)[EDGE].x == pytest.approx(np.full(POINTS, 1 / math.sqrt(30)))
    relu = drawn(**deep, activation="relu", init="xavier")
    assert relu[EDGE].x == pytest.approx(np.full(POINTS, math.sqrt(2)))
    biased = drawn(**{**deep, "y": "bias-scale:0.01:2"})
    gains = [critical_gain("tanh", std) for std in biased[EDGE].y]
    assert biased[EDGE].x == pytest.approx(np.array(gains) / math.sqrt(30))
    wide = drawn(layers=(4, 4), y="width:2:200")[EDGE]
    assert wide.x == pytest.approx(1 / np.sqrt(wide.y))


NONE = [
    ({"layers": (30,), "y": "seed:0:40"}, EDGE),
    ({"layers": (30, 20), "y": "seed:0:40"}, EDGE),
    ({"layers": (30, 30), "y": "mean:-1:1"}, EDGE),
    ({"layers": (30, 30), "init": "normal(1, 0.5)", "y": "seed:0:40"}, EDGE),
    ({"layers": (30, 30), "activation": "gelu", "y": "seed:0:40"}, EDGE),
    ({"layers": (30, 30), "x": "scale:10:100", "y": "seed:0:40"}, EDGE),
    ({"optimizer": "adam"}, RATE),
    ({"batch_size": 16}, RATE),
    ({"y": "learning-rate-1:1e-2:1e2"}, RATE),
    ({"y": "learning-rate:1e-9:1e-8"}, RATE),
]


@pytest.mark.parametrize(("asked", "absent"), NONE)
def test_no_line_where_theory_does_not_speak_or_the_line_is_off_the_map(asked, absent):
    assert absent not in drawn(**asked)


def test_momentum_bears_larger_rates_as_much_as_on_a_quadratic():
    plain, with_momentum = drawn(), drawn(optimizer="momentum(0.5)")
    assert with_momentum[RATE].y == pytest.approx(3 * plain[RATE].y, nan_ok=True)
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(4, 30)), rng.normal(size=(1, 30))
    start = stack([Network.initialize((4, 1), "normal(1)", seed=0, activation="tanh", loss="squared-error")])
    limit = 3 * 2 / sharpness(start, X, Y)
    for share, leaves in ((0.98, False), (1.02, True)):
        trained = train_many(start, X, Y, iterations=2000, learning_rate=share * limit, optimizer="momentum(0.5)")
        assert (trained.final_cost[0] > trained.curve[0, 0]) == leaves


def test_a_line_knows_whether_it_crosses_the_map():
    settings = MapSettings()
    inside = Line("", np.array([1.0, np.nan]), np.array([1.0, 2.0]), "")
    outside = Line("", np.array([1.0, 1e4]), np.array([1e3, 1.0]), "")
    assert inside.crosses(settings)
    assert not outside.crosses(settings)
