"""A part of a tensor has the bits of the whole, in every layout; and costs no more than its size."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from symbreak import initializers, random
from symbreak.errors import InvalidInput
from symbreak.initializers import parts, structured

MATRICES = [
    *[name for name in initializers.CATALOGUE if name not in ("constant", "dirac", "delta_orthogonal")],
    "constant(0.5)",
    "normal(0.1, 2)",
    "truncated_normal(0.02, -1, 3, True)",
    "uniform(-2, -1)",
    "sparse(0.5)",
]
KERNELS = ["he", "orthogonal(1.4)", "dirac", "dirac(3)", "delta_orthogonal(0.5)", "uniform"]
CUTS = [
    None,
    2,
    -1,
    slice(1, 4),
    slice(None, None, -2),
    (slice(None), slice(1, 3)),
    (1, 2),
    (Ellipsis, 1),
    (None, slice(4, 1, -1), slice(0, 0)),
    (slice(1, 3), None, Ellipsis),
]
LISTS = [range(5, 20, 3), range(19, 2, -1), [3, 0, 3], np.array([[1, 2], [9, 4]]), np.array([], dtype=np.int64)]


def problems(text: str, shape: tuple[int, ...]) -> list[object]:
    """The indices for which the part is not the whole's."""
    init = initializers.get(text)
    found = []
    for layout in ("out_in", "in_out"):
        given = shape if layout == "out_in" else (*shape[2:], shape[1], shape[0])
        address = {"seed": 3, "name": "w", "layout": layout}
        whole = init(given, **address)
        for index in CUTS:
            expected = whole if index is None else whole[index]
            part = init(given, **address, index=index)
            found += [(layout, index)] * (not same(part, expected))
            if expected.size:
                out = np.full(expected.shape, np.nan, np.float32)
                found += [(layout, index, "out")] * (not same(init(given, **address, index=index, out=out), expected))
        found += [
            (layout, index)
            for index in LISTS
            if not same(init(given, **address, index=index), whole.ravel()[np.asarray(index, np.int64)])
        ]
        both = init(given, **address, index=[slice(0, 2), range(3)])
        if not same(both, np.concatenate([whole[:2].ravel(), whole.ravel()[:3]])):
            found.append((layout, "a list of parts"))
    return found


def same(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and one.tobytes() == other.tobytes()


@pytest.mark.parametrize("shape", [(5, 7), (7, 5)])
@pytest.mark.parametrize("text", MATRICES)
def test_a_part_of_a_matrix_is_that_part_of_the_whole(text, shape):
    assert problems(text, shape) == []


@pytest.mark.parametrize("text", KERNELS)
def test_a_part_of_a_kernel_is_that_part_of_the_whole(text):
    assert problems(text, (9, 5, 3, 4)) == []


def test_a_part_of_a_vector_and_of_one_number():
    init = initializers.normal(1.0)
    for layout in ("out_in", "in_out"):
        whole = init((9,), seed=0, layout=layout)
        assert same(init((9,), seed=0, layout=layout, index=slice(2, 5)), whole[2:5])
        assert same(init((), seed=0, layout=layout, index=()), init((), seed=0))
        assert init((), seed=0, layout=layout, index=range(0)).shape == (0,)
        assert same(init((9,), seed=0, layout=layout, index=[8, 0]), whole[[8, 0]])


def swapped(shape, index, *, layout):
    return None if index is None else parts._slices(shape, index) if parts.is_basic(index) else parts.flat(shape, index)


def unshifted(draw):
    return lambda shape, **options: draw(shape, **(options | {"index": None}))[: parts.shape_of(shape, None)[0]]


MUTANTS = {
    "an index of the caller's layout taken for a logical one": ("he", parts, "logical", swapped),
    "columns counted from the whole's first": ("orthogonal", structured, "_hull", lambda p: (0, int(p.size and 1))),
    "an index that the law ignores": ("he", random, "normal", unshifted(random.normal)),
    "a pattern of the part's own": ("sparse(0.5)", random, "bits", lambda s, **o: np.zeros((s[0], 9), np.uint32)),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_wrong_parts_are_noticed(mutant, monkeypatch):
    text, module, name, broken = MUTANTS[mutant]
    if module is random and name == "bits":  # the whole keeps its own pattern, the part loses it
        draw = random.bits
        broken = lambda s, **o: draw(s, **o) if o["index"][1] == slice(0, s[1]) else draw(s, **o)[::-1]  # noqa: E731
    monkeypatch.setattr(module, name, broken)
    try:
        found = problems(text, (5, 7)) or problems(text, (7, 5))
    except (ValueError, IndexError):
        found = ["it fails"]
    assert found


@pytest.mark.parametrize("layout", ["out_in", "in_out"])
@pytest.mark.parametrize("text", ["he", "glorot_uniform", "truncated_normal(0.02)", "zeros", "identity"])
def test_a_part_costs_no_more_than_its_size(text, layout):
    init, side, block = initializers.get(text), 2**30, 64
    index = (slice(side // 2, side // 2 + block), slice(side // 2, side // 2 + block))
    init((side, side), seed=0, layout=layout, index=index)
    tracemalloc.start()
    try:
        init((side, side), seed=0, layout=layout, index=index)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Positions are 8 bytes, and a few arrays of them live at a time; the whole has 2^60 elements.
    assert peak < block * block * 8 * 16


def test_columns_of_an_orthogonal_matrix_are_made_alone(monkeypatch):
    made = []
    draw = random.orthogonal
    monkeypatch.setattr(random, "orthogonal", lambda *a, **o: made.append(o["part"]) or draw(*a, **o))
    initializers.orthogonal()((40, 10), seed=0, index=(Ellipsis, slice(3, 5)))
    initializers.orthogonal()((10, 4, 10), seed=0, index=slice(2, 6))
    assert made == [range(3, 5), range(2, 6)]


@pytest.mark.parametrize("index", [7, (0, 0, 0), range(36), "rows", [None], (slice(None), 9)])
@pytest.mark.parametrize("text", ["he", "zeros", "orthogonal", "identity", "sparse"])
@pytest.mark.parametrize("layout", ["out_in", "in_out"])
def test_an_index_that_does_not_fit_is_refused(text, index, layout):
    with pytest.raises(InvalidInput):
        initializers.get(text)((5, 7), seed=0, index=index, layout=layout)


@pytest.mark.parametrize("out", [np.empty((3, 7)), np.empty((5, 7), np.float32), [0.0]])
@pytest.mark.parametrize("text", ["he", "zeros", "orthogonal"])
def test_an_array_to_fill_that_does_not_fit_is_refused(text, out):
    with pytest.raises(InvalidInput, match="out does not fit"):
        initializers.get(text)((5, 7), seed=0, index=slice(3), out=out)


@pytest.mark.parametrize("text", ["he", "zeros", "orthogonal", "sparse", "identity"])
@pytest.mark.parametrize("layout", ["out_in", "in_out"])
def test_the_callers_array_is_filled_where_it_stands(text, layout):
    out = np.full((7, 5), np.nan, np.float32).T
    assert initializers.get(text)((5, 7), seed=0, name="w", layout=layout, out=out) is out
    assert np.array_equal(out, initializers.get(text)((5, 7), seed=0, name="w", layout=layout))
