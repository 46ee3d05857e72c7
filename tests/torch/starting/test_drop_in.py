"""Drop-ins for `torch.nn.init`: each row of the migration table is run on both sides, and no function lacks a row."""

from __future__ import annotations

import inspect
import math
import re
from pathlib import Path

import pytest
import torch
from torch import nn

from symbreak.initializers import CATALOGUE, get
from symbreak.torch.starting import drop_in

TABLE = (Path(__file__).parents[3] / "docs" / "starting.md").read_text().partition("## From `torch.nn.init`")[2]
ROWS = re.findall(r"^\| `(\w+_)(\(.*?\))` \| `(\w+_)\((.*?)\)` \|", TABLE, re.MULTILINE)
# Names with an underscore are the functions that fill; the others of torch.nn.init are old names for them.
FILLING = {name for name in vars(nn.init) if name.endswith("_") and not name.startswith("_")}
SPECIAL = {"eye_", "dirac_"}


def filled(code):
    return eval(code, {**vars(nn.init), **drop_in.DROP_INS})  # our own table


def size(values):
    return float(values.double().pow(2).mean())


@pytest.mark.parametrize(("theirs", "arguments", "ours", "given"), ROWS, ids=lambda each: str(each))
def test_both_sides_of_a_row_follow_one_law(theirs, arguments, ours, given):
    shape = (16, 8, 3) if theirs == "dirac_" else (120, 80)
    old, new = torch.empty(shape), torch.empty(shape)
    torch.manual_seed(0)
    names = {"w": old, "k": old}
    eval(f"{theirs}{arguments}", {**vars(nn.init)}, names)
    names = {"w": new, "k": new}
    eval(f"{ours}({given}, seed=0, name='w')", dict(drop_in.DROP_INS), names)
    # Mean squares of n independent entries differ by at most six deviations, with a fourth moment of at most 3;
    # nine tenths of a sparse matrix are zero, which leaves a tenth of the entries.
    n = old.numel() * (0.1 if theirs == "sparse_" else 1)
    assert math.isclose(size(old), size(new), rel_tol=6 * math.sqrt(2 * 2 / n), abs_tol=1e-12)
    assert math.isclose(float(old.abs().max()), float(new.abs().max()), rel_tol=0.5)
    if theirs in SPECIAL:
        assert torch.equal(old, new)


def test_every_function_has_a_row():
    assert {row[0] for row in ROWS} == FILLING


def test_a_wrong_row_is_noticed():
    with pytest.raises(AssertionError):
        test_both_sides_of_a_row_follow_one_law("kaiming_normal_", "(w)", "lecun_normal_", "w")


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_drop_in_is_its_initializer(name):
    shape = (8, 8, 3) if name in ("delta_orthogonal", "dirac") else (8, 8)
    options = {"constant": (0.5,)}.get(name, ())
    tensor = torch.empty(shape)
    function = getattr(drop_in, f"{name}_")
    assert function(tensor, *options, seed=3, name="w") is tensor
    expected = CATALOGUE[name](*options)(shape, seed=3, name="w")
    assert torch.equal(tensor, torch.from_numpy(expected))
    assert function.__name__ == f"{name}_"
    assert list(inspect.signature(function).parameters)[-2:] == ["seed", "name"]


def test_other_libraries_names_are_the_same_law():
    one, two = torch.empty(4, 3), torch.empty(4, 3)
    drop_in.kaiming_normal_(one, seed=0, name="w")
    drop_in.he_normal_(two, seed=0, name="w")
    assert torch.equal(one, two)
    assert get("kaiming_normal") == get("he_normal")


def test_a_seed_is_asked_for_and_unknown_names_are_told():
    with pytest.raises(TypeError, match="seed"):
        drop_in.he_normal_(torch.empty(2, 2))
    with pytest.raises(AttributeError, match="he_norml_"):
        drop_in.he_norml_  # noqa: B018
