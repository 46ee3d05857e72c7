"""What is drawn is what was measured: read back from the picture, number by number."""

from __future__ import annotations

import io
import itertools
import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.image import imread

from symbreak.lesson.figures import Bars, Chart, Diagram, Figure, Frame, Series, Surface, still
from symbreak.report.drawing import chart as chart_module
from symbreak.report.drawing.canvas import settings
from symbreak.report.drawing.layout import canvas, fit
from symbreak.report.drawing.panels import draw, size
from symbreak.report.drawing.peers import setting
from symbreak.report.drawing.picture import figure_image, figure_picture

KINDS = ["chart", "bars", "surface", "answer", "diagram", "matrix", "table", "steps"]


def axes_of(panel, figure=None, frame=0, place=0):
    """Draw one panel and return its axes, laid out."""
    with settings():
        axes = canvas(*size(panel)).add_axes((0, 0, 1, 1))
        draw(axes, panel, setting(figure or still("", "", panel), frame, place))
        fit(axes, (0, 0, *size(panel)))
    return axes


def words(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def curves(axes) -> list[tuple[list[float], list[float]]]:
    """The curves and clouds, without the dashed lines across."""
    found = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.get_lines()]
    return [(x, y) for x, y in found if len(x) > 2]


def shows_all(axes, panel) -> bool:
    return curves(axes) == [(list(series.x), list(series.y)) for series in panel.series]


def test_every_series_is_drawn_where_it_was_measured(kinds):
    panel = kinds["chart"]
    axes = axes_of(panel)
    assert shows_all(axes, panel)
    assert [axes.get_xlabel(), axes.get_ylabel()] == ["iteration", "cost"]
    assert len(axes.collections) == 1, "the band of one series"
    band = axes.collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(panel.series[1].high.max())
    styles = [(line.get_linestyle(), line.get_marker(), line.get_drawstyle()) for line in axes.get_lines()[:4]]
    assert styles[0][0] == "-"
    assert styles[2][0] == "None"
    assert styles[2][1] != "None"
    assert styles[3][2] == "steps-mid"


@pytest.mark.parametrize("mutant", ["dropped", "swapped"])
def test_that_would_notice(kinds, monkeypatch, mutant):
    panel = kinds["chart"]
    original = chart_module._draw_series

    def broken(axes, series, index):
        if mutant == "swapped":
            original(axes, replace(series, x=series.y, y=series.x, low=None, high=None), index)
        elif series.name != "zeros":
            original(axes, series, index)

    monkeypatch.setattr(chart_module, "_draw_series", broken)
    assert not shows_all(axes_of(panel), panel)


def test_lines_across_stand_where_they_are_said_to(kinds):
    axes = axes_of(kinds["chart"])
    across = {tuple(line.get_xdata()) + tuple(line.get_ydata()) for line in axes.get_lines()[4:]}
    assert across == {(0, 1, 0.6931, 0.6931), (120.0, 120.0, 0, 1)}
    assert {"base rate", "one half"} <= set(words(axes))


def test_a_line_of_few_points_shows_the_points():
    few = Series("few", np.array([1.0, 2.0]), np.array([1.0, 2.0]))
    many = Series("many", np.arange(100.0), np.arange(100.0))
    lines = axes_of(Chart("", "", "", (few, many))).get_lines()
    assert [line.get_marker() == "None" for line in lines] == [False, True]


@pytest.mark.parametrize("scale", ["linear", "log", "symlog"])
def test_every_scale_shows_every_number_that_it_can(scale):
    y = np.array([-1e-6, 0.0, 1e-9, 1e300, np.nan, np.inf]) if scale == "symlog" else np.array([0.0, 1e-9, 1.0, np.inf])
    panel = Chart("", "x", "y", (Series("a", np.arange(float(len(y))), y),), y_scale=scale)
    axes = axes_of(panel)
    bottom, top = axes.get_ylim()
    shown = y[np.isfinite(y) & ((y > 0) | (scale != "log"))]
    assert bottom <= shown.min()
    assert min(shown.max(), 1e290) <= top
    assert axes.get_yscale() == scale
    ticks = [tick for tick in axes.get_yticks() if bottom <= tick <= top]
    assert 2 <= len(ticks) <= 9
    assert ("below the scale" in chart_module.legend_text(panel, panel.series[0])) == (scale == "log")


