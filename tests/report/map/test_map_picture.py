"""The picture of a map: cells, axes, lines, words, and the same bytes again."""

from __future__ import annotations

import io
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.image import imread

from symbreak.errors import UnknownName
from symbreak.experiments.map.result import VALUES
from symbreak.report import map_look as look
from symbreak.report.map_picture import figure, image


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_the_same_bytes_again(small, lines, kind):
    assert image(small, "final_cost", lines, kind=kind) == image(small, "final_cost", lines, kind=kind)


@pytest.mark.parametrize("name", VALUES)
def test_every_value_is_drawn_from_its_shades(small, name):
    drawn = figure(small, name)
    cells = drawn.axes[0].images[0]
    assert (cells.get_array() == look.shades(small, name)).all()
    assert cells.origin == "lower"
    assert len(drawn.axes) == (1 if name == "diverged" else 2)


def test_cells_have_their_colours_in_the_file(small):
    pixels = imread(io.BytesIO(image(small))).reshape(-1, 4)[:, :3]
    seen = {tuple(pixel) for pixel in np.rint(255 * pixels).astype(int)}
    assert (0xD5, 0x5E, 0x00) in seen


def test_lines_pass_where_theory_puts_them(small, lines):
    drawn = figure(small, "final_cost", lines)
    upright, other = drawn.axes[0].get_lines()
    assert upright.get_xdata() == pytest.approx([0.5] * 3)
    assert upright.get_ydata() == pytest.approx([1 / 12, 0.5, 11 / 12])
    assert np.isnan(other.get_ydata()[2])
    assert [text.get_text() for text in drawn.legends[0].get_texts()] == [
        "diverged",
        "not trained",
        "edge of chaos",
        "2 / sharpness",
    ]


def test_words_say_what_is_shown(small):
    drawn = figure(small, "steps-to-half")
    texts = [text.get_text() for text in drawn.texts]
    assert texts[0] == "Steps to half cost of 42 networks, weight scale against learning rate"
    assert "planar, hidden layers 4, tanh" in texts[1]
    axes = drawn.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("weight scale, logarithmic", "learning rate, logarithmic")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["0.01", "0.1", "1", "10", "100"]


def test_what_is_no_value_is_refused(small):
    with pytest.raises(UnknownName, match="final_cost"):
        figure(small, "final_coast")


def test_hostile_names_stay_text(hostile, lines):
    root = ElementTree.fromstring(image(hostile, lines=lines, kind="svg"))
    assert {element.tag.split("}")[1] for element in root.iter()} & {"script", "a", "foreignObject"} == set()


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (30, 2)])
def test_any_size_is_drawn(make, size):
    assert image(make(size)).startswith(b"\x89PNG")


def test_pyplot_is_left_alone():
    code = "import sys, symbreak.report.map_picture; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "matplotlib.pyplot" not in loaded
