"""Shades, places along axes, and colours that all eyes tell apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from symbreak.experiments.map.axes import Axis
from symbreak.report import map_look as look

# Linear RGB as seen without the red, the green or the blue cones: G. Machado et al., "A physiologically-based model for
# simulation of color vision deficiency" (2009), severity 1.
EYES = {
    "all cones": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
# In CIE Lab a difference of 2 is just seen by most; five times that is seen at a glance in single cells.
AT_A_GLANCE = 10


def lab(colour: str, eye: str) -> np.ndarray:
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(EYES[eye]) @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ seen
    f = np.cbrt(xyz / [0.9505, 1.0, 1.089])
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def nearest(colour: str, eye: str) -> float:
    """Distance of a colour from the nearest on the scale."""
    return min(float(np.linalg.norm(lab(colour, eye) - lab(other, eye))) for other in look.SCALE)


@pytest.mark.parametrize("eye", EYES)
def test_diverged_and_never_are_told_apart_by_all_eyes(eye):
    assert nearest(look.COLOURS[look.DIVERGED], eye) > AT_A_GLANCE
    assert nearest(look.COLOURS[look.NEVER], eye) > AT_A_GLANCE
    apart = lab(look.COLOURS[look.DIVERGED], eye) - lab(look.COLOURS[look.NEVER], eye)
    assert np.linalg.norm(apart) > AT_A_GLANCE


@pytest.mark.parametrize("colour", ["#21918c", "#f7e225", "#440154", "#30688e"])
def test_colours_near_the_scale_are_noticed(colour):
    assert nearest(colour, "all cones") < AT_A_GLANCE


def test_a_middle_grey_is_on_the_scale_for_some_eyes():
    assert nearest("#8a929b", "all cones") > AT_A_GLANCE
    assert nearest("#8a929b", "no red") < AT_A_GLANCE


def test_the_scale_rises_in_lightness_for_all_eyes():
    for eye in EYES:
        lightness = [lab(colour, eye)[0] for colour in look.SCALE[::21]]
        assert (np.diff(lightness) > 0).all()


@pytest.mark.parametrize("name", ["final_cost", "accuracy", "steps_to_half", "effective_units"])
def test_better_networks_are_lighter(small, special, name):
    found = look.shades(small, name).astype(int)
    on_scale = found < look.LEVELS
    row = found[3][on_scale[3]]
    assert (np.diff(row) >= 0).all()
    assert row[-1] > row[0]
    assert found[special["diverged"]] == look.DIVERGED
    assert found[special["untrained"]] == look.UNTRAINED


def test_codes_stand_where_they_belong(small, special):
    assert look.shades(small, "steps_to_half")[special["never"]] == look.NEVER
    assert look.shades(small, "final_cost")[special["never"]] == 0
    others = look.shades(small, "diverged")
    assert (others == look.DIVERGED).sum() == 1
    assert set(np.unique(others).tolist()) == {look.LEVELS // 3, look.DIVERGED, look.UNTRAINED}
    assert dict(look.codes_present(small, "final_cost")) == {look.DIVERGED: "diverged", look.UNTRAINED: "not trained"}


def test_huge_costs_do_not_push_the_others_together(small):
    cost = small.final_cost.copy()
    cost[0, 1] = 1e30
    wild = replace(small, final_cost=cost)
    scale = look.scale(wild, "final_cost")
    assert scale.high == pytest.approx(look.WORST_COST * wild.base_rate_cost)
    assert look.scale_title(scale) == ("final cost", "(darkest: 6.93 or more)")
    assert look.shades(wild, "final_cost")[0, 1] == 0
    assert look.shades(wild, "final_cost")[5, 6] == look.LEVELS - 1


def test_maps_without_numbers_are_drawn_too(small):
    lost = replace(small, final_cost=np.full((6, 7), np.nan), diverged_at=np.zeros((6, 7), np.int64))
    shown = look.shades(lost, "final_cost")
    assert set(np.unique(shown).tolist()) == {look.DIVERGED, look.UNTRAINED}
    assert not look.on_scale(lost, "final_cost")
    assert look.on_scale(small, "final_cost")
    flat = replace(small, accuracy=np.full((6, 7), 0.5))
    assert look.scale_ticks(look.scale(flat, "accuracy"), "accuracy") == [(0.5, "50%")]


def test_a_worthless_regression_has_an_end(small):
    wild = replace(small, accuracy=np.linspace(-1e9, 1, 42).reshape(6, 7), score="r2")
    scale = look.scale(wild, "accuracy")
    assert (scale.title, scale.low, scale.high, scale.less) == ("R²", -1.0, 1.0, True)


AXES = [
    ("scale:0.01:100", 5, [0.01, 1, 100], [0.1, 0.5, 0.9]),
    ("mean:-1:1:linear", 4, [-1, 0, 1], [0.125, 0.5, 0.875]),
    ("depth:1:4", 4, [1, 4], [0.125, 0.875]),
    ("scale:1:1", 1, [1], [0.5]),
]


@pytest.mark.parametrize(("text", "count", "values", "places"), AXES)
def test_values_stand_in_the_middle_of_their_cells(text, count, values, places):
    axis = Axis.parse(text)
    assert look.place(axis, axis.points(count), values) == pytest.approx(places)
    marks = look.ticks(axis, axis.points(count))
    assert marks
    assert all(0 < share < 1 for share, _ in marks)


def test_what_is_off_the_map_has_a_place_outside():
    axis = Axis.parse("scale:0.01:100")
    below, above = look.place(axis, axis.points(5), [0.001, 1000.0])
    assert (below, above) == (pytest.approx(-0.1), pytest.approx(1.1))


def test_decades_or_round_numbers_mark_an_axis():
    wide, narrow = Axis.parse("scale:1e-3:1e3"), Axis.parse("scale:0.8:2.2")
    assert [text for _, text in look.ticks(wide, wide.points(64))] == ["0.001", "0.01", "0.1", "1", "10", "100", "1000"]
    assert [text for _, text in look.ticks(narrow, narrow.points(64))] == ["1", "1.5", "2"]
