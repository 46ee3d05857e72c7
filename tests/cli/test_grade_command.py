"""`symbreak grade` as teachers type it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from symbreak.cli import run

ZOO = Path(__file__).parent.parent / "grade" / "zoo"
COURSE, SEEDED, ZEROS = ZOO / "right/course.py", ZOO / "right/seed_inside.py", ZOO / "wrong/init_zeros.py"


def grade(capfd, *arguments) -> tuple[int, str, str]:
    code = run(["grade", *map(str, arguments)])
    out, err = capfd.readouterr()
    # Which protections the machine lacks is told on stderr, and depends on it.
    return code, out, "\n".join(line for line in err.splitlines() if not line.startswith("NOT: "))


@pytest.mark.parametrize(
    ("file", "code", "told"),
    [
        (COURSE, 0, "passed, 100 of 100 points"),
        (SEEDED, 0, "WARN  init-random"),
        (ZEROS, 1, "FAIL  init-not-zero"),
        (ZOO / "wrong/init_other_name.py", 1, "a function initialize_parameters"),
    ],
)
def test_exit_codes_and_text(capfd, file, code, told):
    found = grade(capfd, file)
    assert (found[0], found[2]) == (code, "")
    assert told in found[1]


def test_a_notebook_and_all_functions(capfd):
    code, out, _ = grade(capfd, ZOO / "right/notebook.ipynb", "--all", "--format", "json")
    data = json.loads(out)
    assert (code, data["passed"], data["points"]) == (0, True, 100)
    assert len({result["function"] for result in data["results"]}) == 8


def test_all_asks_for_all_eight(capfd):
    code, out, _ = grade(capfd, SEEDED, "--all", "--format", "json")
    missing = [r["function"] for r in json.loads(out)["results"] if r["id"].endswith("-runs") and r["status"] == "fail"]
    assert code == 1
    assert len(missing) == 7


def test_code_that_cannot_be_loaded(tmp_path, capfd):
    (tmp_path / "a.py").write_text("def f(:\n")
    code, out, _ = grade(capfd, tmp_path / "a.py")
    assert code == 2
    assert "It could not be run: SyntaxError" in out
    assert "0 of 100 points" in out


def test_one_function_points_and_file(tmp_path, capfd):
    target = tmp_path / "grade.json"
    code, out, _ = grade(
        capfd, COURSE, "--function", "predict", "--points", "7", "--format", "json", "--output", target
    )
    assert (code, out) == (0, "")
    data = json.loads(target.read_text())
    assert data["points"] == 7
    assert {result["function"] for result in data["results"]} == {"predict"}


def test_gradescope(tmp_path, capfd):
    target = tmp_path / "results.json"
    assert grade(capfd, ZEROS, "--format", "gradescope", "--output", target)[0] == 1
    data = json.loads(target.read_text())
    assert {test["status"] for test in data["tests"]} == {"passed", "failed"}
    assert sum(test["max_score"] for test in data["tests"]) == pytest.approx(100, abs=0.01)


def test_a_folder_of_submissions_loses_none(tmp_path, capfd):
    folder = tmp_path / "submissions"
    (folder / ".ipynb_checkpoints").mkdir(parents=True)
    (folder / ".ipynb_checkpoints" / "old.py").write_text("")
    for name, text in (("a", COURSE.read_text()), ("b", ZEROS.read_text()), ("c", "import os\nos._exit(0)")):
        (folder / f"{name}.py").write_text(text)
    (folder / "d.py").write_bytes(b"\xff\xfe")
    code, out, _ = grade(capfd, folder, "--workers", "2")
    assert code == 2
    assert [line.split(": ")[1][:6] for line in out.splitlines()[:4]] == ["passed", "not pa", "not pa", "not pa"]
    assert "1 of 4 submissions pass" in out
    page = tmp_path / "page.html"
    assert grade(capfd, folder, "--format", "html", "--output", page)[0] == 2
    assert "1 of 4 submissions pass" in page.read_text()


def test_a_configuration_comes_before_defaults_and_after_the_command_line(tmp_path, capfd):
    config = tmp_path / "hidden.toml"
    config.write_text('functions = ["predict"]\npoints = 20\nvisibility = "hidden"\n')
    _, out, _ = grade(capfd, COURSE, "--hidden", config)
    assert "passed, 20 of 20 points\n\npredict" in out
    _, out, _ = grade(capfd, COURSE, "--hidden", config, "--function", "layer_sizes", "--points", "5")
    assert "passed, 5 of 5 points\n\nlayer_sizes" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.py"], "must exist"),
        ([COURSE, "--function", "initialise"], "unknown function"),
        ([COURSE, "--function", "predict", "--all"], "nothing to choose"),
        ([COURSE, "--points", "-1"], "points"),
        ([COURSE, "--hidden", "none.toml"], "cannot be read"),
        ([COURSE, ZEROS, "--format", "gradescope"], "one submission at a time"),
        ([COURSE, "--format", "html", "--output", "page.txt"], "ends in .html"),
        ([COURSE, "--output", "no/such/folder.txt"], "folder must exist"),
        ([Path(__file__).parent.parent.parent / "LICENSE"], "from a .py or .ipynb file"),
    ],
)
def test_what_cannot_be_done_is_told(capfd, arguments, message):
    code, out, err = grade(capfd, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err
