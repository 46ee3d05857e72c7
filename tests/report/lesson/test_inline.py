"""Pictures inside a page: small, in the theme's colours, with text that is text and identifiers of their own."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from symbreak.lesson.figures import still
from symbreak.report.drawing.canvas import GRID, QUIET, TEXT
from symbreak.report.drawing.inline import inline_svg
from symbreak.report.drawing.peers import setting

DRAWN = ["chart", "bars", "surface", "answer", "diagram", "matrix"]


def svg(panel, prefix="R8-0-0") -> str:
    return inline_svg(panel, setting(still("", "", panel), 0, 0), prefix=prefix)


@pytest.fixture(params=DRAWN)
def picture(kinds, request) -> str:
    return svg(kinds[request.param])


def test_no_colour_of_the_theme_is_left_as_a_number(picture):
    assert not re.search("|".join((TEXT, QUIET, GRID)), picture)
    assert "var(--ink)" in picture or "var(--muted)" in picture


def test_references_lead_to_identifiers_of_this_picture(picture):
    root = ElementTree.fromstring(picture)
    names = {node.get("id") for node in root.iter()} - {None}
    used = set(re.findall(r'(?:href="|url\()#([\w-]+)', picture))
    assert used == names
    assert all(name.startswith("R8-0-0-") for name in names)


def test_two_pictures_share_no_identifier(kinds):
    first, second = (set(re.findall(r' id="([^"]+)"', svg(kinds["chart"], prefix))) for prefix in ("a", "b"))
    assert first
    assert not first & second


def test_text_is_text(kinds):
    found = ["".join(node.itertext()) for node in ElementTree.fromstring(svg(kinds["chart"])).iter("text")]
    assert {"iteration", "cost", "base rate", "one half"} <= set(found)
    assert "font-family" not in svg(kinds["chart"])


def test_a_surface_is_smooth_and_cells_are_not(kinds):
    assert "pixelated" in svg(kinds["matrix"])
    assert "pixelated" not in svg(kinds["surface"])


def test_it_is_small(picture):
    assert len(picture) < 20_000


def test_the_same_again(kinds):
    assert svg(kinds["answer"]) == svg(kinds["answer"])


def test_hostile_texts_stay_texts(hostile):
    for panel in hostile.findings[0].evidence.figure.frames[0].panels[:5]:
        root = ElementTree.fromstring(svg(panel))
        assert not {"script", "img", "foreignObject", "a", "style"} & {node.tag for node in root.iter()}
        assert root.get("aria-label").startswith("</script>")