def test_ticks_of_both_signs_do_not_cover_each_other():
    x = np.concatenate([-np.geomspace(1e-9, 1e3, 50), np.geomspace(1e-9, 1e3, 50)])
    axes = axes_of(Chart("", "z", "g(z)", (Series("tanh", x, np.tanh(x)),), x_scale="symlog"))
    boxes = [label.get_window_extent() for label in axes.get_xticklabels() if label.get_text()]
    assert len(boxes) >= 5
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))


@pytest.mark.parametrize(("rising", "side"), [(True, "left"), (False, "right")])
def test_the_name_of_a_line_across_stands_clear_of_a_curve(rising, side):
    x = np.arange(50.0)
    y = x if rising else x[::-1]
    panel = Chart("", "x", "y", (Series("a", x, y),), markers=(("y", 46.0, "parted"),))
    (name,) = axes_of(panel).texts
    assert name.get_ha() == side


def test_a_chart_of_zeros_has_them_at_its_foot():
    low, high = axes_of(Chart("", "x", "share", (Series("a", np.arange(4.0), np.zeros(4)),))).get_ylim()
    assert low > -0.1
    assert high > 0.9


def test_numbers_of_edges_stand_clear_of_biases():
    network = Diagram("", (np.ones((4, 2)), np.full((1, 4), -0.155)), (np.full((4, 1), 0.0789), np.zeros((1, 1))))
    axes = axes_of(network)
    axes.figure.canvas.draw()
    boxes = {True: [], False: []}
    for text in axes.texts:
        boxes[text.get_text().startswith("b =")].append(text)
    edges = [text.get_window_extent() for text in boxes[False] if text.get_text() == "-0.155"]
    biases = [text.get_window_extent() for text in boxes[True]]
    assert len(edges) == 4
    assert not any(edge.overlaps(bias) for edge in edges for bias in biases)


def test_names_keep_their_look_in_every_panel(kinds):
    other = replace(kinds["chart"], series=kinds["chart"].series[:0:-1])
    figure = still("", "", kinds["chart"], other)
    first, second = axes_of(kinds["chart"], figure), axes_of(other, figure, place=1)
    paint = [line.get_color() for line in first.get_lines()[:4]]
    assert [line.get_color() for line in second.get_lines()[:3]] == paint[:0:-1]
    assert len(set(paint)) == 4


def test_a_dial_moves_what_is_in_the_axes_and_not_the_axes(kinds):
    steps = np.arange(3.0)
    small, large = (Chart("", "x", "y", (Series("a", steps, scale * steps),)) for scale in (1.0, 9.0))
    frames = (
        Frame("1", (small, kinds["surface"])),
        Frame("9", (large, replace(kinds["surface"], values=5 * kinds["surface"].values))),
    )
    turned, switched = (Figure("", "", frames, control="scale", dial=dial) for dial in (True, False))
    limits = [
        [axes_of(each.panels[0], figure, place).get_ylim() for place, each in enumerate(frames)]
        for figure in (turned, switched)
    ]
    assert limits[0][0] == limits[0][1]
    assert limits[1][0] != limits[1][1]
    assert limits[0][0][1] >= 18
    colours = [axes_of(each.panels[1], turned, place, 1).images[0].get_clim() for place, each in enumerate(frames)]
    assert colours[0] == colours[1]


def test_every_bar_has_its_height_and_its_number(kinds):
    panel = kinds["bars"]
    axes = axes_of(panel)
    heights = [bar.get_height() for group in axes.containers for bar in group]
    assert heights == list(panel.heights.ravel())
    assert words(axes) == ["0.5", "0.25", "1", "0"]
    centres = [bar.get_x() + bar.get_width() / 2 for group in axes.containers for bar in group]
    assert np.allclose(np.round(centres), [0, 1, 0, 1])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["W1", "W2"]


