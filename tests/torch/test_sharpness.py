"""The share of one-hot rows of attention: written out, fused, masked."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from symbreak.torch.observe import observe


class Attention(nn.Module):
    """Scores of a given size, by one of several ways to the same attention."""

    def __init__(self, way, size):
        super().__init__()
        self.way, self.size, self.read, self.head = way, size, nn.Linear(16, 48), nn.Linear(16, 2)

    def forward(self, x):
        q, k, v = (part[:, None] for part in self.read(x).chunk(3, -1))
        q = self.size * q
        if self.way.startswith("fused"):
            mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=self.way == "fused, causal")
        else:
            scores = q @ k.transpose(-1, -2) / 4
            later = torch.ones(scores.shape[-2:]).triu(1).bool()
            masks = {"written": 0.0, "written, -inf": -math.inf, "written, -1e9": -1e9, "written, min": -3.4e38}
            mask = masks[self.way]
            mixed = (scores.masked_fill(later, mask) if mask else scores).softmax(-1) @ v
        return self.head(mixed[:, 0].mean(1))


def shares(way, size, length=12):
    torch.manual_seed(0)
    seen = observe(Attention(way, size), torch.randn(4, length, 16))
    return [op.attributes["sharp"] for op in seen.operations if "sharp" in op.attributes]


WAYS = ["fused", "fused, causal", "written", "written, -inf", "written, -1e9", "written, min"]


@pytest.mark.parametrize("way", WAYS)
def test_small_scores_are_not_sharp_and_huge_ones_are(way):
    assert shares(way, 1.0) == [0.0]
    assert shares(way, 1e4) == [pytest.approx(1, abs=0.05)]


@pytest.mark.parametrize(("written", "fused"), [("written", "fused"), ("written, -inf", "fused, causal")])
def test_fused_attention_has_the_share_of_the_written_one(written, fused):
    assert shares(fused, 40.0) == pytest.approx(shares(written, 40.0))


@pytest.mark.parametrize("way", ["fused", "written"])
def test_places_without_a_choice_are_left_out(way):
    assert shares(way, 1e4, length=1) == []
