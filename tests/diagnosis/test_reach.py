"""What stays tied, by gradients: classes of slices, how they part, and what that costs."""

from __future__ import annotations

import time

import numpy as np
import pytest

from symbreak.diagnosis import reach, values
from symbreak.diagnosis.observation import Gradient, Parameter, Slices

RNG_SEED = 5


def parameter(array, name="w"):
    array = np.asarray(array, np.float32)
    summary = values.summary(array)
    return Parameter((name,), "Linear", array.shape, "float32", True, False, True, summary, lambda: array)


def felt(gradient, axis):
    table = np.moveaxis(np.asarray(gradient, np.float64), axis, 0).reshape(gradient.shape[axis], -1)
    directions = np.random.default_rng(axis).standard_normal((table.shape[1], 2))
    slices = Slices(table @ directions, np.linalg.norm(table, axis=1))
    return Gradient(float(np.sqrt(np.mean(gradient**2))), 0, not gradient.any(), {axis: slices})


def plant(rng, shape, axis, groups, signs=None):
    """Draw an array in which the slices of each group are one, up to sign."""
    array = np.moveaxis(rng.standard_normal(shape).astype(np.float32), axis, 0)
    for place, group in enumerate(groups):
        for unit in group[1:]:
            array[unit] = array[group[0]] * (signs[place] if signs else 1)
    return np.ascontiguousarray(np.moveaxis(array, 0, axis))


GROUPS = ((0, 3), (1, 4, 6))


@pytest.mark.parametrize("shape", [(8, 5), (8, 1), (8, 3, 3, 3), (8, 700)])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("sign", [1, -1])
def test_planted_ties_are_the_candidates(shape, axis, sign):
    shape = shape if axis == 0 else (shape[1], shape[0], *shape[2:])
    array = plant(np.random.default_rng(RNG_SEED), shape, axis, GROUPS, (sign, sign))
    found = reach.candidates([parameter(array)])
    assert found["w", axis].groups == GROUPS
    assert all(found["w", axis].sign[[3, 4, 6]] == sign)


def test_one_different_entry_in_a_million_is_no_tie():
    array = plant(np.random.default_rng(RNG_SEED), (4, 250_000), 0, ((0, 1),))
    array[1, 123_456] = np.nextafter(array[1, 123_456], np.float32(9))
    assert ("w", 0) not in reach.candidates([parameter(array)])


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (1, 4), (), (1,)])
def test_empty_and_single_slices_have_no_ties(shape):
    found = reach.candidates([parameter(np.ones(shape))])
    assert all(found[key].groups == ((0, 1, 2),) or found[key].groups for key in found)
    assert ("w", 0) not in found or shape[0] > 1


def test_values_that_are_no_numbers_have_no_ties():
    assert not reach.candidates([parameter(np.full((3, 3), np.nan))])


def classes_after(array, gradient, axis=0):
    found = {key: each for key, each in reach.candidates([parameter(array)]).items() if key[1] == axis}
    alive = set()
    reach._look(found, alive, {"w": felt(gradient, axis)})
    return found["w", axis].groups if ("w", axis) in found else ()


def test_equal_gradients_keep_a_tie_and_others_part_it():
    rng = np.random.default_rng(RNG_SEED)
    array = plant(rng, (8, 5), 0, GROUPS)
    assert classes_after(array, plant(rng, (8, 5), 0, GROUPS)) == GROUPS
    assert classes_after(array, plant(rng, (8, 5), 0, ((0, 3), (1, 6)))) == ((0, 3), (1, 6))
    assert classes_after(array, rng.standard_normal((8, 5))) == ()


def test_mirrored_slices_need_mirrored_gradients():
    rng = np.random.default_rng(RNG_SEED)
    array = plant(rng, (8, 5), 0, GROUPS, (-1, -1))
    assert classes_after(array, plant(rng, (8, 5), 0, GROUPS, (-1, -1))) == GROUPS
    assert classes_after(array, plant(rng, (8, 5), 0, GROUPS, (1, 1))) == ((4, 6),)


@pytest.mark.parametrize("rounding", [0.0, 1e-7, 1e-6, 1e-5])
def test_rounding_does_not_part_a_tie(rounding):
    rng = np.random.default_rng(RNG_SEED)
    gradient = plant(rng, (400, 50), 0, (tuple(range(400)),))
    gradient += rounding * np.abs(gradient).max() * rng.standard_normal(gradient.shape).astype(np.float32)
    assert classes_after(np.ones((400, 50)), gradient) == (tuple(range(400)),)


@pytest.mark.parametrize("size", [1e-30, 1e-10, 1.0, 1e10])
def test_the_size_of_gradients_does_not_matter(size):
    rng = np.random.default_rng(RNG_SEED)
    assert classes_after(np.ones((8, 5)), size * plant(rng, (8, 5), 0, GROUPS)) == GROUPS


def test_small_differences_part_a_tie():
    gradient = np.ones((3, 40))
    gradient[1] *= 1.01
    gradient[2, 7] *= 1.2
    assert classes_after(np.ones((3, 40)), gradient) == ()


def test_slices_without_a_gradient_stay_tied_beside_one_that_has_some():
    gradient = np.zeros((4, 5))
    gradient[2] = 1
    assert classes_after(np.ones((4, 5)), gradient) == ((0, 1, 3),)


def test_unrelated_gradients_of_many_slices_do_not_meet_by_chance():
    rng = np.random.default_rng(RNG_SEED)
    left = classes_after(np.ones((4000, 50)), rng.standard_normal((4000, 50)))
    # 8 million pairs, each within a cell along three coordinates with a probability below 1e-8.
    assert sum(map(len, left)) <= 2


def test_parting_ten_thousand_slices_is_a_matter_of_sorting():
    """Comparing each with the rest would take a hundred times as long for ten times as many."""
    rng = np.random.default_rng(RNG_SEED)
    few, many = 2_000, 40_000

    def seconds(count):
        array, gradient = np.zeros((count, 4)), rng.standard_normal((count, 4))
        taken = []
        for _ in range(3):
            start = time.process_time()
            classes_after(array, gradient)
            taken.append(time.process_time() - start)
        return min(taken)

    assert seconds(many) < 100 * seconds(few)  # 400 times if it were the square
