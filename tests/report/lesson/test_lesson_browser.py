"""The page in a real browser: filter, switch and dial by keyboard, both themes, desk and phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from symbreak.report import lesson_html

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def visit(open_page, audited):
    return open_page(lesson_html(audited))


def test_it_opens_alone_in_both_themes_and_on_a_phone(visit):
    visit.wait_until_it_fits()
    visit.page.emulate_media(color_scheme="dark")
    visit.page.set_viewport_size(PHONE)
    visit.wait_until_it_fits()
    visit.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    visit.wait_until_it_fits()
    assert visit.complaints == []
    assert visit.requests[0] == visit.address
    assert all(request.startswith("data:image/png") for request in visit.requests[1:])


def test_hostile_texts_do_nothing(open_page, hostile):
    visit = open_page(lesson_html(hostile))
    visit.page.set_viewport_size(PHONE)
    visit.wait_until_it_fits()
    assert visit.complaints == []
    assert visit.dialogs == []
    assert visit.page.evaluate("document.scripts.length") == 1
    assert visit.page.evaluate("document.images.length") == 0


def test_the_theme_reaches_the_pictures(visit):
    text = visit.page.locator("#R1 .panel.chart svg text").first
    line = visit.page.locator("#R1 .panel.diagram svg text").first
    colours = {}
    for theme in ("light", "dark"):
        visit.page.emulate_media(color_scheme=theme)
        colours[theme] = visit.page.evaluate("getComputedStyle(document.body).color")
        expect(line).to_have_css("fill", colours[theme])
        assert text.evaluate("node => getComputedStyle(node).fill") != "rgb(0, 0, 0)"
    assert colours["light"] != colours["dark"]


def shown(visit, claim: str) -> list[str]:
    frames = visit.page.locator(f"#{claim} .frame").all()
    return [frame.get_attribute("data-frame") for frame in frames if frame.is_visible()]


def test_a_switch_turns_by_keyboard(visit):
    assert shown(visit, "R8") == ["0"]
    visit.page.get_by_role("radio", name="cross-entropy").focus()
    visit.page.keyboard.press("ArrowRight")
    assert shown(visit, "R8") == ["1"]
    expect(visit.page.get_by_role("radio", name="squared error")).to_be_checked()
    visit.page.keyboard.press("ArrowLeft")
    assert shown(visit, "R8") == ["0"]
    assert visit.complaints == []


def test_a_dial_turns_by_keyboard(visit):
    dial = visit.page.get_by_role("slider", name="scale")
    dial.focus()
    assert shown(visit, "R29") == ["0"]
    visit.page.keyboard.press("End")
    assert shown(visit, "R29") == ["2"]
    assert dial.get_attribute("aria-valuetext") == "1"
    expect(visit.page.locator("#R29 output")).to_have_text("1", use_inner_text=True)
    visit.page.keyboard.press("ArrowLeft")
    assert shown(visit, "R29") == ["1"]


def claims(visit) -> list[str]:
    return [each.get_attribute("id") for each in visit.page.locator("article.claim").all() if each.is_visible()]


def test_the_filter_shows_one_verdict(visit):
    button = visit.page.get_by_role("button", name="false 1")
    button.focus()
    visit.page.keyboard.press("Enter")
    assert button.get_attribute("aria-pressed") == "true"
    assert claims(visit) == ["R29"]
    assert visit.page.get_by_role("heading", name="Why not zero").is_hidden()
    assert visit.page.locator("#shown").text_content() == "1 of 6 claims shown"
    visit.page.get_by_role("button", name="all 6").click()
    assert claims(visit) == ["R1", "R8", "R9", "R29", "R30", "K1"]


def test_a_link_leads_to_its_claim_through_the_filter(visit):
    visit.page.get_by_role("button", name="false 1").click()
    visit.page.get_by_role("link", name="R9: true").click()
    expect(visit.page.locator("#R9")).to_be_in_viewport()
    assert len(claims(visit)) == 6


def test_a_command_can_be_copied(visit):
    visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit.page.get_by_role("button", name="Copy symbreak lesson R9").click()
    visit.page.wait_for_selector("text=Copied")
    assert visit.page.evaluate("navigator.clipboard.readText()") == "symbreak lesson R9"


def test_verdicts_are_read_out_and_headings_in_order(visit):
    page = visit.page
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.get_by_role("heading", level=3).count() == 6
    assert page.get_by_role("group", name="costs under two losses").count() == 1
    assert page.locator("#R29 .badge").inner_text().split() == ["✗", "false"]
