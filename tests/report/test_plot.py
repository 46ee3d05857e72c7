from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree

import matplotlib
import pytest
from matplotlib.image import imread

from symbreak.report import comparison_figure
from symbreak.report.curves import CEILING
from symbreak.report.plot import comparison_image


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_the_same_bytes_again(planar, kind):
    assert comparison_image(planar, kind=kind) == comparison_image(planar, kind=kind)


def test_every_case_is_drawn(any_result):
    root = ElementTree.fromstring(comparison_image(any_result, kind="svg"))
    assert {element.tag.split("}")[1] for element in root.iter()} & {"script", "a", "foreignObject"} == set()


def test_a_picture_is_wide_enough_for_a_readme(planar):
    height, width, _ = imread(io.BytesIO(comparison_image(planar, kind="png"))).shape
    assert (width, height) == (2400, 1200)


def test_global_settings_stay(planar):
    with matplotlib.rc_context({"font.size": 33, "text.usetex": True, "lines.linewidth": 9}):
        before = dict(matplotlib.rcParams)
        theirs = comparison_image(planar, kind="svg")
        assert dict(matplotlib.rcParams) == before
    assert theirs == comparison_image(planar, kind="svg")


def test_pyplot_is_left_alone():
    code = "import sys, symbreak.report.plot; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "matplotlib.figure" in loaded
    assert "matplotlib.pyplot" not in loaded


def test_the_curves_are_the_medians(planar):
    costs = comparison_figure(planar).axes[0]
    drawn = [line.get_ydata()[-1] for line in costs.get_lines()[: len(planar.rows)]]
    assert drawn == [row.final_cost.median for row in planar.rows]
    assert costs.get_yscale() == "log"
    assert costs.get_lines()[-1].get_ydata()[0] == planar.data.base_rate_cost


def test_the_worst_stands_beside_the_best(planar, deep, single):
    titles = [axes.get_title("left") for axes in comparison_figure(planar).axes]
    best = min(planar.rows, key=lambda row: row.final_cost.median).init
    assert titles[2:] == ["zeros: 1 unit", f"{best}: 4 units"]
    assert len(comparison_figure(deep).axes) == 2
    assert len(comparison_figure(single).axes) == 3


def test_a_run_on_its_way_to_overflow_does_not_flatten_the_others(diverging):
    bottom, top = comparison_figure(diverging).axes[0].get_ylim()
    base = diverging.data.base_rate_cost
    assert base / 2 < bottom < base
    assert top < 10 * CEILING * base


def test_no_row_no_failure(planar):
    assert comparison_image(replace(planar, rows=()), kind="png").startswith(b"\x89PNG")


def test_a_script_without_glyphs_is_no_reason_to_warn(planar):
    named = replace(planar, data=replace(planar.data, name="花\U0001f33c"))
    assert comparison_image(named, kind="svg")


def test_nothing_lies_outside_the_picture(planar, deep):
    for result in (planar, deep):
        figure = comparison_figure(result)
        figure.canvas.draw()
        box = figure.get_tightbbox()
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= 12
        assert box.y1 <= 6
