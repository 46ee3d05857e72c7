"""Architectures of `transformers`, started by the plan: `check` finds nothing to warn of."""

from __future__ import annotations

import pytest
from check.architectures import ARCHITECTURES

import symbreak
from symbreak.torch.starting import Plan, init_

pytestmark = pytest.mark.filterwarnings("ignore")  # the library's own
# True of the model whatever its weights are: CLIP starts with a temperature of 14, and the cosines of 16-dimensional
# directions spread by a quarter.
OF_THE_MODEL = {"CLIP": {"loss-at-init"}}
QUICK = ("GPT2", "Llama", "Mixtral", "ViT", "ResNet")


def sound(architecture):
    task = architecture.build()
    done = init_(task.model, task.x, seed=0)
    assert Plan.from_json(done.to_json()) == done
    report = symbreak.check(task.model, task.x)
    told = {finding.rule for finding in report.findings if finding.severity != "info"}
    assert told == OF_THE_MODEL.get(architecture.name, set()), str(report)


@pytest.mark.parametrize("architecture", [a for a in ARCHITECTURES if a.name in QUICK], ids=lambda each: each.name)
def test_a_planned_architecture_is_sound(architecture):
    sound(architecture)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", [a for a in ARCHITECTURES if a.name not in QUICK], ids=lambda each: each.name)
def test_every_planned_architecture_is_sound(architecture):
    sound(architecture)
