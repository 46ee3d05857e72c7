"""Kernels whose inputs and outputs lie on any axes: their fans, their values, their parts."""

from __future__ import annotations

import numpy as np
import pytest

from symbreak import initializers
from symbreak.errors import InvalidInput
from symbreak.initializers.axes import Axes, drawn

QUERY, OUTPUT = Axes((0,), (1, 2)), Axes((0, 1), (2,))  # (embedding, heads, size) and back
DEPTHWISE = Axes((), (-2, -1))
ADDRESS = {"seed": 3, "name": "w"}


def test_what_attention_stores_is_the_matrix_that_it_is():
    init = initializers.get("orthogonal")
    matrix = init((12, 6), **ADDRESS)
    assert np.array_equal(drawn(init, (6, 3, 4), layout=QUERY, **ADDRESS), matrix.T.reshape(6, 3, 4))
    matrix = init((6, 12), **ADDRESS)
    assert np.array_equal(drawn(init, (3, 4, 6), layout=OUTPUT, **ADDRESS), matrix.T.reshape(3, 4, 6))


def test_a_depthwise_kernel_has_torchs_values_and_one_input_for_each_output():
    init = initializers.get("he")
    assert DEPTHWISE.logical_shape((3, 5, 8, 2)) == (16, 1, 3, 5)
    stored = drawn(init, (3, 5, 8, 2), layout=DEPTHWISE, **ADDRESS)
    assert np.array_equal(stored.transpose(2, 3, 0, 1).reshape(16, 1, 3, 5), init((16, 1, 3, 5), **ADDRESS))


@pytest.mark.parametrize("shape", [(), (5,), (4, 3), (3, 4, 3), (2, 5, 4, 3)])
def test_the_last_axes_are_the_layout_of_jax(shape):
    init = initializers.get("normal(1)")
    expected = init(shape, layout="in_out", **ADDRESS)
    assert np.array_equal(drawn(init, shape, layout=Axes((-2,), (-1,)), **ADDRESS), expected)
    assert np.array_equal(drawn(init, shape, layout="in_out", **ADDRESS), expected)


PARTS = [(slice(1, 4), slice(None), slice(0, 4, 2)), (2,), (Ellipsis, 1), range(0, 72, 5), np.array([[3, 70], [1, 1]])]


@pytest.mark.parametrize("index", PARTS, ids=str)
@pytest.mark.parametrize("text", ["he", "orthogonal", "uniform(-1, 1)", "sparse(0.5, 1)"])
def test_a_part_has_the_bits_of_the_whole(text, index):
    init = initializers.get(text)
    whole = drawn(init, (6, 3, 4), layout=QUERY, **ADDRESS)
    part = drawn(init, (6, 3, 4), layout=QUERY, index=index, **ADDRESS)
    expected = whole.ravel()[index] if isinstance(index, (range, np.ndarray)) else whole[index]
    assert np.array_equal(part, expected)


@pytest.mark.parametrize("axes", [Axes((0,), (0,)), Axes((3,), (0,)), Axes((-1,), (2,))])
def test_axes_that_a_tensor_does_not_have_once(axes):
    with pytest.raises(InvalidInput, match="each axis is"):
        drawn(initializers.get("he"), (2, 3, 4), layout=axes, **ADDRESS)
