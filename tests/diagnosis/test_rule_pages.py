"""Every rule has a page; its examples run, and its thresholds are those of the code."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

import symbreak
from symbreak.diagnosis import clones, reach
from symbreak.diagnosis.rules import RULES

PAGES = Path(symbreak.__file__).parent / "diagnosis" / "rules" / "pages"
DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "check.md"
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
SECTIONS = ["Why it matters", "How it is decided", "When it is silent", "What to do", "Sources"]
SLUGS = [rule.slug for rule in RULES]
PAGE = {rule.slug: rule.page for rule in RULES}


def constants(module) -> dict[str, float]:
    """Numbers with names in capitals that a module itself defines."""
    tree = ast.parse(Path(module.__file__).read_text())
    names = [
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id.isupper()
    ]
    return {name: vars(module)[name] for name in names if isinstance(vars(module)[name], int | float)}


def said(page: str) -> dict[str, float]:
    """Numbers that a page gives as `NAME = number`."""
    return {name: float(number) for name, number in re.findall(r"`([A-Z_]+) = ([0-9.e+-]+)`", page)}


def modules() -> dict[str, list[str]]:
    """Modules of rules, and the slugs that they hold."""
    found: dict[str, list[str]] = {}
    for rule in RULES:
        found.setdefault(rule.find.__module__, []).append(rule.slug)
    return found


def run(slug: str, page: str) -> list[list[symbreak.diagnosis.finding.Finding]]:
    """Run the blocks of a page one after the other, and return what was found after each."""
    names: dict[str, object] = {}
    reports = []
    for number, block in enumerate(PYTHON.findall(page)):
        exec(compile(block, f"{slug} {number}", "exec"), names)
        reports.append(list(names["report"].findings))
    return reports


def test_every_rule_has_a_page_and_every_page_a_rule():
    assert sorted(path.stem for path in PAGES.glob("*.md")) == sorted(SLUGS)


@pytest.mark.parametrize("slug", SLUGS)
def test_a_page_has_all_sections_in_one_order(slug):
    assert PAGE[slug].startswith(f"# {slug}\n\n")
    assert re.findall(r"^## (.+)$", PAGE[slug], re.MULTILINE) == SECTIONS
    assert max(map(len, PAGE[slug].splitlines())) <= 240


@pytest.mark.parametrize("slug", SLUGS)
def test_the_bad_example_is_told_and_the_repaired_one_is_not(slug):
    bad, repaired = run(slug, PAGE[slug])
    assert slug in {found.rule for found in bad}
    assert slug not in {found.rule for found in repaired}
    assert [found for found in repaired if found.severity != "info"] == []


def test_an_example_that_does_not_show_its_rule_would_be_noticed():
    bad, _ = run("plateau", PAGE["plateau"].replace("std=0.002", "std=0.3"))
    assert "plateau" not in {found.rule for found in bad}


@pytest.mark.parametrize(("name", "slugs"), modules().items())
def test_the_thresholds_are_those_of_the_code(name, slugs):
    real = constants(importlib.import_module(name))
    told = {}
    for slug in slugs:
        told |= said(PAGE[slug])
    assert {key: told.get(key) for key in real} == real


def test_the_thresholds_of_the_method_by_gradients_are_those_of_the_code():
    told = said(PAGE["symmetric-units"])
    assert {key: told[key] for key in ("MOST_PROBES", "SAME")} == {"MOST_PROBES": reach.MOST_PROBES, "SAME": reach.SAME}


@pytest.mark.parametrize("slug", SLUGS)
def test_a_page_names_no_threshold_that_there_is_not(slug):
    module = importlib.import_module(next(name for name, slugs in modules().items() if slug in slugs))
    known = constants(module) | constants(reach) | constants(clones)
    assert {name: known.get(name) for name in said(PAGE[slug])} == said(PAGE[slug])


def test_a_stale_threshold_would_be_noticed():
    assert said("`FACTOR = 1000`") == {"FACTOR": 1e3}
    assert said("`FACTOR = 1e+06` and `FEWEST = 8`") == {"FACTOR": 1e6, "FEWEST": 8}
    assert said("FACTOR = 3") == {}


@pytest.mark.parametrize("slug", SLUGS)
def test_links_between_pages_lead_somewhere(slug):
    for target in re.findall(r"\]\((?!http)([^)#]+)", PAGE[slug]):
        assert (PAGES / target).is_file(), target


def test_the_how_to_leads_to_every_page():
    text = DOCUMENT.read_text()
    missing = [slug for slug in SLUGS if f"(../src/symbreak/diagnosis/rules/pages/{slug}.md)" not in text]
    assert missing == []
