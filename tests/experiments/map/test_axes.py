"""Axes: their text form, their points, and what is refused."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest

from symbreak.errors import InvalidInput, SymbreakError
from symbreak.experiments.map.axes import KINDS, Axis


@pytest.mark.parametrize(
    ("text", "name", "ends", "spacing"),
    [
        ("scale:1e-3:1e3:log", "scale", (1e-3, 1e3), "log"),
        ("scale-1:0.5:2", "scale-1", (0.5, 2), "log"),
        ("learning-rate-2:0.1:1:linear", "learning-rate-2", (0.1, 1), "linear"),
        ("bias-scale:0:1", "bias-scale", (0, 1), "linear"),
        ("mean:-1:1", "mean", (-1, 1), "linear"),
        ("depth:1:8", "depth", (1, 8), "linear"),
        ("seed:7", "seed", (7, 7), "linear"),
        ("epsilon:1e-16:1", "epsilon", (1e-16, 1), "log"),
    ],
)
def test_a_text_is_read_and_written(text, name, ends, spacing):
    axis = Axis.parse(text)
    assert (axis.name, (axis.low, axis.high), axis.spacing) == (name, ends, spacing)
    assert Axis.parse(axis.text) == axis


@pytest.mark.parametrize(
    "text",
    [
        "scale", "scale:", "scale:1:2:3:4", "scale:a:b", "scale:2:1", "scale:0:1:log", "scale:-1:1:linear",
        "scale:1:inf", "scale:nan:1", "scale:1:2:cubic", "learning-rate:0:1:linear", "momentum:0:1", "depth:0.5:2",
        "width:0:4", "seed:-1:4", "seed-1:0:4", "momentum-2:0:0.5", "skale:1:2", "scale-0:1:2", "scale-x:1:2", ":1:2",
        "epsilon:-1:1", "learning-rate-:1:2",
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(text):
    with pytest.raises(InvalidInput):
        Axis.parse(text)


def test_an_unknown_name_offers_the_nearest():
    with pytest.raises(SymbreakError, match="try: learning-rate"):
        Axis.parse("learning_rate:1:2")


def test_points_are_the_nearest_numbers_to_the_exact_ones():
    axis = Axis.parse("scale:1e-3:1e3:log")
    points = axis.points(128)
    with localcontext() as context:
        context.prec = 60
        exact = [Decimal("0.001") * Decimal(10**6) ** (Decimal(i) / 127) for i in range(128)]
        assert points.tolist() == [float(value) for value in exact]
    assert Axis.parse("scale:1e-3:1e3:log").points(13).tolist()[::2] == [1e-3, 1e-2, 1e-1, 1, 10, 100, 1000]
    assert Axis.parse("mean:0:1").points(11).tolist() == [i / 10 for i in range(11)]


def test_a_library_of_floats_would_give_other_points():
    """The reason for decimals: the usual way errs, and not alike on every machine."""
    usual = [1e-3 * math.pow(1e6, i / 127) for i in range(128)]
    assert Axis.parse("scale:1e-3:1e3").points(128).tolist() != usual


def test_ends_are_as_written_and_points_ascend():
    for text in ("scale:0.37:0.370000000001", "mean:-3.3:7.7", "learning-rate:1e-30:1e30"):
        axis = Axis.parse(text)
        points = axis.points(64)
        assert (points[0], points[-1]) == (axis.low, axis.high)
        assert (np.diff(points) > 0).all()


def test_whole_numbers_are_there_once():
    assert Axis.parse("depth:1:4").points(100).tolist() == [1, 2, 3, 4]
    assert Axis.parse("width:1:1000:log").points(4).tolist() == [1, 10, 100, 1000]
    assert Axis.parse("seed:0:9").points(5).tolist() == [0, 2, 4, 7, 9]


def test_a_single_point():
    assert Axis.parse("scale:0.3").points(9).tolist() == [0.3]
    assert Axis.parse("scale:0.3:1").points(1).tolist() == [0.3]


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_says_what_it_allows(name):
    kind = KINDS[name]
    assert kind.allowed.startswith("whole numbers" if kind.whole else "numbers")
    assert kind.allows(1.0) or name == "momentum"
