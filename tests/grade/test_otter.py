"""An assignment in Otter-Grader itself: checked by the learner, graded by the teacher."""

from __future__ import annotations

import json

import pytest

QUESTION = """\
from otter.test_files import test_case

OK_FORMAT = False
name = "q1"
points = 10


@test_case(points=6)
def test_checklist(initialize_parameters):
    import symbreak

    symbreak.grade.check(initialize_parameters).assert_ok()


@test_case(points=4, hidden=True)
def test_shapes(initialize_parameters):
    import symbreak

    symbreak.grade.check(initialize_parameters, required=["init-runs", "init-shapes"]).assert_ok()
"""


@pytest.fixture
def course(tmp_path, write_notebook, solutions):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/q1.py").write_text(QUESTION)
    for name, solution in solutions.items():
        write_notebook(tmp_path / f"{name}.ipynb", [(solution, {})])
    return tmp_path


def test_a_learner_checks_with_otter(course, run):
    told = run("otter", "check", "zeros.ipynb", "-t", "tests")
    assert "init-not-zero" in told
    assert "All tests passed" not in told


@pytest.mark.parametrize(("name", "score"), [("right", 10), ("zeros", 4)])
def test_otter_gives_the_points(course, run, name, score):
    run("otter", "generate", "-t", "tests", "-o", "autograder.zip", "--no-requirements", "--no-config")
    (course / "out").mkdir()
    run("otter", "run", "-a", "autograder.zip", "-o", "out", f"{name}.ipynb")
    results = json.loads((course / "out/results.json").read_text())
    assert [(t["score"], t["max_score"]) for t in results["tests"] if t["name"] == "q1"] == [(score, 10)]
