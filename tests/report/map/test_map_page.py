"""The page of a map: what it carries, and that it stays small and alone."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from dataclasses import replace

import numpy as np
import pytest

from symbreak.report import map_look as look
from symbreak.report.map_page import page


def carried(text: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="map-data">(.*?)</script>', text, re.DOTALL)[1])


def numbers(text: str, kind: str, shape: tuple[int, int]) -> np.ndarray:
    return np.frombuffer(b64decode(text), kind).reshape(shape)


def test_the_numbers_are_those_of_the_map(small):
    data = carried(page(small))
    assert data["shape"] == [6, 7]
    for name, key in (("final_cost", "cost"), ("accuracy", "accuracy")):
        assert np.array_equal(numbers(data[key], "<f8", (6, 7)), small.value(name), equal_nan=True)
    step = numbers(data["step"], "<i4", (6, 7))
    expected = np.where(small.diverged, small.diverged_at, np.nan_to_num(small.value("steps_to_half"), nan=-1))
    assert (step == expected).all()
    assert numbers(data["hidden"], "<i4", (1, 1)) == 4
    assert [float(text) for text in data["x"]["text"]] == small.x.tolist()
    for name in look.values(small):
        assert (numbers(data["shades"][name], "u1", (6, 7)) == look.shades(small, name)).all()


def test_numbers_that_float32_cannot_hold_are_carried_too(small):
    cost = small.final_cost.copy()
    cost[0, 0] = 1e300
    data = carried(page(replace(small, final_cost=cost, hidden_units=np.arange(42).reshape(6, 7))))
    assert numbers(data["cost"], "<f8", (6, 7))[0, 0] == 1e300
    assert numbers(data["hidden"], "<i4", (6, 7))[5, 6] == 41


def test_a_map_of_65536_networks_stays_below_3_megabytes(make):
    assert len(page(make((256, 256))).encode()) < 3e6


def test_nothing_is_fetched_and_the_bytes_are_the_same_again(small, lines):
    text = page(small, lines)
    assert text == page(small, lines)
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text)
    assert "default-src &#x27;none&#x27;" in text


def test_theory_is_drawn_and_explained(small, lines):
    text = page(small, lines)
    assert "edge of chaos<small>Inputs are forgotten below.</small>" in text
    assert 'd="M500.0 916.7L500.0 500.0L500.0 83.3"' in text
    # A gap begins a new stroke.
    assert re.search(r'd="M71\.4 [\d.]+L285\.7 [\d.]+M714\.3 [\d.]+L928\.6 -1375\.0"', text)
    assert "<svg" not in page(small)


def test_the_head_tells_how_it_went(small):
    text = page(small)
    assert "Interrupted: 1 network not trained yet." in text
    assert "95.1% reach half of the base-rate cost, 2.4% diverge. The lowest cost, 0.100, is that of" in text
    lost = replace(small, final_cost=np.full((6, 7), np.nan), steps_to_half=np.full((6, 7), np.nan))
    assert "0% reach half of the base-rate cost, 2.4% diverge.</p>" in page(lost)


def test_hostile_names_stay_text(hostile):
    text = page(hostile)
    assert "<script>alert" not in text
    assert "<img" not in text


@pytest.mark.parametrize(
    "asked", [{"size": (1, 1)}, {"size": (1, 9)}, {"layers": (), "x": "learning-rate:0.1:1", "y": "seed:0:4"}]
)
def test_any_map_has_a_page(make, asked):
    assert page(make(**asked)).startswith("<!DOCTYPE html>")
