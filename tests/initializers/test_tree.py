"""Laws by pattern, and dicts of arrays."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from symbreak import initializers
from symbreak.errors import InvalidInput, InvalidShape, UnknownName
from symbreak.initializers.tree import fill, laws_by_name

NAMES = ["emb.weight", "block.0.fc.weight", "block.0.fc.bias", "head.weight", "head.bias"]


def texts(laws):
    return {name: str(law) for name, law in laws_by_name(NAMES, laws).items()}


@pytest.mark.parametrize("law", ["he", initializers.he()])
def test_one_law_is_for_all(law):
    assert texts(law) == dict.fromkeys(NAMES, "he")
    assert laws_by_name([], law) == {}


def test_the_first_pattern_that_fits_counts():
    laws = {"head.*": initializers.zeros(), "*.bias": "ones", "block.?.fc.weight": "he", "*": "normal(0.02)"}
    assert texts(laws) == {
        "emb.weight": "normal(0.02)",
        "block.0.fc.weight": "he",
        "block.0.fc.bias": "ones",
        "head.weight": "zeros",
        "head.bias": "zeros",
    }


def test_names_keep_their_order_and_capitals_count():
    assert list(laws_by_name(["b", "a", "B"], {"B": "ones", "?": "zeros"})) == ["b", "a", "B"]
    assert str(laws_by_name(["b", "B"], {"B": "ones", "?": "zeros"})["b"]) == "zeros"


@pytest.mark.parametrize(
    ("laws", "kind", "words"),
    [
        ({"*.weight": "he"}, InvalidInput, "no pattern fits block.0.fc.bias, head.bias"),
        ({"*": "he", "*.scale": "ones"}, InvalidInput, r"'\*\.scale', which fits none"),
        (
            {"*": "he", "head.*": "zeros"},
            InvalidInput,
            r"'head\.\*', but earlier patterns fit head\.weight",
        ),
        ({}, InvalidInput, "no pattern fits"),
        ({"*": "hee"}, UnknownName, "try: he"),
        ("hee", UnknownName, "try: he"),
    ],
)
def test_what_decides_nothing_or_too_little_is_refused(laws, kind, words):
    with pytest.raises(kind, match=words):
        laws_by_name(NAMES, laws)


def test_only_those_that_are_chosen_need_a_law():
    laws = {"emb.*": "ones", "head.*": "he"}
    assert list(laws_by_name(NAMES, laws, only="head.*")) == ["head.weight", "head.bias"]
    assert list(laws_by_name(NAMES, laws, only=["head.bias", "emb.*"])) == ["emb.weight", "head.bias"]
    with pytest.raises(InvalidInput, match=r"no pattern fits block\.0\.fc\.bias"):
        laws_by_name(NAMES, laws, only="*.fc.bias")
    with pytest.raises(InvalidInput, match="'heads'"):
        laws_by_name(NAMES, laws, only=["head.*", "heads"])


def test_long_lists_of_names_are_cut():
    with pytest.raises(InvalidInput, match=r"n5, \.\.\. \(100 in all\)"):
        laws_by_name([f"n{i}" for i in range(100)], {})


SHAPES = {"fc.weight": (4, 3), "fc.bias": (4,), "scale": ()}
LAWS = {"*.weight": "orthogonal", "*": "normal(0.1)"}


@pytest.mark.parametrize("dtype", [np.float32, np.float64, ml_dtypes.bfloat16])
def test_a_dict_of_arrays_holds_what_the_names_say(dtype):
    arrays = fill(SHAPES, LAWS, seed="s", dtype=dtype)
    assert list(arrays) == list(SHAPES)
    for name, array in arrays.items():
        init = initializers.get("orthogonal" if name == "fc.weight" else "normal(0.1)")
        assert array.tobytes() == init(SHAPES[name], seed="s", name=name, dtype=dtype).tobytes()
        assert (array.shape, array.dtype) == (SHAPES[name], dtype)


def test_a_layout_permutes_and_wrappers_change_nothing():
    arrays = fill(SHAPES, LAWS, seed=0)
    permuted = fill({**SHAPES, "fc.weight": (3, 4)}, LAWS, seed=0, layout="in_out")
    assert np.array_equal(permuted["fc.weight"].T, arrays["fc.weight"])
    wrapped = fill({f"module.{name}": shape for name, shape in SHAPES.items()}, LAWS, seed=0)
    assert np.array_equal(wrapped["module.fc.weight"], arrays["fc.weight"])


def test_a_law_that_cannot_fill_its_tensor_is_refused_before_any_is_made(monkeypatch):
    made = []
    draw = initializers.Initializer.__call__
    monkeypatch.setattr(
        initializers.Initializer, "__call__", lambda self, *a, **o: made.append(o.get("index")) or draw(self, *a, **o)
    )
    with pytest.raises(InvalidShape, match=r"fc\.bias: fans need a weight"):
        fill(SHAPES, "he", seed=0)
    with pytest.raises(InvalidInput, match=r"fc\.weight: weights are floating-point"):
        fill(SHAPES, "zeros", seed=0, dtype=np.int64)
    assert made == [range(0)] * len(made)
    fill(SHAPES, LAWS, seed=0)
    assert made.count(None) == len(SHAPES)
