"""Architectures of `transformers`, started by the plan: `check` finds nothing to warn of."""

from __future__ import annotations

import pytest
from check.architectures import ARCHITECTURES

import symbreak
from symbreak.torch.starting import Plan, init_

pytestmark = pytest.mark.filterwarnings("ignore")  # the library's own
QUICK = ("GPT2", "Llama", "Mixtral", "ViT", "ResNet")


def sound(architecture):
    task = architecture.build()
    done = init_(task.model, task.x, seed=0)
    assert Plan.from_json(done.to_json()) == done
    report = symbreak.check(task.model, task.x)
    assert report.ok, str(report)


@pytest.mark.parametrize("architecture", [a for a in ARCHITECTURES if a.name in QUICK], ids=lambda each: each.name)
def test_a_planned_architecture_is_sound(architecture):
    sound(architecture)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", [a for a in ARCHITECTURES if a.name not in QUICK], ids=lambda each: each.name)
def test_every_planned_architecture_is_sound(architecture):
    sound(architecture)
