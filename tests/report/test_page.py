from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace

import plotly.graph_objects as go
import pytest
from report.markup import Page

from symbreak.report import comparison_html
from symbreak.report.frame import embedded
from symbreak.report.html import digest, element, escape
from symbreak.report.plots import label

FETCHING = {"src", "href", "srcset", "data", "action", "poster", "background", "formaction", "ping", "xlink:href"}


def figures(page: Page) -> dict:
    return json.loads(next(code for code in page.code if code.startswith('{"')))


def fetched(page: Page) -> list[str]:
    """Everything in the page's markup and style that would make a browser ask for something."""
    named = [value for _, found in page.elements for name, value in found.items() if name in FETCHING]
    styles = [code for code in page.code if "font:" in code][:1] + page.attributes("style")
    return named + [hit for style in styles for hit in re.findall(r"url\(|@import|https?:", style)]


@pytest.fixture
def page(any_result) -> Page:
    return Page(comparison_html(any_result))


def test_it_says_each_verdict_and_the_command(any_result, page):
    for row in any_result.rows:
        assert " ".join(row.verdict.split()) in page.text
    assert " ".join(any_result.command.split()) in page.text
    assert any_result.version in page.text


def test_it_nests(page):
    assert page.misnested == []
    assert page.open == []


def test_nothing_is_fetched(page):
    assert fetched(page) == []


@pytest.mark.parametrize(
    "mutant",
    [
        "<script src=https://cdn.plot.ly/plotly.js></script>",
        "<style>body{font:1em a} @import 'x.css'</style>",
        "<p style='background:url(x.png)'></p>",
        "<img src=x.png>",
    ],
)
def test_that_would_notice_a_request(mutant):
    assert fetched(Page(mutant))


def test_the_policy_names_the_scripts_and_forbids_the_rest(page):
    policy = next(found["content"] for _, found in page.elements if "http-equiv" in found)
    scripts = [code for code in page.code if "Plotly" in code or "plotly" in code]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe-eval" not in policy
    assert re.search(r"script-src ([^;]*);", policy)[1].split() == [digest(code) for code in scripts[-2:]]


def test_plotly_is_there_once(any_result):
    assert comparison_html(any_result).count("plotly.js v") == 1


def test_names_stay_unique_and_lead_somewhere(page):
    names = page.attributes("id")
    assert len(names) == len(set(names))
    assert set(page.attributes("aria-labelledby")) <= set(names)
    assert set(page.attributes("data-for")) <= set(names)
    assert set(page.attributes("data-figure")) == set(figures(page))


def test_every_figure_has_a_line_for_who_cannot_see_it(page):
    places = [found for _, found in page.elements if "data-figure" in found]
    assert places == [] or all(found["role"] == "img" and len(found["aria-label"]) > 10 for found in places)


def test_plotly_knows_every_setting(page):
    for figure in figures(page).values():
        for plot in figure["plots"].values():
            go.Figure(_plain(plot["data"]), _plain(plot["layout"]))


def _plain(value):
    """Colours of the theme are filled in by the page."""
    if isinstance(value, str):
        return "#000000" if re.fullmatch(r"ink(/[\d.]+)?|background", value) else value
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return {key: _plain(inner) for key, inner in value.items()} if isinstance(value, dict) else value


def test_the_same_bytes_again(any_result):
    assert comparison_html(any_result) == comparison_html(any_result)


def test_hostile_names_stay_text(planar, hostile):
    """The page of hostile names has the same elements, one for one, as that of harmless ones."""
    harmless = replace(planar, rows=planar.rows[:3], interrupted=True, data=replace(planar.data, notes=("a note",)))
    expected, found = (Page(comparison_html(each)) for each in (harmless, hostile))
    assert [tag for tag, _ in found.elements] == [tag for tag, _ in expected.elements]
    assert not [name for _, attributes in found.elements for name in attributes if name.startswith("on")]


def test_that_would_notice_one_name_let_through():
    assert [tag for tag, _ in Page(element("p", "<b>x</b>")).elements] == ["p"]
    assert [tag for tag, _ in Page(f"<p>{'<b>x</b>'}</p>").elements] == ["p", "b"]