def test_long_names_lie(kinds):
    panel = Bars("", "cost", ("a start with a long name", "another with a long name"), np.array([1.0, -2.0]))
    axes = axes_of(panel)
    assert [bar.get_width() for bar in axes.containers[0]] == [1.0, -2.0]
    assert [label.get_text() for label in axes.get_yticklabels()] == list(panel.names)
    assert axes.yaxis_inverted(), "the first name stands above"


@pytest.mark.parametrize("scale", ["linear", "log", "symlog"])
def test_bars_of_nothing_and_of_much(scale):
    panel = Bars("", "norm", ("a", "b", "c", "d"), np.array([0.0, 1e-12, 1e3, np.nan]), y_scale=scale)
    assert words(axes_of(panel)) == ["0", "1e-12", "1000", "not finite"]
    assert words(axes_of(replace(panel, heights=np.zeros(4)))) == ["0"] * 4


@pytest.mark.parametrize("scale", ["linear", "log", "symlog"])
@pytest.mark.parametrize("names", [("a", "b"), ("a start with a long name", "another with a long name")])
def test_higher_bars_reach_further(scale, names):
    axes = axes_of(Bars("", "", names, np.array([2.0, 300.0]), y_scale=scale))
    boxes = [bar.get_window_extent() for bar in axes.containers[0]]
    room = axes.get_window_extent()
    low, high = ((box.x1 - room.x0, box.y1 - room.y0)[len(names[0]) == 1] for box in boxes)
    assert 0 < low < high
    assert all(np.isfinite(box.bounds).all() for box in boxes)


def test_names_of_lines_across_do_not_cover_each_other():
    panel = Chart(
        "", "", "", (Series("a", np.arange(9.0), np.arange(9.0)),), markers=(("x", 4.0, "one"), ("x", 4.1, "other"))
    )
    axes = axes_of(panel)
    first, second = (text.get_window_extent() for text in axes.texts)
    assert not first.overlaps(second)


def test_a_surface_lies_as_its_axes_say(kinds):
    panel = replace(kinds["surface"], extent=(-2, 2, -1, 1))
    image = axes_of(panel).images[0]
    assert np.array_equal(image.get_array(), panel.values)
    assert (image.origin, tuple(image.get_extent())) == ("lower", (-2, 2, -1, 1))
    low, high = image.get_clim()
    assert low == -high


def test_a_line_of_a_unit_lies_where_its_sum_is_zero(kinds):
    w1, w2, b = 1.0, 0.5, 0.25
    axes = axes_of(replace(kinds["surface"], lines=((w1, w2, b), (0.0, 0.0, 1.0))))
    lines = axes.get_lines()
    assert len(lines) == 1, "without weights there is no line"
    x, y = np.array([lines[0].get_xy1(), lines[0].get_xy2()]).T
    assert np.allclose(w1 * x + w2 * y + b, 0)


def test_points_carry_their_class_by_shape_too(kinds):
    axes = axes_of(kinds["answer"])
    dots = axes.get_lines()
    assert [list(line.get_xdata()) for line in dots] == [[-1.0, -1.5], [1.0, 1.5]]
    assert len({line.get_marker() for line in dots}) == 2
    assert axes.images[0].get_clim() == (0, 1)


def test_surfaces_side_by_side_share_their_colours(kinds):
    small = replace(kinds["surface"], values=0.01 * kinds["surface"].values)
    figure = still("", "", kinds["surface"], small)
    clims = [
        axes_of(panel, figure, place=place).images[0].get_clim() for place, panel in enumerate(figure.frames[0].panels)
    ]
    assert clims[0] == clims[1]


def test_a_flat_surface_says_so():
    flat = Surface("", np.zeros((3, 3)), (0, 1, 0, 1))
    assert "0 everywhere" in words(axes_of(flat))


