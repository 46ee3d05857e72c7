"""What is counted in a pass over values, against NumPy; and hashes of slices, whatever the layout."""

from __future__ import annotations

import math

import numpy as np
import pytest

from symbreak.diagnosis import kernels, values

BLOCK = kernels.BLOCK
SIZES = (1, 2, 3, 127, 128, 129, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 77)


def drawn(size, dtype=np.float32, *, seed=0):
    return np.random.default_rng(seed).standard_normal(size).astype(dtype)


def with_all(size, dtype):
    """nan, inf, zeros of both signs and denormals, wherever there is room."""
    array = drawn(size, dtype)
    special = [np.nan, np.inf, -np.inf, 0.0, -0.0, np.finfo(dtype).tiny / 4, -np.finfo(dtype).smallest_subnormal]
    for place, value in enumerate(special):
        array[place * 1237 % size :: 5 * BLOCK // 2] = value
    return array


CASES = {
    "normal": drawn,
    "all kinds": with_all,
    "zeros": lambda size, dtype: np.zeros(size, dtype),
    "negative zeros": lambda size, dtype: np.full(size, -0.0, dtype),
    "constant": lambda size, dtype: np.full(size, -1.7, dtype),
    "far from zero": lambda size, dtype: (1e4 + 1e-2 * drawn(size, np.float64)).astype(dtype),
    "nan only": lambda size, dtype: np.full(size, np.nan, dtype),
    "inf only": lambda size, dtype: np.full(size, -np.inf, dtype),
    "denormal only": lambda size, dtype: np.full(size, np.finfo(dtype).tiny / 2, dtype),
    "huge": lambda size, dtype: drawn(size, dtype) * dtype(1e30),
    "tiny": lambda size, dtype: drawn(size, dtype) * dtype(1e-30),
    "signs": lambda size, dtype: np.sign(drawn(size, dtype)),
    "one large": lambda size, dtype: np.concatenate([drawn(size - 1, dtype), np.array([1e9], dtype)]),
    "clipped": lambda size, dtype: drawn(size, dtype).clip(-1, 1),
}


def counted(array):
    """The same by NumPy, in float64."""
    wide = array.astype(np.float64)
    finite = wide[np.isfinite(wide)]
    sizes = np.abs(finite[finite != 0])
    normal = float(np.finfo(array.dtype).tiny)
    return {
        "size": array.size,
        "nan": int(np.isnan(wide).sum()),
        "infinite": int(np.isinf(wide).sum()),
        "zeros": int((finite == 0).sum()),
        "denormal": int((sizes < normal).sum()),
        "low": finite.min() if finite.size else 0.0,
        "high": finite.max() if finite.size else 0.0,
        "smallest": sizes.min() if sizes.size else 0.0,
        "largest": sizes.max() if sizes.size else 0.0,
        "piled": int((sizes == sizes.max()).sum()) if sizes.size else 0,
    }


def agree(array):
    seen = values.summary(array)
    for name, value in counted(array).items():
        assert getattr(seen, name) == value, name
    finite = array.astype(np.longdouble)
    finite = finite[np.isfinite(finite)]
    if finite.size:
        # Sums of n numbers in float64: relative errors below n times 2^-53 of the sum of sizes.
        room = (finite.size + 10) * 2.0**-52
        assert abs(seen.mean - float(finite.mean())) <= room * float(np.abs(finite).mean())
        scale = float(np.abs(finite).max()) ** 2
        assert abs(seen.std**2 - float(finite.var())) <= room * scale
        assert math.isclose(seen.rms**2, float(np.mean(finite**2)), rel_tol=room + 1e-12, abs_tol=1e-300)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_a_summary_is_what_numpy_counts(case, dtype, size):
    agree(CASES[case](size, dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_a_summary_of_pieces_is_one_of_the_whole(case, dtype, monkeypatch):
    monkeypatch.setattr(values, "PIECE", 2 * BLOCK + 5)
    agree(CASES[case](5 * BLOCK + 77, dtype))


def test_a_summary_does_not_depend_on_the_cores(monkeypatch):
    array = with_all(3 * values.PIECE + 5, np.float32)
    array[1 : values.PIECE + 1] = np.nan
    found = set()
    for count in (1, 2, 5):
        monkeypatch.setattr(values, "cores", lambda count=count: count)
        found.add(values.summary(array))
    assert len(found) == 1
    agree(array)


def test_the_spread_of_numbers_far_from_zero_is_not_drowned():
    array = CASES["far from zero"](100_000, np.float64)
    assert math.isclose(values.summary(array).std, float(array.std()), rel_tol=1e-9)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_nothing_is_summed_up_as_nothing(shape):
    seen = values.summary(np.zeros(shape, np.float32))
    assert (seen.size, seen.largest, seen.constant, seen.finite) == (0, 0.0, False, True)


def test_other_layouts_and_types_are_the_same_numbers():
    array = drawn(6000).reshape(60, 100)
    for other in (array.T, array[::-1, ::-1], np.asfortranarray(array)):
        seen, wanted = values.summary(other), values.summary(array)
        assert (seen.low, seen.high, seen.smallest, seen.largest) == (
            wanted.low,
            wanted.high,
            wanted.smallest,
            wanted.largest,
        )
        assert math.isclose(seen.mean, wanted.mean, rel_tol=1e-12)
    assert values.summary(np.arange(5)).high == 4.0
    assert values.summary(np.float16([1, 2])).high == 2.0


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_slices_have_equal_hashes_and_others_do_not(axis, dtype):
    array = np.moveaxis(drawn((40, 6, 7), dtype), 0, axis).copy()
    slices = np.moveaxis(array, axis, 0)
    slices[7], slices[23] = slices[3], -slices[3]
    plain, absolute = values.hashes(array, axis), values.hashes(array, axis, absolute=True)
    assert values.groups(plain) == ((3, 7),)
    assert values.groups(absolute) == ((3, 7, 23),)
    assert np.array_equal(values.hashes(np.asfortranarray(array), axis), plain)


@pytest.mark.parametrize("axis", [0, 1])
def test_hashes_do_not_depend_on_the_cores(axis, monkeypatch):
    array = drawn((1200, 2000))
    found = set()
    for count in (1, 2, 5):
        monkeypatch.setattr(values, "cores", lambda count=count: count)
        found.add(values.hashes(array, axis).tobytes())
    assert len(found) == 1
    assert len(np.unique(values.hashes(array, axis))) == array.shape[axis]


def test_zeros_of_both_signs_hash_alike_and_places_count():
    rows = np.array([[0.0, 1.0], [-0.0, 1.0], [1.0, 0.0], [0.0, -1.0]], np.float32)
    assert values.groups(values.hashes(rows, 0)) == ((0, 1),)
    assert values.groups(values.hashes(rows, 0, absolute=True)) == ((0, 1, 3),)


def test_a_hundred_thousand_rows_of_few_values_do_not_collide():
    rows = np.random.default_rng(0).integers(0, 4, size=(100_000, 24)).astype(np.float32)
    distinct = len(np.unique(rows, axis=0))
    # Two of n rows collide with a probability of n^2 / 2^65.
    assert len(np.unique(values.hashes(rows, 0))) == distinct


@pytest.mark.parametrize(
    "broken",
    [
        lambda array: array[:-1],  # the last entry is not looked at
        lambda array: np.abs(array),  # signs are lost
        lambda array: np.nan_to_num(array),  # nan and inf are overlooked
        lambda array: np.where(np.abs(array) < np.finfo(array.dtype).tiny, 0, array),  # denormals are flushed
    ],
)
def test_a_summary_of_something_else_is_told_apart(broken, monkeypatch):
    original = values.summary
    monkeypatch.setattr(values, "summary", lambda array: original(broken(array)))
    with pytest.raises(AssertionError):
        agree(with_all(2 * BLOCK, np.float32))
