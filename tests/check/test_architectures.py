"""Every architecture builds and runs, quickly; what `check` says about it is in the table, with a reason."""

from __future__ import annotations

import time

import pytest
import torch
from check.architectures import ARCHITECTURES, JUSTIFIED, Architecture
from check.judging import UNTOLD, rows

SECONDS = 2
SLACK = 5  # for a busy machine, and for the first import of a family

pytestmark = pytest.mark.filterwarnings("ignore")  # the library's own


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=lambda each: each.name)
def test_an_architecture_learns_from_its_inputs(architecture: Architecture):
    start = time.process_time()
    task = architecture.build()
    task.model(**task.x).loss.backward()
    assert time.process_time() - start < SECONDS * SLACK
    assert any(p.grad is not None and torch.isfinite(p.grad).all() and p.grad.any() for p in task.model.parameters())


def test_there_are_enough():
    assert len({architecture.name for architecture in ARCHITECTURES}) >= 32


@pytest.mark.slow
def test_every_error_and_warning_has_a_reason():
    found = {(each.name, *row) for each in ARCHITECTURES for row in rows(each)}
    assert not [row for row in found if row[-1] == UNTOLD]
    assert set(JUSTIFIED) <= {row[:2] for row in found}
