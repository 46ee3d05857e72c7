"""Published vectors of Philox, the frozen vectors of the specification, and the framing of keys."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from symbreak.errors import InvalidInput
from symbreak.random import bits, element, keys, normal, philox
from symbreak.random.keys import key_of

ROOT = Path(__file__).parents[2]
RANDOM123 = [
    ((0, 0, 0, 0), (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


def philox_agrees() -> bool:
    found = [philox.philox(tuple(np.array([c], np.uint64) for c in counter), key)[0] for counter, key, _ in RANDOM123]
    return [" ".join(f"{word:08x}" for word in words) for words in found] == [answer for *_, answer in RANDOM123]


def made_again() -> dict:
    spec = importlib.util.spec_from_file_location("vectors", ROOT / "tools" / "make_randomness_vectors.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return json.loads(json.dumps(module.vectors()))


def frozen() -> dict:
    return json.loads((ROOT / "docs" / "randomness-vectors.json").read_text())


def test_philox_gives_the_published_words():
    assert philox_agrees()


def test_the_specifications_vectors_are_what_the_code_makes():
    assert made_again() == frozen()


def test_the_vectors_reach_beyond_2_to_the_32_blocks_and_into_the_tail():
    vectors = frozen()
    assert max(vectors["elements"][0]["index"]) // 4 > 2**32


@pytest.mark.parametrize("rounds", [9, 11])
def test_mutant_rounds_are_caught(monkeypatch, rounds):
    monkeypatch.setattr(philox, "ROUNDS", rounds)
    assert not philox_agrees()


def test_mutant_swapped_words_are_caught(monkeypatch):
    original = philox.philox
    monkeypatch.setattr(philox, "philox", lambda counter, key: original(counter, key)[:, [1, 0, 2, 3]])
    assert not philox_agrees()
    assert made_again() != frozen()


def test_mutant_index_without_carry_is_caught(monkeypatch):
    monkeypatch.setattr(philox, "_HALF", np.uint64(63))
    assert made_again() != frozen()


def test_the_element_in_plain_python_equals_the_array():
    values = normal(4000, seed="pure", name="python")
    assert [element("pure", "python", i) for i in range(4000)] == values.tolist()
    large = [2**34 - 1, 2**34, 2**62 + 3]
    assert [element(3, "", i) for i in large] == normal(2**62 + 4, seed=3, index=np.array(large)).tolist()


def test_the_element_agrees_where_the_second_word_counts():
    values = normal(2**21, seed=5)
    extreme = np.flatnonzero(np.abs(values) > 3.3)
    assert len(extreme) > 1000
    assert [element(5, "", int(i)) for i in extreme] == values[extreme].tolist()


def test_a_seed_is_not_the_string_of_its_digits_and_frames_do_not_run_together():
    pairs = [
        (7, ""),
        ("7", ""),
        (-7, ""),
        ("", "7"),
        ("a", "b"),
        ("ab", ""),
        ("", "ab"),
        (256, ""),
        (0, ""),
        (2**64, ""),
    ]
    assert len({key_of(*pair) for pair in pairs}) == len(pairs)


def test_integers_of_any_size_and_kind_are_seeds():
    assert key_of(np.int8(-3), "") == key_of(-3, "")
    assert key_of(np.uint64(2**63), "") == key_of(2**63, "")
    assert key_of(10**1000, "") != key_of(10**1000 + 1, "")


def test_the_frames_are_as_specified():
    assert keys._seed_frame(127) == b"i\x01\0\0\0\0\0\0\0\x7f"
    assert keys._seed_frame(128) == b"i\x02\0\0\0\0\0\0\0\x80\x00"
    assert keys._seed_frame(-128) == b"i\x01\0\0\0\0\0\0\0\x80"
    assert keys._seed_frame(0) == b"i\x01\0\0\0\0\0\0\0\0"
    assert keys._name_frame("\ud800é") == b"s\x05\0\0\0\0\0\0\0\xed\xa0\x80\xc3\xa9"


@pytest.mark.parametrize("seed", [1.0, True, None, b"1", np.bool_(False), np.float32(2), [1], 1j])
def test_other_seeds_are_refused(seed):
    with pytest.raises(InvalidInput, match="a seed is an integer or a string"):
        bits(2, seed=seed)


@pytest.mark.parametrize("name", [1, None, b"w", ("a",)])
def test_other_names_are_refused(name):
    with pytest.raises(InvalidInput, match="a name is a string"):
        bits(2, seed=0, name=name)


@pytest.mark.parametrize("index", [-1, 2**63, 1.5, True, "0"])
def test_an_element_needs_a_flat_index(index):
    with pytest.raises(InvalidInput, match="flat index"):
        element(0, "", index)
