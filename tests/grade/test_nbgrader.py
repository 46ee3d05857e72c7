"""A small course in nbgrader itself: released, submitted twice, graded."""

from __future__ import annotations

import sqlite3
from pathlib import Path

ALL_OR_NOTHING = "import symbreak\n\nsymbreak.grade.check(initialize_parameters).assert_ok()"
IN_PART = "grade = symbreak.grade.check(initialize_parameters, points=10)\ngrade.points"


def assignment(solution: str) -> list:
    def cell(source, **metadata):
        usual = {"schema_version": 3, "locked": False, "solution": False, "task": False, "grade": False}
        return source, {"nbgrader": {**usual, **metadata}}

    return [
        cell(solution, solution=True, grade_id="solution"),
        cell(ALL_OR_NOTHING, grade=True, locked=True, points=6, grade_id="all-or-nothing"),
        cell(IN_PART, grade=True, locked=True, points=10, grade_id="in-part"),
    ]


def test_nbgrader_gives_the_points(tmp_path, run, write_notebook, solutions):
    (tmp_path / "nbgrader_config.py").write_text('c = get_config()\nc.CourseDirectory.course_id = "week3"\n')
    write_notebook(tmp_path / "source/ps1/week3.ipynb", assignment(solutions["right"]))
    run("nbgrader", "generate_assignment", "ps1")
    assert "randn" not in (tmp_path / "release/ps1/week3.ipynb").read_text()
    for student, solution in solutions.items():
        write_notebook(tmp_path / "submitted" / student / "ps1/week3.ipynb", assignment(solution))
    run("nbgrader", "autograde", "ps1")
    points = scores(tmp_path / "gradebook.db")
    assert points["right", "all-or-nothing"] == 6
    assert points["right", "in-part"] == 10
    assert points["zeros", "all-or-nothing"] == 0
    assert 0 < points["zeros", "in-part"] < 6
    assert "init-not-zero" in (tmp_path / "autograded/zeros/ps1/week3.ipynb").read_text()


def scores(database: Path) -> dict[tuple[str, str], float]:
    query = """
        SELECT submitted_assignment.student_id, base_cell.name, grade.auto_score FROM grade
        JOIN base_cell ON grade.cell_id = base_cell.id
        JOIN submitted_notebook ON grade.notebook_id = submitted_notebook.id
        JOIN submitted_assignment ON submitted_notebook.assignment_id = submitted_assignment.id
    """
    with sqlite3.connect(database) as connection:
        found = {(student, cell): score for student, cell, score in connection.execute(query)}
    connection.close()
    return found
