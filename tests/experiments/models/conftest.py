"""Batches to compare starts on."""

from __future__ import annotations

import pytest
import torch
from experiments.models.nets import mlp, sgd

from symbreak.front.comparison import of_model

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
