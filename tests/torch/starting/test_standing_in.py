"""The plan of a model without memory is that of the model with it, wiring and all."""

from __future__ import annotations

import pytest
import torch
from starting.models import TOKENS, Transformer
from torch import nn

from symbreak.errors import InvalidInput
from symbreak.torch.starting import init_, plan, standing_in

IMAGE = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.lstm, self.head = nn.Embedding(11, 8), nn.LSTM(8, 8, 2), nn.Linear(8, 11)
        self.head.weight = self.tokens.weight

    def forward(self, x):
        return self.head(self.lstm(self.tokens(x))[0])


def convolutional():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=4), nn.SiLU(),
        nn.Flatten(), nn.Linear(288, 7), nn.Sigmoid(), nn.Linear(7, 2))  # fmt: skip


MODELS = {
    "branches": (lambda: Transformer(6), TOKENS),
    "gated": (lambda: Transformer(6, gated=True), TOKENS),
    "without norm": (lambda: Transformer(2, norm=""), TOKENS),
    "convolutions": (convolutional, IMAGE),
    "recurrent, tied": (Recurrent, TOKENS % 11),
    "in float16": (lambda: nn.Sequential(nn.Linear(8, 9), nn.GELU(), nn.Linear(9, 3)).half(), torch.ones(4, 8).half()),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_plan_is_that_of_the_model_in_memory(name):
    build, x = MODELS[name]
    with torch.device("meta"):
        shapes = build()
    found = plan(shapes, x)
    assert found == plan(build(), x) != plan(shapes)
    assert found.observed
    assert all(parameter.is_meta for parameter in shapes.parameters())


def test_numbers_that_stand_in_take_a_row_each():
    with torch.device("meta"):
        layer = nn.Linear(3000, 2000)
    numbers = standing_in.standing_in(layer).weight.detach()
    assert numbers.shape == (2000, 3000)
    assert numbers.untyped_storage().nbytes() == 4 * 5000
    # Rows are windows of one row of independent numbers: their sizes have a standard error of 1/sqrt(2 n).
    assert abs(float(numbers.square().mean()) * 3000 / 2 - 1) < 4 / (2 * 3000) ** 0.5


def test_what_has_values_keeps_them_and_says_so():
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    nn.init.zeros_(model[2].weight)
    model[0].to("meta")
    assert "zero" in plan(model, torch.randn(5, 4))["2.weight"].reason
    with pytest.raises(InvalidInput, match=r"0\.weight"):
        init_(model, torch.randn(5, 4), seed=0)
    assert model[0].weight.is_meta
    assert not model[2].weight.any()


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_batch_must_have_values(device):
    with pytest.raises(InvalidInput, match="a batch has values"):
        plan(nn.Linear(3, 2, device=device), torch.ones(4, 3, device="meta"))


def test_a_buffer_that_no_code_computes_is_named():
    model = nn.Sequential(nn.Linear(3, 2, device="meta"))
    model[0].register_buffer("angles", torch.ones(2, device="meta"))
    with pytest.raises(InvalidInput, match=r"0\.angles"):
        plan(model, torch.ones(4, 3))
