"""`symbreak lesson` as a learner runs it: what goes where, and how it fails."""

from __future__ import annotations

import json
import re

import nbformat
import pytest

import symbreak
from symbreak.cli import run
from symbreak.lesson.audit import claims, find
from symbreak.lesson.catalogue import SECTIONS


def test_without_ids_it_lists_and_says_how_to_run(capsys):
    assert run(["lesson"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for claim in claims():
        assert re.search(rf"^{claim.id} ", out, re.MULTILINE), claim.id
    assert all(title in out for title in SECTIONS.values())
    assert "symbreak lesson --all" in out
    assert "✓" not in out, "verdicts are known after a run"


def test_one_claim_is_tried_and_explained(capsys):
    assert run(["lesson", "r9"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith("R9 ")
    assert "✓ true" in out
    finding = symbreak.audit_lesson("R9").findings[0]
    assert " ".join(finding.evidence.explanation.split()) in " ".join(out.split())
    assert all(name in out for name in finding.evidence.measured)


def test_several_claims_each_once(capsys):
    assert run(["lesson", "R10", "r9", "R10", "--json", "-"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == "symbreak/lesson/1"
    assert [claim["id"] for claim in data["claims"]] == ["R10", "R9"]
    needed = {"id", "claim", "verdict", "condition", "measured", "seconds"}
    assert all(needed <= claim.keys() for claim in data["claims"])


def test_files_are_written_and_nothing_else(tmp_path, capsys):
    names = ("l.json", "l.html", "l.md", "l.ipynb", "p.svg")
    json_file, html, markdown, notebook, plot = (str(tmp_path / name) for name in names)
    images = tmp_path / "images"
    outputs = [
        "--json",
        json_file,
        "--html",
        html,
        "--markdown",
        markdown,
        "--images",
        str(images),
        "--notebook",
        notebook,
    ]
    assert run(["lesson", "R10", "--quiet", *outputs, "--plot", plot]) == 0
    assert capsys.readouterr() == ("", "")
    assert json.loads((tmp_path / "l.json").read_text())["claims"][0]["verdict"] == "true"
    assert 'id="R10"' in (tmp_path / "l.html").read_text()
    assert "](images/R10.svg)" in (tmp_path / "l.md").read_text()
    assert "<svg" in (images / "R10.svg").read_text()
    assert "<svg" in (tmp_path / "p.svg").read_text()
    nbformat.validate(nbformat.read(notebook, as_version=4))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names, "images"])


@pytest.mark.parametrize("id", ["R9", "R29", "K7"])
def test_a_claim_without_a_figure_of_its_own_shows_its_cases_and_numbers(id, tmp_path):
    assert find(id).experiment().figure is None
    plot = tmp_path / "p.svg"
    assert run(["lesson", id, "-q", "--plot", str(plot)]) == 0
    shown = "".join(plot.read_text().split())
    evidence = find(id).experiment()
    assert all(case.when.split()[-1] in shown for case in evidence.cases)
    assert all(name.split("_")[0] in shown for name in evidence.measured)


def test_the_chapter_is_the_same_again(tmp_path):
    for name in ("a.md", "b.md"):
        assert (
            run(["lesson", "R8", "R10", "-q", "--markdown", str(tmp_path / name), "--images", str(tmp_path / "i")]) == 0
        )
    assert (tmp_path / "a.md").read_bytes() == (tmp_path / "b.md").read_bytes()


def test_a_list_can_be_read_by_programs(capsys):
    assert run(["lesson", "--json", "-"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["schema"] == "symbreak/lesson-claims/1"
    assert [claim["id"] for claim in listed["claims"]] == [claim.id for claim in claims()]


def test_a_notebook_needs_no_run(tmp_path, monkeypatch):
    monkeypatch.setattr("symbreak.front.lesson.run_audit", lambda *_, **__: pytest.fail("it ran"))
    assert run(["lesson", "-q", "--notebook", str(tmp_path / "l.ipynb")]) == 0
    text = (tmp_path / "l.ipynb").read_text()
    assert all(f'audit_lesson(\\"{claim.id}\\")' in text for claim in claims() if not claim.see)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["R8000"], "unknown claim"),
        (["R8000"], "allowed: R1 to R95 and R6b, K1 to K15"),
        (["R8", "assignments"], "unknown claim"),
        (["R8", "--all"], "ids, or --all"),
        (["--html", "l.html"], "ids, or --all"),
        (["R8", "R10", "--plot", "p.png"], "one id"),
        (["R8", "--plot", "p.bmp"], ".png"),
        (["assignments", "--plot", "p.png"], "one id"),
        (["R8", "--html", "l.pdf"], ".html"),
        (["R8", "--markdown", "l.txt"], ".md"),
        (["R8", "--notebook", "l.py"], ".ipynb"),
        (["R8", "--json", "nowhere/l.json"], "folder must exist"),
        (["R8", "--images", "i"], "--markdown"),
        (["R8", "--markdown", "l.md", "--images", "nowhere/i"], "folder must exist"),
        (["R8", "--json", "l.html", "--html", "./l.html"], "file of its own"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["lesson", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert words in err
    assert [line.split(":")[0].strip() for line in err.splitlines()[1:]] == ["got", "allowed", "try"]
    assert list(tmp_path.iterdir()) == []


def test_outputs_are_refused_before_the_run(monkeypatch, capsys):
    monkeypatch.setattr("symbreak.front.lesson.run_audit", lambda *_, **__: pytest.fail("it ran"))
    assert run(["lesson", "--all", "--html", "nowhere/l.html"]) == 2


def test_the_view_shows_itself(tmp_path):
    lesson = symbreak.audit_lesson("R10")
    assert 'class="symbreak-lesson"' in lesson._repr_html_()
    assert str(lesson) == "R10 true"
    lesson.plot(tmp_path / "p.png")
    assert (tmp_path / "p.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(symbreak.InvalidInput, match="one claim"):
        symbreak.audit_lesson("R9", "R10").plot(tmp_path / "q.png")
    assert not (tmp_path / "q.png").exists()


@pytest.mark.slow
def test_the_published_experiments_and_the_whole_lesson(tmp_path, capsys):
    assert run(["lesson", "assignments", "--json", "-"]) == 0
    assert [claim["id"] for claim in json.loads(capsys.readouterr().out)["claims"]] == ["A1", "A2", "A3"]
    assert run(["lesson", "--all", "--json", str(tmp_path / "l.json"), "--html", str(tmp_path / "l.html")]) == 0
    out = capsys.readouterr().out
    data = json.loads((tmp_path / "l.json").read_text())["claims"]
    assert [claim["id"] for claim in data] == [claim.id for claim in claims()]
    assert f"{len(data)} claims: " in out
    page = (tmp_path / "l.html").read_text()
    assert len(page) < 6_000_000
    assert all(f'id="{claim["id"]}"' in page for claim in data)
