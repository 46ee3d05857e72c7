"""The configuration of checks: what it can say, and that what it cannot is told."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from symbreak.errors import InvalidInput
from symbreak.grade import check, config
from symbreak.grade.plan import Plan
from symbreak.network import course

FULL = """
schema = "symbreak/grade-config/1"
functions = ["initialize_parameters"]
points = 20
shapes = [[3, 4, 1], [7, 2, 5]]
seeds = [11, 12]
examples = 17
only = ["init-runs", "init-not-zero", "init-shapes"]
visibility = "hidden"

[checks.init-not-zero]
points = 5
required = false
visibility = "visible"

[[exact]]
function = "initialize_parameters"
args = [2, 4, 1]
numpy_seed = 2
expected = { b1 = [[0.0], [0.0], [0.0], [0.0]] }
"""


DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "grading.md"


def zeros(n_x, n_h, n_y):
    return course.initialize_parameters(n_x, n_h, n_y, scheme="zeros", seed=0)


@pytest.fixture
def path(tmp_path):
    target = tmp_path / "hidden.toml"
    target.write_text(FULL)
    return target


def test_a_configuration_decides_what_counts(path):
    grade = check(zeros, hidden=path)
    assert [result.id for result in grade.results] == ["init-runs", "init-shapes", "init-not-zero", "exact-1"]
    assert grade.passed  # init-not-zero fails, and is optional
    assert (grade.points, grade.worth, grade["init-not-zero"].worth) == (15, 20, 5)
    assert [result.visibility for result in grade.results] == ["hidden", "hidden", "visible", "hidden"]


def test_hidden_checks_are_counted_and_not_told(path):
    grade = check(zeros, hidden=path)
    assert "init-shapes" not in grade.text()
    assert "hidden checks: 3 of 3 pass" in grade.text()
    assert "init-shapes" in grade.text(hidden=True)


def test_json_says_the_same(path, tmp_path):
    other = tmp_path / "hidden.json"
    other.write_text(json.dumps(tomllib.loads(FULL)))
    assert check(zeros, hidden=other).to_json() == check(zeros, hidden=path).to_json()


def test_a_rule_for_one_function_alone():
    rules = {"initialize_parameters_he:init-runs": {"points": 40}}
    grade = check(course, hidden={"checks": rules})
    worths = {r.function: r.worth for r in grade.results if r.id == "init-runs"}
    assert worths["initialize_parameters_he"] == 40
    assert worths["initialize_parameters"] < 40
    assert grade.points == 100


def test_exact_values_are_held_to():
    def seeded(n_x, n_h, n_y):
        np.random.seed(2)
        return course.initialize_parameters(n_x, n_h, n_y, rng=np.random.mtrand._rand)

    right = np.random.RandomState(2).randn(4, 2) * 0.01
    exact = {"function": "initialize_parameters", "args": [2, 4, 1], "expected": {"W1": right.tolist()}}
    assert check(seeded, hidden={"exact": [exact]})["exact-1"].status == "pass"
    exact["expected"] = {"W1": (right + 1e-4).tolist()}
    assert check(seeded, hidden={"exact": [exact]})["exact-1"].status == "fail"


def test_exact_arguments_become_arrays():
    exact = {"function": "compute_cost", "args": [[[0.5, 0.5]], [[1, 0]]], "expected": 0.6931471805599453}
    assert check(course.compute_cost, hidden={"exact": [exact]})["exact-1"].status == "pass"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"functoins": []}, "unknown key"),
        ({"schema": "other"}, "schema"),
        ({"functions": ["initialise"]}, "unknown function"),
        ({"functions": []}, "not empty"),
        ({"points": -1}, "points"),
        ({"points": True}, "points"),
        ({"points": float("nan")}, "points"),
        ({"shapes": [[3, 4]]}, "triples"),
        ({"shapes": [[3, 4, 0]]}, "whole numbers"),
        ({"shapes": 3}, "list"),
        ({"seeds": [-1]}, "seeds"),
        ({"seeds": [1.5]}, "seeds"),
        ({"examples": 1}, "examples"),
        ({"only": ["init-shape"]}, "unknown check"),
        ({"visibility": "secret"}, "unknown visibility"),
        ({"checks": []}, "table"),
        ({"checks": {"init-run": {}}}, "unknown check"),
        ({"checks": {"init-runs": 3}}, "table"),
        ({"checks": {"init-runs": {"point": 3}}}, "unknown key"),
        ({"checks": {"init-runs": {"required": "yes"}}}, "true or false"),
        ({"checks": {"init-runs": {"points": 60}, "init-keys": {"points": 60}}}, "at most 100"),
        ({"exact": [{"function": "predict"}]}, "exact"),
        ({"files": []}, "files"),
        ({"files": [3]}, "files"),
        ({"files": ["none_of_these.py"]}, "must exist"),
        ({"files": ["table.csv"]}, "paths of modules"),
        ({"files": ["../not-a-name.py"]}, "paths of modules"),
        ({"exact": [{"function": "predict", "args": [1], "expected": 1, "numpy_seed": -1}]}, "numpy_seed"),
    ],
)
def test_what_cannot_be_used_is_told(given, message):
    with pytest.raises(InvalidInput, match=message):
        config.read(given, Plan())


@pytest.mark.parametrize("content", [b"not = = toml", b"\xff", None])
def test_what_cannot_be_read_is_told(tmp_path, content):
    path = tmp_path / "a.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidInput, match="cannot be read"):
        config.read(path, Plan())


def test_shapes_seeds_and_examples_reach_the_calls():
    seen = []

    def spy(n_x, n_h, n_y):
        seen.append((n_x, n_h, n_y))
        return zeros(n_x, n_h, n_y)

    check(spy, hidden={"shapes": [[3, 8, 2]]})
    assert seen[0] == (3, 8, 2)
    assert (2, 4, 1) not in seen
    widths = []
    check(lambda X, Y: widths.append(X.shape[1]), function="layer_sizes", hidden={"examples": 29})
    assert set(widths) == {29}


def test_the_documented_configuration_is_one():
    (text,) = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    plan = config.read(tomllib.loads(text), Plan())
    assert plan.points == 20
    assert check(course, hidden=tomllib.loads(text))["exact-1"].status == "pass"
