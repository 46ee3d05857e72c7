"""Types, ranges, outputs; and every wrong argument gets one clear message."""

from __future__ import annotations

import math

import ml_dtypes
import numpy as np
import pytest

from symbreak.errors import InvalidInput
from symbreak.random import bits, normal, truncated_normal, uniform

DTYPES = [np.float16, np.float32, np.float64, ml_dtypes.bfloat16]


@pytest.mark.parametrize("law", [normal, uniform, truncated_normal])
@pytest.mark.parametrize("dtype", DTYPES)
def test_other_types_follow_from_the_float32_value(law, dtype):
    single = law(5000, seed=2)
    assert law(5000, seed=2, dtype=dtype).dtype == dtype
    if law is normal or dtype in (np.float32, np.float64):
        assert law(5000, seed=2, dtype=dtype).tobytes() == single.astype(dtype).tobytes()


def test_scale_comes_before_mean_and_both_are_rounded():
    z = normal(5000, seed=2)
    expected = z * np.float32(0.3) + np.float32(0.1)
    assert normal(5000, seed=2, scale=0.3, mean=0.1).tobytes() == expected.tobytes()


def test_no_negative_zero_comes_out():
    assert not np.signbit(normal(100, seed=0, scale=0.0)).any()
    assert not np.signbit(normal(100, seed=0, scale=1e-45, mean=-0.0)[normal(100, seed=0, scale=1e-45) == 0]).any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.1, 0.3), (-0.3, 0.1), (1, 1.05), (-1e-3, 0), (100, 101)])
def test_uniform_stays_in_its_half_open_interval(dtype, low, high, both_ways):
    values = both_ways(uniform, 2**16, seed=4, low=low, high=high, dtype=dtype).astype(float)
    assert values.min() >= low
    assert values.max() < high


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("low", "high"), [(-2, 2), (-1.7, 0.3), (5, 6), (-math.inf, 1), (3, math.inf)])
@pytest.mark.parametrize(("mean", "scale"), [(0, 1), (0.1, 0.02), (-3, 0.7)])
def test_truncated_stays_in_its_interval(dtype, low, high, mean, scale, both_ways):
    values = both_ways(truncated_normal, 2**14, seed=4, low=low, high=high, mean=mean, scale=scale, dtype=dtype).astype(
        float
    )
    assert values.min() >= mean + low * scale
    assert values.max() <= mean + high * scale


def test_out_is_filled_and_returned():
    out = np.empty((10, 20), np.float32)
    assert normal((10, 20), seed=1, out=out) is out
    assert out.tobytes() == normal((10, 20), seed=1).tobytes()


@pytest.mark.parametrize("size", [(40, 60), (500, 600)])
def test_out_may_be_a_strided_view(size, both_ways):
    frame = np.zeros((size[1], size[0]), np.float32)
    both_ways(normal, size, seed=1, out=frame.T)
    assert frame.T.copy().tobytes() == normal(size, seed=1).tobytes()


def read_only() -> np.ndarray:
    array = np.empty(4, np.float32)
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    "out",
    [np.empty(5, np.float32), np.empty((2, 2), np.float32), np.empty(4), np.empty(4, ">f4"), read_only(), [0.0] * 4,
     np.lib.stride_tricks.as_strided(np.zeros(1, np.float32), (4,), (0,))],
)  # fmt: skip
def test_an_out_that_does_not_fit_is_refused(out):
    with pytest.raises(InvalidInput, match="out does not fit"):
        normal(4, seed=0, out=out)


WRONG = [
    (normal, {"scale": -1}), (normal, {"scale": math.nan}), (normal, {"scale": math.inf}), (normal, {"scale": "1"}),
    (normal, {"scale": True}), (normal, {"scale": 1j}), (normal, {"scale": None}), (normal, {"scale": 1e38}),
    (normal, {"mean": math.nan}), (normal, {"mean": -math.inf}), (normal, {"mean": 10**400}),
    (normal, {"scale": 7000, "dtype": np.float16}),
    (uniform, {"low": 1, "high": 1}), (uniform, {"low": 2, "high": 1}), (uniform, {"low": math.nan}),
    (uniform, {"high": math.inf}), (uniform, {"low": 1.0001, "high": 1.0002, "dtype": "bfloat16"}),
    (uniform, {"high": 1e39}),
    (truncated_normal, {"low": 2, "high": 2}), (truncated_normal, {"low": 2, "high": -2}),
    (truncated_normal, {"low": math.nan}), (truncated_normal, {"low": math.inf}),
    (truncated_normal, {"low": math.inf, "high": math.inf}), (truncated_normal, {"low": -math.inf, "high": -math.inf}),
    (truncated_normal, {"scale": -0.1}), (truncated_normal, {"correct_variance": 1}),
    (truncated_normal, {"low": 1e30, "high": 2e30, "scale": 1e10}),
    (normal, {"dtype": np.int32}), (normal, {"dtype": None}), (normal, {"dtype": "float31"}),
    (normal, {"dtype": ">f4"}),
    (normal, {"dtype": complex}), (normal, {"threads": 0}), (normal, {"threads": True}), (normal, {"threads": 1.0}),
    (bits, {"threads": -1}),
]  # fmt: skip


@pytest.mark.parametrize(("law", "keywords"), WRONG)
def test_wrong_arguments_are_refused(law, keywords):
    with pytest.raises(InvalidInput):
        law(4, seed=0, **keywords)


def test_a_scale_of_zero_gives_the_mean():
    for law in (normal, truncated_normal):
        assert (law(50, seed=0, scale=0, mean=0.1) == np.float32(0.1)).all()