def test_every_weight_stands_on_its_edge(kinds):
    panel = kinds["diagram"]
    axes = axes_of(panel)
    labels = {text.get_text(): np.array(text.get_position()) for text in axes.texts}
    units = {name: labels[name] for name in ("x₁", "x₂", "a₁", "a₂", "ŷ")}
    expected = {
        "0.00530": ("x₁", "a₁"),
        "-0.00230": ("x₂", "a₁"),
        "0.00970": ("x₁", "a₂"),
        "0.00410": ("x₂", "a₂"),
        "1.50": ("a₁", "ŷ"),
        "0": ("a₂", "ŷ"),
    }
    for number, (left, right) in expected.items():
        edge, spot = units[right] - units[left], labels[number] - units[left]
        assert edge[0] * spot[1] == pytest.approx(edge[1] * spot[0]), number
        assert 0 < spot[0] < edge[0]
    assert {"b = 0", "b = 0.125", "b = -0.500"} <= set(labels)


def test_the_largest_weight_is_the_widest_and_zero_is_dotted(kinds):
    lines = {
        tuple(line.get_ydata()): line for line in axes_of(kinds["diagram"]).get_lines() if len(line.get_xdata()) == 2
    }
    widths = [line.get_linewidth() for line in lines.values()]
    assert max(widths) == lines[(0.3, 0.0)].get_linewidth()
    assert lines[(-0.3, 0.0)].get_linestyle() == "--"


def test_a_wide_network_is_drawn_in_part():
    from symbreak.lesson.figures import Diagram

    rng = np.random.default_rng(0)
    panel = Diagram("", (rng.normal(size=(50, 20)), rng.normal(size=(3, 50))), (np.zeros(50), np.zeros(3)))
    found = words(axes_of(panel))
    assert "and 40 more" in found
    assert "and 10 more" in found
    assert not any("." in word for word in found), "numbers would cover each other"


def test_a_matrix_has_its_numbers_in_their_cells(kinds):
    axes = axes_of(kinds["matrix"])
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    assert cells == {(0, 0): "0.250", (1, 0): "-0.500", (0, 1): "0.250", (1, 1): "-0.500"}
    assert [label.get_text() for label in axes.get_yticklabels()] == ["unit 1", "unit 2"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["x1", "x2"]


def test_tables_and_steps_are_written_out(kinds):
    assert words(axes_of(kinds["table"])) == ["start", "cost", "zeros", "0.693", "he", "0.25"]
    found = words(axes_of(kinds["steps"]))
    assert found[0::2] == ["✓", "✗"]
    assert "(does not hold)" in found[3]


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_the_same_bytes_again(turned, kind):
    """Other objects in memory, other addresses: a layout whose sums depend on them would show."""
    first, others = figure_image(turned, kind=kind), [[object() for _ in range(999)]]
    for _ in range(3):
        others.append([object() for _ in range(4321)])
        assert figure_image(turned, kind=kind) == first


def test_a_file_shows_every_frame(switched, turned):
    def titles(figure):
        return [axes.get_title("left") for axes in figure_picture(figure).axes]

    assert titles(switched) == ["Training cost", "Gradient", "The other", "Gradient"]
    assert len(titles(turned)) == 6
    image = imread(io.BytesIO(figure_image(turned, kind="png")))
    assert image.shape[0] > image.shape[1], "three rows, one for each position"


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_lies_outside_the_picture(kinds, kind):
    figure = figure_picture(still("A title", "", kinds[kind]))
    figure.canvas.draw()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert min(box.x0, box.y0) >= -0.02
    assert box.x1 <= width + 0.02
    assert box.y1 <= height + 0.02


def test_global_settings_stay_and_pyplot_is_left_alone(switched):
    with matplotlib.rc_context({"font.size": 33, "text.usetex": True}):
        before = dict(matplotlib.rcParams)
        theirs = figure_image(switched, kind="svg")
        assert dict(matplotlib.rcParams) == before
    assert theirs == figure_image(switched, kind="svg")
    code = "import sys, symbreak.report.drawing.picture; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "matplotlib.pyplot" not in loaded


def test_hostile_texts_stay_texts(hostile):
    figure = hostile.findings[0].evidence.figure
    root = ElementTree.fromstring(figure_image(figure, kind="svg"))
    assert {element.tag.split("}")[1] for element in root.iter()} & {"script", "a", "foreignObject", "img"} == set()
