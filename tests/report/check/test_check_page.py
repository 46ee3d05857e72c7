"""The page of a checked model: whole, alone, in both themes, on a phone; no name becomes part of it."""

from __future__ import annotations

import json
import re

import pytest
from report.markup import Page

from symbreak.report import check_page as module
from symbreak.report.check_page import check_page, check_table
from symbreak.report.html import Html

PHONE = {"width": 390, "height": 844}


def test_every_element_is_closed(any_report):
    assert Page(check_page(any_report)).nested
    assert Page(str(check_table(any_report))).nested


def test_it_says_what_the_text_says(usual):
    text = Page(check_page(usual)).written
    for words in ("Net: 1 error and 1 warning", "5 of 7 units", "rows that differ", "share: 0.7143", "made-up input"):
        assert words in text
    assert "with torch.no_grad():\n    model.get_parameter('0.weight').normal_()" in text


def test_a_severity_is_a_mark_and_a_word_beside_its_colour(usual):
    page = check_page(usual)
    for kind, mark in (("error", "✗"), ("warning", "▲"), ("info", "ℹ"), ("ok", "✓"), ("skipped", "–")):
        badges = re.findall(rf'<span class="badge" data-state="{kind}">(.*?)</span>([^<]*)</span>', page)
        assert badges, kind
        assert all(mark in inner and word.strip() for inner, word in badges)


def test_no_text_becomes_part_of_the_page(hostile):
    read = Page(check_page(hostile))
    assert read.count("script") == 1
    assert read.count("img") == 0
    assert read.handlers == []
    assert "<script>alert(1)</script>" in read.written
    assert Page(str(check_table(hostile))).count("script") == 0


def test_that_test_would_notice_text_that_is_not_escaped(hostile, monkeypatch):
    monkeypatch.setattr(module, "sentence", lambda text, most=0: Html(text))
    with pytest.raises(AssertionError):
        assert Page(check_page(hostile)).count("script") == 1


def test_all_names_are_there_and_folded(long, names):
    page = check_page(long)
    assert "all 2000 names" in page
    assert names[-1] in page
    assert "and 1996 more" in page


def test_what_was_set_aside_stands_apart_with_its_reason(aside):
    text = Page(check_page(aside)).written
    assert "Set aside" in text
    assert "tied on purpose" in text
    assert "symmetric-units in gone.weight" in text


def test_links_lead_to_findings(usual):
    page = check_page(usual)
    targets = re.findall(r'href="#([^"]+)"', page)
    assert targets == ["finding-1", "finding-2", "finding-3"]
    assert all(f'id="{target}"' in page for target in targets)


def test_evidence_is_cut_where_it_would_fill_the_page(usual):
    usual["rules"][2]["findings"][0]["evidence"] = {"classes": list(range(100_000))}
    page = check_page(usual)
    assert len(page) < 200_000
    assert "the JSON has all of it" in page
    assert len(json.dumps(usual)) > 500_000


@pytest.mark.parametrize("case", ["usual", "aside", "hostile", "long"])
def test_it_opens_alone_in_both_themes_and_on_a_phone(case, open_page, request):
    visit = open_page(check_page(request.getfixturevalue(case)))
    visit.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    visit.wait_until_it_fits()
    light = visit.page.evaluate("getComputedStyle(document.querySelector('.badge')).color")
    visit.page.emulate_media(color_scheme="dark")
    visit.page.set_viewport_size(PHONE)
    visit.wait_until_it_fits()
    assert visit.page.evaluate("getComputedStyle(document.querySelector('.badge')).color") != light
    assert visit.complaints == []
    assert visit.dialogs == []
    assert visit.requests == [visit.address]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(usual, open_page, scheme):
    visit = open_page(check_page(usual))
    visit.page.emulate_media(color_scheme=scheme)
    pairs = visit.page.evaluate(
        """[...document.querySelectorAll(".badge")].map((badge) =>
           [getComputedStyle(badge).color, getComputedStyle(document.body).backgroundColor])"""
    )
    assert pairs
    assert min(contrast(*pair) for pair in pairs) >= 4.5


def contrast(one: str, other: str) -> float:
    """Ratio of luminances as WCAG 2 defines it."""
    values = sorted((luminance(one), luminance(other)))
    return (values[1] + 0.05) / (values[0] + 0.05)


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_fragment_opens_in_a_notebook_in_both_themes(usual, open_page):
    visit = open_page(f"<!DOCTYPE html><meta charset='utf-8'><body>{check_table(usual)}</body>")
    assert visit.page.locator(".symbreak-check .finding").count() == 3
    colour = visit.page.evaluate("getComputedStyle(document.querySelector('.symbreak-check .badge')).color")
    assert colour == "rgb(0, 115, 90)" or colour != visit.page.evaluate("getComputedStyle(document.body).color")
    visit.wait_until_it_fits()
