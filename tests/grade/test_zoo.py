"""Every wrong solution of the zoo is caught by the right check, no right one fails, and no check is idle."""

from __future__ import annotations

import functools
import importlib.util
import math
import sys
from pathlib import Path

import pytest

from symbreak.grade.catalogue import ids
from symbreak.grade.checks import closeness, initialize, randomness, scale, statistics
from symbreak.grade.plan import Plan
from symbreak.grade.result import Grade

ROOT = Path(__file__).resolve().parent.parent.parent
_spec = importlib.util.spec_from_file_location("zoo", ROOT / "tools" / "zoo.py")
zoo = importlib.util.module_from_spec(_spec)
sys.modules["zoo"] = zoo
_spec.loader.exec_module(zoo)

WRONG, RIGHT = zoo.wrong(), zoo.right()
SHORT = 0.5  # seconds; a right call takes thousandths
SEEDS = 20


@functools.cache
def graded(animal) -> Grade:
    return zoo.graded_here(animal, seconds=SHORT if "endless" in animal.name else zoo.SECONDS)


def test_the_zoo_is_large():
    assert len(WRONG) >= 40
    assert len(RIGHT) >= 15


@pytest.mark.parametrize("animal", WRONG, ids=lambda a: a.name)
def test_a_wrong_one_is_caught_by_the_right_check(animal):
    assert zoo.caught(animal, graded(animal)), zoo.complaints(graded(animal))


@pytest.mark.parametrize("animal", RIGHT, ids=lambda a: a.name)
def test_a_right_one_passes_with_all_points(animal):
    grade = graded(animal)
    assert zoo.let_through(grade), grade.text()


def passes_whatever_the_seeds(animal, seeds: int) -> None:
    for seed in range(seeds):
        grade = zoo.graded_here(animal, Plan(seeds=(3 * seed + 4, 3 * seed + 5, 3 * seed + 6)))
        assert zoo.let_through(grade), grade.text()


@pytest.mark.parametrize("animal", RIGHT, ids=lambda a: a.name)
def test_a_right_one_passes_whatever_the_seeds(animal):
    functions = {result.function for result in graded(animal).results}
    passes_whatever_the_seeds(animal, SEEDS if len(functions) <= 2 else SEEDS // 5)


@pytest.mark.slow
@pytest.mark.parametrize("animal", RIGHT, ids=lambda a: a.name)
def test_a_right_one_passes_whatever_many_seeds(animal):
    passes_whatever_the_seeds(animal, SEEDS)


@pytest.mark.parametrize("animal", WRONG, ids=lambda a: a.name)
def test_a_failure_tells_cause_and_hint(animal):
    for result in graded(animal).results:
        if result.status in ("fail", "warn"):
            assert all((result.expected, result.got, result.why, result.hint)), result
            assert "solution" not in result.hint


def objections(animal, without: str) -> list[str]:
    """What would be left to say about an animal if there were no such check."""
    return [r.id for r in graded(animal).results if r.id != without and r.status in ("fail", "error")]


@pytest.mark.parametrize("id", ids())
def test_without_a_check_some_animal_goes_unnoticed(id):
    hunted = [animal for animal in WRONG if animal.check == id]
    assert any(not objections(animal, id) for animal in hunted), f"{id} catches nothing that others miss"


def animal(name: str):
    return next(animal for animal in WRONG if animal.name == f"{name}.py")


@pytest.mark.parametrize(
    ("module", "name", "value", "escapes"),
    [
        (closeness, "TOLERANCE", 10.0, "backward_no_slope"),
        (statistics, "largest_deviation", lambda: math.inf, "init_rand"),
        (statistics, "deviation_interval", lambda w: (0.0, math.inf), "init_forgot_factor"),
        (scale, "LARGEST", 1e6, "init_too_big"),
        (scale, "SMALLEST", 0.0, "init_too_small"),
        (randomness, "SAME_DIRECTION", -1e-3, "init_scaled_rows"),
        (randomness, "FEWEST_SHARED", 10**9, "init_shared_draw"),
        (randomness, "FEWEST_COLUMNS", 10**9, "init_mirrored"),
        (initialize, "LAW_SHAPES", (), "init_mirrored"),
    ],
)
def test_a_checker_that_is_broken_lets_an_animal_escape(monkeypatch, module, name, value, escapes):
    assert zoo.caught(animal(escapes), graded(animal(escapes)))
    monkeypatch.setattr(module, name, value)
    assert not zoo.caught(animal(escapes), zoo.graded_here(animal(escapes)))


def test_sizes_that_are_equal_let_a_transposed_matrix_escape():
    square = Plan(shapes=((3, 3, 3),), fixed=True)
    assert not zoo.caught(animal("init_transposed"), zoo.graded_here(animal("init_transposed"), square))


def test_the_same_code_gives_the_same_grade():
    first, second = (zoo.graded_here(RIGHT[0]) for _ in range(2))
    assert first.to_json() == second.to_json()


IN_CHILDREN = (
    "init_endless",
    "init_exit",
    "init_matrix",
    "init_complex",
    "init_prints_stderr",
    "init_reads_file",
    "init_stub",
    "forward_changes_argument",
    "backward_no_slope",
    "model_prints",
)


def test_children_say_the_same_as_this_process():
    animals = [*map(animal, IN_CHILDREN), *(a for a in RIGHT if a.name in ("class_based.py", "torch_tensors.py"))]
    for each, grade in zip(animals, zoo.graded_in_children(animals), strict=True):
        assert zoo.complaints(grade) == zoo.complaints(graded(each)), each.name


@pytest.mark.slow
def test_all_animals_are_judged_rightly_in_children():
    for each, grade in zip([*WRONG, *RIGHT], zoo.graded_in_children([*WRONG, *RIGHT]), strict=True):
        assert zoo.caught(each, grade) if each.check else zoo.let_through(grade), each.name
