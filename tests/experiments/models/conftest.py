"""Batches to compare starts on; lets the modules of this folder be imported as `experiments.models.nets`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from symbreak.front.comparison import of_model

TESTS = str(Path(__file__).resolve().parent.parent.parent)
if TESTS not in sys.path:
    sys.path.insert(0, TESTS)

from experiments.models.nets import mlp, sgd  # noqa: E402 - the path is known only now

torch.set_num_threads(1)  # the models are tiny: a second thread costs more than it brings


@pytest.fixture(scope="session")
def batch():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(60, 6, generator=generator)
    return x, x[:, :3].argmax(1)


@pytest.fixture
def quick(batch):
    def run(build=mlp, batches=None, **changes):
        given = {"inits": ["as-built"], "steps": 20, "seeds": 2, "optimizer": sgd, **changes}
        return of_model(build, [batch] if batches is None else batches, **given).result

    return run
