"""What rules read is plain data: it finds parameters by every name, and cannot be changed."""

from __future__ import annotations

import ast
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest

import symbreak.diagnosis
from symbreak.diagnosis import values
from symbreak.diagnosis.observation import Observation, Parameter


def parameter(*names, dtype="float32", trainable=True):
    array = np.ones((2, 3), np.float32)
    return Parameter(names, "Linear", array.shape, dtype, trainable, False, True, values.summary(array), lambda: array)


def test_a_parameter_goes_by_all_its_names():
    seen = Observation((parameter("table.weight", "head.weight"), parameter("head.bias")))
    assert seen.parameter("head.weight") is seen.parameter("table.weight") is seen.parameters[0]
    assert seen.parameter("head.bias").name == "head.bias"
    with pytest.raises(KeyError):
        seen.parameter("nowhere")


@pytest.mark.parametrize(
    ("dtype", "floating"), [("float16", True), ("bfloat16", True), ("int64", False), ("bool", False)]
)
def test_floats_are_told_from_other_numbers(dtype, floating):
    assert parameter("w", dtype=dtype).floating is floating


def test_nothing_can_be_reassigned():
    seen = Observation((parameter("w"),))
    with pytest.raises(FrozenInstanceError):
        seen.samples = 3
    with pytest.raises(FrozenInstanceError):
        seen.parameters[0].trainable = False


def test_the_room_names_no_framework():
    folder = Path(symbreak.diagnosis.__file__).parent
    imported = {
        name.split(".")[0]
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in (
            [a.name for a in node.names] if isinstance(node, ast.Import) else [getattr(node, "module", "") or ""]
        )
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }
    assert {"torch", "jax", "keras", "tensorflow"} & imported == set()
    assert "numpy" in imported
