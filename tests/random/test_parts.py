"""Any part of a tensor has the bits of the whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbreak.errors import InvalidInput, InvalidShape
from symbreak.random import bits, normal, truncated_normal, uniform

SHAPE = (5, 7, 6)
WHOLE = bits(SHAPE, seed=1, name="w")


def axis_index(length: int):
    ends = st.one_of(st.none(), st.integers(-2 * length, 2 * length))
    step = st.one_of(st.none(), st.integers(-4, 4).filter(bool))
    return st.one_of(st.integers(-length, length - 1), st.builds(slice, ends, ends, step), st.none())


@st.composite
def basic_index(draw):
    index, used = [], 0
    while used < len(SHAPE) and draw(st.booleans()):
        member = draw(axis_index(SHAPE[used]))
        index.append(member)
        used += member is not None
    return tuple(index) + ((Ellipsis,) if draw(st.booleans()) else ())


@settings(max_examples=300, deadline=None)
@given(basic_index())
def test_basic_indexing_is_numpys(index):
    part = bits(SHAPE, seed=1, name="w", index=index)
    assert part.shape == WHOLE[index].shape
    np.testing.assert_array_equal(part, WHOLE[index])


@pytest.mark.parametrize("index", [3, -1, slice(1, 4), slice(None, None, -2), Ellipsis, ()])
def test_an_index_need_not_be_a_tuple(index):
    np.testing.assert_array_equal(bits(SHAPE, seed=1, name="w", index=index), WHOLE[index])


@pytest.mark.parametrize("index", [range(10, 200, 7), range(200, 10, -1), range(0), range(3, 4)])
def test_a_range_is_flat(index):
    np.testing.assert_array_equal(bits(SHAPE, seed=1, name="w", index=index), WHOLE.reshape(-1)[list(index)])


@pytest.mark.parametrize(
    "index", [np.array([[3, 1], [209, 3]]), np.array(5), np.array([], dtype=int), np.uint8([1, 2]), [4, 0, 4], []]
)
def test_an_integer_array_is_flat(index):
    part = bits(SHAPE, seed=1, name="w", index=index)
    np.testing.assert_array_equal(part, WHOLE.reshape(-1)[np.asarray(index, dtype=int)])


def test_a_list_is_a_union_in_its_order():
    index = [(0, slice(2, 4)), range(100, 110), np.array([3, 1]), slice(4, 5), [7, 8], 2]
    flat = WHOLE.reshape(-1)
    parts = [WHOLE[0, 2:4], flat[100:110], flat[[3, 1]], WHOLE[4:5], flat[[7, 8]], WHOLE[2]]
    expected = np.concatenate([part.reshape(-1) for part in parts])
    np.testing.assert_array_equal(bits(SHAPE, seed=1, name="w", index=index), expected)


LAWS = [
    (normal, {}),
    (normal, {"dtype": "bfloat16"}),
    (uniform, {"low": -1, "high": 2}),
    (truncated_normal, {"correct_variance": True}),
    (truncated_normal, {"low": 5, "high": 6}),
    (bits, {}),
]


@pytest.mark.parametrize(("law", "keywords"), LAWS)
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_every_cut_in_any_order_makes_the_whole(law, keywords, threads, both_ways):
    shape = (613, 517)
    whole = law(shape, seed=9, name="w", **keywords)
    made = np.zeros_like(whole)
    for rows in (slice(400, 613), slice(0, 3), slice(3, 400)):
        for columns in (slice(0, 1), slice(1, 517, 2), slice(516, 1, -2)):
            made[rows, columns] = both_ways(
                law, shape, seed=9, name="w", index=(rows, columns), threads=threads, **keywords
            )
    assert made.tobytes() == whole.tobytes()


def test_adding_a_tensor_changes_no_other():
    alone = normal(100, seed=0, name="b")
    normal(100, seed=0, name="a")
    np.testing.assert_array_equal(normal(100, seed=0, name="b"), alone)


def test_a_flat_index_is_all_that_counts():
    np.testing.assert_array_equal(bits((4, 6), seed=0).reshape(-1), bits(24, seed=0))
    far = 2**34 + 5
    np.testing.assert_array_equal(
        bits(2**40, seed=0, index=range(far, far + 9)), bits((2**20, 2**20), seed=0, index=np.arange(far, far + 9))
    )


@pytest.mark.parametrize(
    "index",
    ["0", 1.0, True, np.array([0.5]), np.array([True, False]), (slice(0, 1), "a"), (slice(0.5, 1),), [None],
     [range(3), 1.5],
     (slice(None, None, 0),), {0}, (Ellipsis, Ellipsis), (0, 0, 0, 0), (5,), (0, -8), range(205, 211), range(-1, 3),
     np.array([-1]), np.array([210])],
)  # fmt: skip
def test_what_selects_nothing_is_refused(index):
    with pytest.raises(InvalidInput):
        bits(SHAPE, seed=0, index=index)


@pytest.mark.parametrize("shape", [-1, (2, -1), 2.0, (2.0,), "3", None, True, (True,), (2**40, 2**40)])
def test_bad_shapes_are_refused(shape):
    with pytest.raises(InvalidShape):
        normal(shape, seed=0)


@pytest.mark.parametrize("shape", [(), 0, (3, 0), (np.int64(2), 2), [2, 3], np.uint8(4)])
def test_odd_shapes_are_fine(shape):
    expected = (int(shape),) if np.isscalar(shape) else tuple(int(n) for n in shape)
    assert normal(shape, seed=0).shape == expected


BILLION = Path(__file__).parents[2] / "benchmarks" / "billion.py"


def test_processes_fill_a_tensor_as_one_does():
    subprocess.run(
        [sys.executable, BILLION, "--size", "3000001", "--processes", "2"], check=True, stdout=subprocess.PIPE
    )


@pytest.mark.slow
def test_four_processes_fill_a_billion_elements_as_one_does():
    subprocess.run([sys.executable, BILLION], check=True, stdout=subprocess.PIPE)
