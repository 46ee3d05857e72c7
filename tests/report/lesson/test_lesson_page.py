"""The page of the audited lesson, the chapter and the notebook, as text."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import nbformat
import pytest
from nbclient import NotebookClient
from report.markup import Page

from symbreak.lesson.audit import Audit
from symbreak.lesson.catalogue import CLAIMS
from symbreak.report import lesson_chapter, lesson_html, lesson_images, lesson_notebook
from symbreak.report.html import digest
from symbreak.report.lesson.page import lesson_fragment


@pytest.fixture(scope="module")
def text(audited) -> str:
    return lesson_html(audited)


@pytest.fixture(scope="module")
def page(text) -> Page:
    return Page(text)


def test_everything_found_is_told(page, audited):
    for finding in audited.findings:
        assert page.count("article", id=finding.claim.id, **{"data-verdict": finding.verdict}) == 1
        for case in finding.evidence.cases if not finding.claim.see else ():
            assert case.when in page.text
    assert "holds if W2 is tied too" in page.text
    assert "fails if W2 is random" in page.text
    assert "symbreak lesson R29" in page.text
    assert "max_abs_z1" in page.text
    assert "not finite" in page.text
    assert "symbreak lesson R1 R8 R9 R29 R30 K1 --html lesson.html makes this page again" in page.text
    assert "2 claims not simply true" in page.text, "a takeaway repeats no claim"


def test_numbers_follow_the_finding(audited, text):
    first = audited.findings[1]
    changed = replace(first, evidence=replace(first.evidence, measured={**first.evidence.measured, "units": 3}))
    other = Page(lesson_html(replace(audited, findings=(audited.findings[0], changed, *audited.findings[2:]))))
    assert "units3" in other.text
    assert "units3" not in Page(text).text


def test_a_takeaway_points_and_does_not_repeat(text):
    article = Page(re.search(r'<article[^>]*id="K1".*?</article>', text, re.DOTALL)[0])
    assert "#R8" in article.attributes("href")
    assert article.count("svg") == 0
    assert "symbreak lesson" not in article.text


def test_it_nests_and_names_are_unique(page):
    assert page.misnested == []
    assert page.open == []
    names = page.attributes("id")
    assert len(names) == len(set(names))
    links = [link[1:] for link in page.attributes("href") if link.startswith("#")]
    assert links
    assert set(links) <= set(names)
    assert set(page.attributes("aria-labelledby")) <= set(names)


def test_nothing_is_fetched_and_only_its_script_runs(page, text):
    assert not [link for link in page.attributes("href") if not link.startswith(("#", "data:image/png;base64,"))]
    assert not page.attributes("src")
    policy = next(found["content"] for _, found in page.elements if "http-equiv" in found)
    assert re.search(r"script-src ([^;]*);", policy)[1] == digest(page.code[-1])
    assert "unsafe-eval" not in policy
    assert not re.search(r"url\((?!#)|@import|plotly", text.split("</style>")[0])


def test_the_page_stays_small(text):
    assert len(text) < 300_000, "without Plotly's four megabytes"


def test_the_same_bytes_again(audited, text):
    assert lesson_html(audited) == text


def test_every_kind_is_there_and_tables_are_tables(page):
    for kind in ("chart", "bars", "surface", "diagram", "matrix", "table", "steps"):
        assert page.count("figure", **{"class": f"panel {kind}"}) >= 1
    assert page.count("ol", **{"class": "steps"}) == 1
    assert page.count("th", scope="col") == 2
    assert "holds: spread 0" in page.text
    assert "does not hold: spread 1e-16" in page.text


def test_a_switch_is_radio_buttons_and_a_dial_a_slider(page):
    radios = [found for tag, found in page.elements if found.get("type") == "radio"]
    assert [found["name"] for found in radios] == ["R8-frame", "R8-frame"]
    assert "checked" in radios[0]
    assert page.count("input", type="range", max="2") == 1
    frames = [found for _, found in page.elements if "data-frame" in found]
    assert ["hidden" in found for found in frames] == [False, False, True, False, True, True]


def test_hostile_texts_stay_text(hostile):
    found = Page(lesson_html(hostile))
    assert found.count("script") == 1
    assert found.count("img") == 0
    assert found.misnested == []
    assert not [name for _, attributes in found.elements for name in attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in found.text
    assert "\u202e" not in found.text


def test_a_notebook_s_piece_brings_its_style_and_no_script(audited):
    piece = Page(lesson_fragment(audited))
    assert piece.misnested == []
    assert piece.count("script") == 0
    assert piece.count("button") == 0
    assert piece.count("style") == 1
    assert sum("open" in found for tag, found in piece.elements if tag == "details") == 2, (
        "the first frame of a figure is open"
    )


def test_the_chapter_is_the_same_whenever_it_is_written(audited):
    later = Audit(tuple(replace(finding, seconds=9.0) for finding in audited.findings))
    chapter = lesson_chapter(audited, images="images/lesson")
    assert lesson_chapter(later, images="images/lesson") == chapter
    assert "**◐ true if**\n\n* holds if W2 is tied too\n* fails if W2 is random\n" in chapter
    assert "`g(0)`" in chapter
    assert "See [R8](#R8), which says the same." in chapter
    linked = set(re.findall(r"\(images/lesson/([^)]+)\)", chapter))
    assert linked == set(lesson_images(audited)) == {"R1.svg", "R8.svg", "R29.svg"}
    assert "images/" not in lesson_chapter(audited)


def test_hostile_texts_are_no_markdown(hostile):
    chapter = lesson_chapter(hostile)
    assert not re.search(r"(?<!\\)<(?!a id=|/a>)", chapter)
    assert not re.search(r"(?<!\\)\[a", chapter)


def run(text: str) -> list:
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_a_notebook_of_one_section_runs():
    claims = [CLAIMS[id] for id in ("R9", "R10")]
    cells = run(lesson_notebook(claims))
    assert [cell.source for cell in cells] == [
        "from symbreak import audit_lesson",
        'audit_lesson("R9")',
        'audit_lesson("R10")',
    ]
    shown = [cell.outputs[0].data["text/html"] for cell in cells[1:]]
    assert 'id="R9"' in shown[0]
    assert "<svg" in shown[1]


def test_the_whole_notebook_runs():
    """Slower than others, about a minute: it is the lesson, and the one run of all claims through a kernel."""
    cells = run(lesson_notebook(list(CLAIMS.values())))
    assert len(cells) == 1 + sum(claim.see is None for claim in CLAIMS.values())
    assert all(cell.outputs for cell in cells[1:])


def test_a_takeaway_s_cell_is_text():
    repeated = [claim for claim in CLAIMS.values() if claim.see]
    cells = json.loads(lesson_notebook(repeated))["cells"]
    assert [cell["source"] for cell in cells if cell["cell_type"] == "code"] == ["from symbreak import audit_lesson"]
    assert len({cell["id"] for cell in cells}) == len(cells)
