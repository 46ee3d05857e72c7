"""Digests add up, tell every change, and manifests are read as they were written or not at all."""

from __future__ import annotations

import copy
import json

import ml_dtypes
import numpy as np
import pytest

from symbreak import initializers
from symbreak.errors import InvalidData, InvalidInput
from symbreak.initializers import digest as digests
from symbreak.initializers.digest import combined, digest
from symbreak.initializers.manifest import Manifest, Row, merged

DTYPES = [np.float32, np.float64, np.float16, ml_dtypes.bfloat16]
MASK = 2**64 - 1


def drawn(shape=(7, 5), dtype=np.float32):
    return initializers.normal(1.0)(shape, seed=0, name="w", dtype=dtype)


def by_hand(values):
    """The definition, in plain integers."""

    def mix(z):
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
        return z ^ (z >> 31)

    low = high = 0
    for i, x in enumerate(values.reshape(-1).view(f"u{values.dtype.itemsize}").tolist()):
        a = mix(i + 0x9E3779B97F4A7C15 & MASK)
        b = mix(a ^ x)
        low, high = low + b & MASK, high + mix(b + (a << 32 & MASK | a >> 32) & MASK) & MASK
    return low + (high << 64)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_digest_is_the_defined_sum(dtype, monkeypatch):
    values = drawn(dtype=dtype)
    assert digest(values, (7, 5)) == by_hand(values)
    monkeypatch.setattr(digests, "COMPILED_FROM", 0)
    assert digest(values, (7, 5)) == by_hand(values)


def test_many_chunks_on_many_threads(monkeypatch):
    monkeypatch.setattr(digests, "CHUNK", 100)
    monkeypatch.setattr(digests, "COMPILED_FROM", 0)
    values = drawn((50, 70))
    assert digest(values, (50, 70)) == by_hand(values)


CUTS = [
    [slice(0, 3), slice(3, 7)],
    [(slice(None), slice(0, 1)), (slice(None), slice(1, 5))],
    [range(0, 35, 2), range(1, 35, 2)],
    [np.arange(35)[::-1]],
    [(slice(0, 4), slice(0, 2)), (slice(0, 4), slice(2, 5)), (slice(4, 7), Ellipsis), slice(7, 7)],
]


@pytest.mark.parametrize("cuts", CUTS)
def test_parts_add_up_to_the_whole(cuts):
    init = initializers.normal(1.0)
    parts = [digest(init((7, 5), seed=0, name="w", index=cut), (7, 5), cut) for cut in cuts]
    assert combined(parts) == digest(drawn(), (7, 5))


def test_the_shape_of_the_part_counts():
    with pytest.raises(InvalidInput, match="values of the part"):
        digest(drawn(), (7, 5), slice(0, 3))


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_changed_bit_of_every_element_tells(dtype):
    values = drawn((3, 2), dtype)
    before, bits = digest(values, (3, 2)), values.view(f"u{values.dtype.itemsize}")
    seen = {before}
    for place in np.ndindex(3, 2):
        for bit in range(8 * values.dtype.itemsize):
            bits[place] ^= 1 << bit
            seen.add(digest(values, (3, 2)))
            bits[place] ^= 1 << bit
    assert len(seen) == 1 + 6 * 8 * values.dtype.itemsize


def test_swapped_negated_and_shifted_values_tell():
    values = drawn((8, 8))
    others = [values.T, values[::-1], -values, np.roll(values, 1), np.zeros((8, 8), np.float32), -0.0 * np.ones((8, 8))]
    found = {digest(np.ascontiguousarray(other, np.float32), (8, 8)) for other in (values, *others)}
    assert len(found) == 7


def additive(positions, bits, sums):
    sums += np.uint64(bits.astype(np.uint64).sum())


def test_a_sum_without_positions_would_be_noticed(monkeypatch):
    monkeypatch.setattr(digests, "_add", additive)
    monkeypatch.delitem(digests.sys.modules, digests._KERNELS, raising=False)
    values = drawn((8, 8))
    assert digest(values, (8, 8)) == digest(np.ascontiguousarray(values.T), (8, 8))
    assert digest(values, (8, 8)) != by_hand(values)


def row(name="fc.weight", digest=f"{5:032x}", elements=12, **changes):
    return Row(name, (4, 3), "float32", "he_normal", 0, digest, elements, **changes)


MANIFEST = Manifest((row(), Row("fc.bias", (4,), "bfloat16", None, "run 1", f"{2**128 - 1:032x}", 4)))


def test_json_gives_back_the_same_manifest():
    text = json.dumps(MANIFEST.to_json())
    assert Manifest.from_json(text) == MANIFEST
    assert Manifest.from_json(json.loads(text)) == MANIFEST
    assert json.loads(text)["schema"] == "symbreak/manifest/1"
    assert MANIFEST["fc.bias"].seed == "run 1"
    with pytest.raises(KeyError):
        MANIFEST["fc"]


def changed(*path_and_value):
    data = copy.deepcopy(MANIFEST.to_json())
    *path, last, value = path_and_value
    inner = data
    for step in path:
        inner = inner[step]
    inner[last] = value
    return data


TAMPERED = [
    changed("rows", 0, "seed", 1),
    changed("rows", 0, "law", "he_uniform"),
    changed("rows", 0, "digest", f"{6:032x}"),
    changed("rows", 0, "elements", 11),
    changed("rows", 1, "seed", 1),
    changed("algorithm", 2),
    changed("fingerprint", "0" * 64),
    changed("more", 1),
    changed("rows", 0, "more", 1),
    changed("rows", MANIFEST.to_json()["rows"][:1]),
    changed("rows", 0, "seed", 0.0),
    changed("rows", 0, "seed", False),
    changed("rows", 0, "shape", [4.0, 3]),
    changed("rows", 0, "digest", "zz" * 16),
    changed("rows", 0, "name", 7),
    changed("schema", "symbreak/plan/1"),
    {},
    [],
    "[1, 2",
    "null",
]


@pytest.mark.parametrize("data", TAMPERED, ids=range(len(TAMPERED)))
def test_what_is_foreign_or_was_changed_is_refused(data):
    with pytest.raises(InvalidData, match="a manifest is read from"):
        Manifest.from_json(data)


def test_manifests_of_shards_are_merged():
    one = Manifest((row(elements=4), row("b", f"{1:032x}", 12)))
    two = Manifest((row(digest=f"{2**128 - 3:032x}", elements=8), row("b", f"{0:032x}", 0)))
    both = merged([one, two])
    assert (both["fc.weight"].digest, both["fc.weight"].elements) == (f"{combined([5, 2**128 - 3]):032x}", 12)
    assert both.whole
    assert not one.whole
    assert both["b"].digest == f"{1:032x}"
    assert merged([one]) == one


@pytest.mark.parametrize(
    "other",
    [
        Manifest((row(elements=9),)),
        Manifest((row("b", elements=1),)),
        Manifest(()),
        Manifest((row(elements=1),), algorithm=0),
        Manifest((Row("fc.weight", (4, 3), "float32", "he_normal", 1, "0" * 32, 1),)),
    ],
)
def test_manifests_that_do_not_fit_together_are_refused(other):
    with pytest.raises(InvalidInput, match="manifests are merged"):
        merged([Manifest((row(elements=4),)), other])


def test_nothing_is_no_start():
    with pytest.raises(InvalidInput, match="one start"):
        merged([])
