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


@pytest.mark.parametrize(
    ("code", "cause", "hint"),
    [
        ("def f(:\n", "Python cannot read the file", "every bracket closed"),
        ("raise SystemExit", "ends Python", "apart from defining functions"),
        ("import signal\nsignal.raise_signal(signal.SIGALRM)", "not come to an end", "apart from defining functions"),
        ("import os; os._exit(0)", "ends Python", "apart from defining functions"),
        ("import not_there", "imports is not there", "could the code do without"),
        ("x = 1 / 0", "when it is run from top to bottom", "Restart, run all"),
    ],
)
def test_why_code_was_not_loaded_is_told(tmp_path, capfd, code, cause, hint):
    (tmp_path / "a.py").write_text(code)
    _, out, _ = grade(capfd, tmp_path / "a.py", "--format", "json")
    first = json.loads(out)["results"][0]
    assert cause in first["why"]
    assert hint in first["hint"]


PLOTS = "\nimport matplotlib_of_the_course as plt\nplt.show()\n"


def test_code_that_raises_counts_as_far_as_it_ran(tmp_path, capfd):
    (tmp_path / "a.py").write_text(COURSE.read_text() + PLOTS)
    code, out, _ = grade(capfd, tmp_path / "a.py", "--all", "--format", "json")
    data = json.loads(out)
    assert (code, data["points"], data["problem"]) == (0, 100, "")
    assert "import matplotlib_of_the_course as plt); nothing below that line was run" in data["raised"][0]


@pytest.mark.parametrize("form", ["text", "gradescope", "html"])
def test_what_raised_and_what_it_cost_is_told(tmp_path, capfd, form):
    before, define, after = COURSE.read_text().partition("def predict")
    (tmp_path / "a.py").write_text(before + "answer = input('n_h? ')\n" + define + after)
    target = tmp_path / f"grade.{'html' if form == 'html' else 'json'}"
    code = grade(capfd, tmp_path / "a.py", "--all", "--format", form, "--output", target)[0]
    told = " ".join(target.read_text().replace("&#x27;", "'").split())
    assert code == 1
    assert "EOFError: EOF when reading a line" in told
    assert "nothing below that line was run: there is no predict" in told
    assert "nobody is there to answer" in told


def test_what_is_missing_for_an_error_earns_nothing(tmp_path, capfd):
    before, define, after = COURSE.read_text().partition("def predict")
    points = []
    for name, between in (("absent.py", None), ("raises.py", "raise ValueError('passed: 100 points')\n")):
        (tmp_path / name).write_text(before if between is None else before + between + define + after)
        code, out, _ = grade(capfd, tmp_path / name, "--all", "--format", "json")
        assert code == 1
        points.append(json.loads(out)["points"])
    assert points[0] == points[1] < 100


NEEDS_THREADS = """
import threading, time

def layer_sizes(X, Y):
    threads = [threading.Thread(target=time.sleep, args=(0.2,)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return X.shape[0], 4, Y.shape[0]
"""
NEEDS_MEMORY = """
import numpy as np

def layer_sizes(X, Y):
    np.ones(100 << 17)  # 100 MiB
    return X.shape[0], 4, Y.shape[0]
"""


@pytest.mark.parametrize(
    ("source", "option", "little", "much"),
    [(NEEDS_THREADS, "--processes", 16, 24), (NEEDS_MEMORY, "--memory", 64, 256)],
)
def test_how_much_a_submission_may_use_can_be_said(tmp_path, capfd, source, option, little, much):
    (tmp_path / "a.py").write_text(source)
    arguments = (tmp_path / "a.py", "--function", "layer_sizes", "--points", 1)
    assert grade(capfd, *arguments, option, little)[0] == 1
    assert grade(capfd, *arguments, option, much)[0] == 0


UNUSUAL = {  # what single files are, they are in a folder of many
    "mark.py": b"\xef\xbb\xbf",
    "latin.py": b"# -*- coding: latin-1 -*-\n# \xe9\n",
    "lines.py": b"",
}


def test_files_are_read_alike_alone_and_among_many(tmp_path, capfd):
    source = (ZOO / "right/xavier.py").read_bytes()
    for name, start in UNUSUAL.items():
        (tmp_path / name).write_bytes(start + (source.replace(b"\n", b"\r\n") if name == "lines.py" else source))
    assert [grade(capfd, tmp_path / name)[0] for name in UNUSUAL] == [0, 0, 0]
    code, out, _ = grade(capfd, tmp_path)
    assert (code, out.splitlines()[-1]) == (0, "3 of 3 submissions pass")


def test_what_cannot_be_read_has_no_point_of_all_and_a_reason(tmp_path, capfd):
    (tmp_path / "a.py").write_bytes(b"\xff\xfe")
    (tmp_path / "b\x1b[2J.py").write_text("x = 1")
    code, out, _ = grade(capfd, tmp_path, "--points", "20")
    assert code == 2
    assert "a.py: not passed, 0 of 20 points\n  It could not be run: a script must be text" in out
    assert "\x1b" not in out


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
    lines = [line for line in out.splitlines() if not line.startswith("  ")]
    assert [line.split(": ")[1][:6] for line in lines[:4]] == ["passed", "not pa", "not pa", "not pa"]
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


NEEDS_A_MODULE = """
import numpy as np
from planar_utils import sigmoid

def forward_propagation(X, parameters):
    Z1 = parameters["W1"] @ X + parameters["b1"]
    A1 = np.tanh(Z1)
    Z2 = parameters["W2"] @ A1 + parameters["b2"]
    A2 = sigmoid(Z2)
    return A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}
"""


def test_modules_of_the_assignment_are_handed_out_and_are_no_submissions(tmp_path, capfd):
    folder = tmp_path / "submissions"
    folder.mkdir()
    (folder / "a.py").write_text(NEEDS_A_MODULE)
    (folder / "b.py").write_text(NEEDS_A_MODULE)
    (folder / "planar_utils.py").write_text("def sigmoid(z):\n    return z\n")  # a learner's own, which is not used
    assert grade(capfd, folder / "a.py", "--function", "forward_propagation")[0] == 2
    (tmp_path / "planar_utils.py").write_text("import numpy as np\ndef sigmoid(z):\n    return 1 / (1 + np.exp(-z))\n")
    config = tmp_path / "hidden.toml"
    config.write_text('files = ["planar_utils.py"]\nfunctions = ["forward_propagation"]\n')
    code, out, _ = grade(capfd, folder, "--hidden", config)
    assert (code, out.splitlines()[-1]) == (0, "2 of 2 submissions pass")
    assert grade(capfd, folder / "a.py", "--hidden", config)[0] == 0


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
