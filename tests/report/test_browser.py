"""The page in a real browser: Chromium is needed, and its absence is a failure."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from symbreak.report import comparison_html

CASES = ["planar", "deep", "hostile", "diverging"]
RARER = ["multiclass", "regression", "no_hidden_layer", "all_lost", "single"]
PHONE = {"width": 390, "height": 844}


def draw_all(visit) -> None:
    visit.page.evaluate("dispatchEvent(new Event('beforeprint'))")


def undrawn(visit) -> list[str]:
    return visit.page.evaluate(
        """[...document.querySelectorAll("[data-figure]")]
           .filter((figure) => !figure.querySelector("svg.main-svg"))
           .map((figure) => figure.id)"""
    )


@pytest.fixture
def visit(open_page, request):
    return open_page(comparison_html(request.getfixturevalue(request.param)))


def on(*cases: object):
    return pytest.mark.parametrize("visit", cases, indirect=True)


@on(*CASES, *(pytest.param(case, marks=pytest.mark.slow) for case in RARER))
def test_it_opens_alone_in_both_themes_and_on_a_phone(visit):
    draw_all(visit)
    assert undrawn(visit) == []
    visit.wait_until_it_fits()
    visit.page.emulate_media(color_scheme="dark")
    visit.page.set_viewport_size(PHONE)
    visit.wait_until_it_fits()
    assert undrawn(visit) == []
    assert visit.complaints == []
    assert visit.dialogs == []
    assert visit.requests == [visit.address]


@on("planar")
def test_that_would_notice_a_request_and_an_error(visit):
    visit.page.evaluate("document.body.append(Object.assign(new Image(), {src: 'https://example.invalid/x.png'}))")
    visit.page.evaluate("setTimeout(() => { throw new Error('wrong'); })")
    visit.page.wait_for_timeout(100)
    assert any("Content Security Policy" in text for text in visit.complaints)
    assert any("wrong" in text for text in visit.complaints)


@on("hostile")
def test_hostile_names_are_shown_and_not_obeyed(visit):
    draw_all(visit)
    assert visit.page.evaluate("document.scripts.length") == 3
    assert visit.page.evaluate("document.images.length") == 0
    assert visit.page.evaluate("document.querySelectorAll('svg a, svg [style*=bold]').length") == 0
    ticks = visit.page.locator("#score .yaxislayer-above text").all_text_contents()
    assert ticks
    assert all("<scr" in text for text in ticks)
    assert "<script>alert(1)</script>" in visit.page.locator("#command").text_content()


@on("planar")
def test_the_theme_reaches_the_figures(visit):
    line = visit.page.locator("#cost .scatterlayer .js-line").nth(7)
    colours = {}
    for theme in ("light", "dark"):
        visit.page.emulate_media(color_scheme=theme)
        visit.page.locator("#cost").scroll_into_view_if_needed()
        text = visit.page.evaluate("getComputedStyle(document.body).color")
        expect(line).to_have_css("stroke", text)
        colours[theme] = text
    assert colours["light"] != colours["dark"]


@on("planar")
def test_the_legend_hides_an_initialization_everywhere(visit):
    for place in ("cost", "score"):
        visit.page.locator(f"#{place}").scroll_into_view_if_needed()
        visit.page.wait_for_selector(f"#{place} svg.main-svg")
    chip = visit.page.get_by_role("button", name="xavier")
    chip.focus()
    visit.page.keyboard.press("Enter")
    assert chip.get_attribute("aria-pressed") == "false"
    assert visit.page.locator("#activations-5").is_hidden()
    shown = "place => document.getElementById(place).data.filter(t => t.meta === 5 && t.visible).length"
    assert [visit.page.evaluate(shown, place) for place in ("cost", "score")] == [0, 0]
    visit.page.keyboard.press("Enter")
    assert visit.page.locator("#activations-5").is_visible()
    assert visit.page.evaluate(shown, "cost") == 2


@on("planar")
def test_the_scales_change(visit):
    scale = "axis => document.getElementById('cost')._fullLayout[axis].type"
    visit.page.locator("#cost").scroll_into_view_if_needed()
    visit.page.wait_for_selector("#cost svg.main-svg")
    assert visit.page.evaluate(scale, "yaxis") == "log"
    visit.page.get_by_role("group", name="Scale of cost").get_by_role("button", name="linear").click()
    assert visit.page.evaluate(scale, "yaxis") == "linear"
    visit.page.get_by_role("group", name="Scale of iterations").get_by_role("button", name="logarithmic").click()
    assert visit.page.evaluate(scale, "xaxis") == "log"
    assert visit.complaints == []


@on("deep")
def test_a_layer_can_be_chosen(visit):
    draw_all(visit)
    figure = visit.page.locator("#gradients-1")
    assert "layer 1" in figure.get_attribute("aria-label")
    visit.page.locator("#gradients select").select_option("3")
    assert "layer 3" in figure.get_attribute("aria-label")
    assert visit.page.get_by_role("combobox", name="Layer").count() == 2


@on("single")
def test_the_command_can_be_copied(visit):
    visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit.page.get_by_role("button", name="Copy").click()
    visit.page.wait_for_selector("text=Copied")
    assert visit.page.evaluate("navigator.clipboard.readText()") == "symbreak compare --init 'he'"


@on("planar")
def test_the_table_is_a_table_on_a_phone_too(visit):
    visit.page.set_viewport_size(PHONE)
    assert visit.page.get_by_role("rowheader").count() == 7
    assert visit.page.get_by_role("columnheader").count() == 9
    assert visit.page.get_by_role("heading", level=1).count() == 1
