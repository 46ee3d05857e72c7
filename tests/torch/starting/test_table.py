"""Plans as data: text, JSON, edits, stacks."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import nn

from symbreak.errors import InvalidData, InvalidInput
from symbreak.initializers.mirrored import mirrored
from symbreak.initializers.stacks import get
from symbreak.torch.starting import Plan, init_, plan

NET = nn.Sequential(nn.LSTM(4, 6), nn.Linear(6, 2))


def test_a_plan_goes_to_json_and_back():
    found = plan(NET).edited({"1.weight": "mirrored(1, in)"})
    assert Plan.from_json(json.dumps(found.to_json())) == found
    assert found.to_json()["schema"] == "symbreak/plan/1"


@pytest.mark.parametrize("data", ["{}", "[]", "no json", '{"schema": "symbreak/plan/2"}'])
def test_what_is_no_plan_is_refused(data):
    with pytest.raises(InvalidData, match="a plan is read"):
        Plan.from_json(data)


def test_a_plan_read_back_makes_the_same_values():
    one, two = nn.Linear(3, 2), nn.Linear(3, 2)
    done = init_(one, seed=0)
    init_(two, seed=0, plan=Plan.from_json(done.to_json()))
    assert torch.equal(one.weight, two.weight)


def test_the_table_has_a_line_for_each_parameter():
    lines = str(plan(NET)).splitlines()
    assert len(lines) == 1 + len(list(NET.parameters()))
    assert lines[0].split() == ["parameter", "shape", "law", "reason"]
    assert all(name in line for (name, _), line in zip(NET.named_parameters(), lines[1:], strict=True))


def test_edits_of_what_is_not_there_or_no_law_are_refused():
    with pytest.raises(InvalidInput, match="nothing"):
        plan(NET).edited({"nothing.*": "zeros"})
    with pytest.raises(InvalidInput, match="initializer"):
        plan(NET).edited({"1.*": "no_such_law(1)"})


STACKS = ["zeros | ones", "axis 1: 3 orthogonal(1) | 1 ones", "2 normal(1) | 4 orthogonal(2)", "mirrored(2, both)",
          "mirrored(1, out)", "mirrored(0.5, in)"]  # fmt: skip


@pytest.mark.parametrize("text", STACKS)
def test_parts_of_stacks_and_mirrors_have_the_bits_of_the_whole(text):
    law, address = get(text), {"seed": 3, "name": "w"}
    whole = law((6, 4), **address)
    assert str(law) == text
    assert np.array_equal(law((6, 4), **address, index=(slice(1, 5), slice(2, 4))), whole[1:5, 2:4])
    flat = np.array([0, 7, 23, 8])
    assert np.array_equal(law((6, 4), **address, index=flat), whole.ravel()[flat])


@pytest.mark.parametrize("text", STACKS)
def test_stacks_and_mirrors_keep_their_law(text):
    law = get(text)
    values = np.concatenate([law((60, 4) if "2 normal" not in text else (6, 4), seed=seed, name="w").ravel()
                             for seed in range(200)])  # fmt: skip
    promised = law.law((60, 4) if "2 normal" not in text else (6, 4))
    mean_square = promised.variance + promised.mean**2
    # Dependence within an orthogonal block only lowers the spread of a mean square; six deviations of independent ones.
    assert (
        abs(float(np.mean(values.astype(np.float64) ** 2)) - mean_square) <= 6 * np.sqrt(3 / values.size) * mean_square
    )


@pytest.mark.parametrize(("text", "shape"), [("zeros | ones", (3,)), ("2 zeros | 2 ones", (6, 2)),
                                             ("mirrored(1, both)", (4, 3)), ("mirrored(1, in)", (4,))])  # fmt: skip
def test_what_does_not_fit_is_refused(text, shape):
    with pytest.raises(InvalidInput):
        get(text)(shape, seed=0)


@pytest.mark.parametrize("text", ["zeros | 2 ones", "zeros | nothing", "mirrored(1, sideways)"])
def test_what_is_no_law_is_refused(text):
    with pytest.raises(InvalidInput):
        get(text)


def test_mirrored_blocks_have_opposite_signs():
    w = mirrored(2.0, "both")((6, 4), seed=0, name="w")
    assert np.array_equal(w[:3], -w[3:])
    assert np.array_equal(w[:, :2], -w[:, 2:])
    assert np.allclose(w[:3, :2].T @ w[:3, :2], 4 * np.eye(2), atol=1e-5)