@pytest.mark.parametrize("text", ["</script><script>alert(1)</script>", "<!--", "]]>", "\u2028", "&lt;"])
def test_data_cannot_leave_its_script(text):
    inside = embedded({text: [text]})
    assert not re.search("[<&]", inside)
    assert json.loads(inside) == {text: [text]}


@pytest.mark.parametrize("text", ["<b>x</b>", "%{x}", "&amp;", "<a href='http://a.example'>b</a>"])
def test_a_label_holds_nothing_that_plotly_reads(text):
    assert not re.search(r"<|%\{|&(?!(lt|gt|amp|quot|#x27|#123);)", label(text))


def test_half_characters_and_controls_do_not_stop_the_page(planar):
    odd = replace(planar.data, name="a\x00b\ud800c\u202ed", features=("\x1b[31m", "2\udcff"))
    text = comparison_html(replace(planar, data=odd, rows=planar.rows[:1]))
    assert "\x00" not in text
    text.encode("utf-8")
    assert escape("\ud800") == "\N{REPLACEMENT CHARACTER}"


def test_it_says_what_was_run_and_what_came_out(planar, deep, single):
    text = Page(comparison_html(planar)).text
    assert "2-4-1, tanh, cross-entropy loss" in text
    assert "zeros and constant(0.5) end with one effective unit in every hidden layer." in text
    assert "features as they are" in text
    deep_text = Page(comparison_html(deep)).text
    assert "50 samples held out; features standardised on the training split" in deep_text
    assert "2 missing values were imputed" in deep_text
    assert "1 seed for each initialization" in Page(comparison_html(single)).text


def test_what_was_cut_short_says_so(planar):
    cut = Page(comparison_html(replace(planar, interrupted=True, rows=()))).text
    assert "Interrupted" in cut
    assert "No run was finished." in cut
    assert "Interrupted" not in Page(comparison_html(planar)).text


def test_boundaries_only_where_there_is_a_plane(planar, deep):
    assert "boundary-0" in figures(Page(comparison_html(planar)))
    assert "boundary-0" not in figures(Page(comparison_html(deep)))


def test_a_run_on_its_way_to_overflow_leaves_at_the_top(planar, diverging):
    page = Page(comparison_html(diverging))
    low, high = figures(page)["cost"]["plots"][""]["layout"]["yaxis"]["range"]
    assert -1 < low < high < 5
    assert "leave the figure at the top" in page.text
    assert "leave the figure at the top" not in Page(comparison_html(planar)).text


def test_line_and_band_end_where_half_of_the_runs_overflowed(diverging):
    band = figures(Page(comparison_html(diverging)))["cost"]["plots"][""]["data"][1]
    assert band["fill"] == "toself"
    assert max(x for x in band["x"] if x is not None) < 100
    median = figures(Page(comparison_html(diverging)))["cost"]["plots"][""]["data"][3]
    assert median["y"][-1] is None


def test_every_layer_can_be_chosen(deep):
    drawn = figures(Page(comparison_html(deep)))
    assert list(drawn["activations-0"]["plots"]) == ["1", "2"]
    assert list(drawn["gradients-0"]["plots"]) == ["1", "2", "3"]


def test_many_units_do_not_swell_the_page(planar):
    wide = tuple(tuple((float(i), float(i * i % 97)) for i in range(1000)) for _ in range(3))
    detail = replace(planar.rows[0].detail, trajectory_iterations=(0, 1, 2), trajectory_weights=wide)
    page = Page(comparison_html(replace(planar, rows=(replace(planar.rows[0], detail=detail),))))
    assert len(figures(page)["trajectory-0"]["plots"][""]["data"]) < 20
    assert "100 of them drawn" in page.text


def test_importing_the_room_loads_no_drawing_library():
    code = "import sys, symbreak.report; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "symbreak.report" in loaded
    assert {"plotly", "matplotlib"} & set(loaded) == set()
