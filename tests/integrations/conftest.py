"""A small model, sound or not, and its batches."""

from __future__ import annotations

import pytest
import torch
from torch import nn

torch.set_num_threads(1)


class Classifier(nn.Module):
    """As models of transformers are: it takes its labels and gives its loss."""

    def __init__(self, *, tied=False):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.act, self.dropout, self.second = nn.Linear(6, 8), nn.Tanh(), nn.Dropout(0.1), nn.Linear(8, 3)
        if tied:
            nn.init.constant_(self.first.weight, 0.1)
            nn.init.zeros_(self.first.bias)
            nn.init.constant_(self.second.weight, 0.1)

    def forward(self, x, labels=None):
        logits = self.second(self.dropout(self.act(self.first(x))))
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        return {"loss": loss, "logits": logits}


@pytest.fixture(params=[False, True], ids=["sound", "tied"])
def tied(request):
    return request.param


@pytest.fixture
def samples():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(64, 6, generator=generator)
    return [{"x": row, "labels": label} for row, label in zip(x, x[:, :3].argmax(1), strict=True)]


@pytest.fixture
def make():
    return Classifier
