"""The page of a map in a real browser: what it says of the network under the pointer, and its commands."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from symbreak.report.format import short
from symbreak.report.map_page import page

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def visit(open_page, small, lines):
    return open_page(page(small, lines))


def over(visit, result, i, j):
    """Return the middle of a cell, in the window."""
    visit.page.locator("#field").scroll_into_view_if_needed()
    box = visit.page.locator("#field").bounding_box()
    rows, columns = result.shape
    return box["x"] + (j + 0.5) / columns * box["width"], box["y"] + (1 - (i + 0.5) / rows) * box["height"]


def said(visit) -> str:
    return visit.page.locator("#reading").inner_text()


def test_hovering_tells_of_the_cell_and_a_press_gives_its_command(visit, small, special):
    for i, j in ((3, 5), (1, 0), (5, 6)):
        visit.page.mouse.move(*over(visit, small, i, j))
        text = said(visit)
        assert f"reaches half of the base-rate cost in {int(small.steps_to_half[i, j])} steps" in text
        assert short(float(small.x[j]), 4) in text
        assert short(float(small.y[i]), 4) in text
        assert short(float(small.final_cost[i, j]), 3) in text
        assert f"{int(small.effective_units[i, j])} of 4" in text
        visit.page.mouse.click(*over(visit, small, i, j))
        assert visit.page.locator("#command-one").text_content() == small.command(i, j)
    verdicts = {"diverged": "diverges at step 17", "never": "does not reach half", "untrained": "not trained yet"}
    for what, words in verdicts.items():
        visit.page.mouse.move(*over(visit, small, *special[what]))
        assert words in said(visit)
    assert visit.complaints == []


def test_a_dragged_window_gives_the_command_that_draws_it(visit, small):
    visit.page.mouse.move(*over(visit, small, 1, 2))
    visit.page.mouse.down()
    visit.page.mouse.move(*over(visit, small, 4, 5), steps=3)
    visit.page.mouse.up()
    x, y = small.x.tolist(), small.y.tolist()
    ends = f"{x[2]!r}:{x[5]!r},{y[1]!r}:{y[4]!r}"
    assert visit.page.locator("#command-zoom").text_content() == f"{small.settings.command} --zoom {ends}"
    assert visit.page.locator("#one").is_hidden()
    visit.page.mouse.click(*over(visit, small, 0, 0))
    assert visit.page.locator("#zoom").is_hidden()


def test_arrow_keys_do_the_same(visit, small):
    keys = visit.page.keyboard
    visit.page.locator("#field").focus()
    keys.press("ArrowRight")  # enters in the middle
    for key in ("ArrowRight", "ArrowUp", "ArrowUp"):
        keys.press(key)
    assert f"in {int(small.steps_to_half[5, 4])} steps" in said(visit)
    keys.press("ArrowUp")  # the edge holds
    keys.press("Enter")
    assert visit.page.locator("#command-one").text_content() == small.command(5, 4)
    keys.press("Shift+ArrowLeft")
    keys.press("Shift+ArrowDown")
    x, y = small.x.tolist(), small.y.tolist()
    ends = f"{x[3]!r}:{x[4]!r},{y[4]!r}:{y[5]!r}"
    assert visit.page.locator("#command-zoom").text_content().endswith(f"--zoom {ends}")
    keys.press("Escape")
    assert visit.page.locator("#zoom").is_hidden()
    assert visit.page.locator("#reading").get_attribute("aria-live") == "polite"


def test_cells_have_the_colours_of_the_value_chosen(visit, small, special):
    def pixel(i, j):
        return visit.page.evaluate(
            "([i, j]) => [...document.getElementById('cells').getContext('2d').getImageData(j, 5 - i, 1, 1).data]",
            [i, j],
        )

    assert pixel(*special["diverged"]) == [0xD5, 0x5E, 0x00, 255]
    assert pixel(*special["untrained"])[3] == 0
    worst, best = pixel(0, 0), pixel(5, 6)
    visit.page.get_by_role("button", name="diverged").click()
    assert pixel(0, 0) == pixel(5, 6) not in (worst, best)
    visit.page.get_by_role("button", name="steps to half cost").click()
    assert pixel(*special["never"]) == [0xE4, 0xE7, 0xEA, 255]
    expect(visit.page.locator("[data-scale-of=steps_to_half]")).to_be_visible()
    expect(visit.page.locator("[data-scale-of=final_cost]")).to_be_hidden()


def test_it_opens_alone_in_both_themes_and_on_a_phone(visit):
    visit.wait_until_it_fits()
    visit.page.emulate_media(color_scheme="dark")
    visit.page.set_viewport_size(PHONE)
    visit.wait_until_it_fits()
    assert visit.complaints == []
    assert visit.requests == [visit.address]


def test_hostile_names_are_shown_and_not_obeyed(open_page, hostile):
    visit = open_page(page(hostile))
    visit.page.mouse.click(*over(visit, hostile, 3, 3))
    assert "<script>alert(1)</script>" in visit.page.locator("#command-one").text_content()
    assert visit.dialogs == []
    assert visit.complaints == []
    assert visit.page.evaluate("document.images.length") == 0
