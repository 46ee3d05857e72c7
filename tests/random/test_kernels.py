"""The compiled kernels equal the reference bit for bit."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
from functools import partial

import ml_dtypes
import numpy as np
import pytest

from symbreak.random import bits, fill, normal, orthogonal, truncated_normal, uniform

SIZES = [0, 1, 3, 2**20 + 7]
INTERVALS = [
    (-2, 2), (-math.inf, math.inf), (0, math.inf), (-10, 3), (5, 6), (-6, -5), (2.4, 2.41), (0, 1e-6), (0, 1e-12),
    (-1e-3, 1e-3),
    (40, math.inf), (-math.inf, -8), (1e6, math.inf),
]  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, ml_dtypes.bfloat16])
def test_every_type_and_number_of_threads(size, threads, dtype, both_ways):
    keywords = {"seed": 1, "threads": threads, "dtype": dtype}
    both_ways(normal, size, scale=0.3, mean=0.1, **keywords)
    both_ways(truncated_normal, size, scale=0.3, **keywords)
    both_ways(uniform, size, low=0.1, high=0.3, **keywords)


@pytest.mark.parametrize("size", SIZES)
def test_words(size, both_ways):
    both_ways(bits, size, seed="words", threads=2)


@pytest.mark.parametrize(("low", "high"), INTERVALS)
def test_every_kind_of_interval(low, high, both_ways):
    both_ways(truncated_normal, 2**17 + 3, seed=1, low=low, high=high)


@pytest.mark.parametrize("start", [0, 1, 2, 3, 2**34 - 2001])
def test_runs_that_begin_anywhere(start, both_ways):
    both_ways(normal, 2**40, seed=1, index=range(start, start + 5000))


@pytest.mark.parametrize("columns", [slice(3, 131), slice(1, 2049), slice(2, 4900), slice(0, 127), slice(4, 3000, 2)])
@pytest.mark.parametrize("law", [normal, truncated_normal, bits])
def test_shards_of_rows(columns, law, both_ways):
    both_ways(law, (150, 5000), seed=1, index=(slice(10, 140), columns), threads=2)


@pytest.mark.parametrize("law", [normal, truncated_normal])
def test_a_list_of_nothing_but_extremes(law, both_ways):
    """More elements with a second word, one after the other, than the kernels note before they do them again."""
    law = partial(law, low=-9) if law is truncated_normal else law
    wild = np.flatnonzero(np.abs(law(2**16, seed=1)) > 3.3)
    assert len(wild) > 3
    both_ways(law, 2**16, seed=1, index=np.resize(wild, 20_000))


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (7, 3), (3, 7), (190, 150), (129, 129), (0, 4)])
def test_orthogonal(rows, columns, monkeypatch):
    module = sys.modules["symbreak.random.orthogonal"]
    monkeypatch.setattr(module, "COMPILED_FROM", 2**63)
    reference = orthogonal(rows, columns, seed=1)
    monkeypatch.setattr(module, "COMPILED_FROM", 0)
    for threads in (1, 3):
        assert orthogonal(rows, columns, seed=1, threads=threads).tobytes() == reference.tobytes()


SCRIPT = """
import hashlib, sys
from symbreak.random import bits, fill, normal, truncated_normal, uniform
fill.SMALL = fill.LARGE = {large}
digest = hashlib.blake2b()
for law in (bits, normal, truncated_normal, uniform):
    digest.update(law(200_003, seed=3).tobytes())
digest.update(normal(200_003, seed=3, dtype="bfloat16").tobytes())
digest.update(truncated_normal(2**15, seed=3, low=5, high=6).tobytes())
print(digest.hexdigest())
"""


def digest_in_a_process(large: int, **environment: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(large=large)],
        env={**os.environ, **environment}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return result.stdout


def test_a_generic_processor_makes_the_same_bits():
    assert digest_in_a_process(0, NUMBA_CPU_NAME="generic") == digest_in_a_process(2**63)


def test_small_tensors_do_not_load_the_compiler():
    code = "import sys; from symbreak.random import normal; normal(1000, seed=0); assert 'numba' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_failure_in_a_thread_reaches_the_caller():
    from symbreak.random.sharing import share

    def work(pieces):
        for piece in pieces:
            if piece == 3:
                raise KeyError(piece)

    with pytest.raises(KeyError):
        share(work, range(10), 4)


def test_the_threshold_does_not_show():
    around = [fill.SMALL - 1, fill.SMALL, fill.SMALL + 1]
    digests = {hashlib.blake2b(normal(n, seed=0)[: fill.SMALL - 1].tobytes()).digest() for n in around}
    assert len(digests) == 1
