"""Attention that does not divide its logits by sqrt(d), as T5's; tables that are added to logits, or tied."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from symbreak.initializers.stacks import get
from symbreak.torch.calibrating import calibrate_
from symbreak.torch.starting import init_, plan, reading

WIDTH, HEADS, LENGTH = 32, 2, 16  # LENGTH: of a query
TOKENS = torch.randint(0, 11, (6, 9), generator=torch.Generator().manual_seed(0))
ROOT = math.sqrt(LENGTH)


class Attention(nn.Module):
    """By hand, or as one operation. `before` multiplies the query, `after` the logits; `near` is added to those."""

    def __init__(self, *, before=1.0, after=1.0, fused=False, turned=False, near=False, tied=1.0):
        super().__init__()
        self.tokens = nn.Embedding(11, WIDTH)
        self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(4))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 11, bias=False)
        self.near = nn.Embedding(5, HEADS) if near else None
        self.before, self.after, self.fused, self.turned, self.tied = before, after, fused, turned, tied
        if tied != 1.0:
            self.head.weight = self.tokens.weight

    def attend(self, q, k, v):
        near = 0.0
        if self.near is not None:
            places = torch.arange(q.shape[2])
            near = self.near((places[:, None] - places).clamp(-2, 2) + 2).permute(2, 0, 1)[None]
        if self.fused:
            mask = near.expand(len(q), -1, -1, -1) if self.near is not None else None
            return functional.scaled_dot_product_attention(q, k, v, scale=self.after, attn_mask=mask)
        return ((q @ k.transpose(-1, -2)) * self.after + near).softmax(-1) @ v

    def forward(self, x):
        x = self.tokens(x)
        read = self.norm(x)
        q, k, v = (way(read).unflatten(-1, (HEADS, LENGTH)).transpose(1, 2) for way in
                   (self.query, self.key, self.value))  # fmt: skip
        q = q * self.before
        if self.turned:
            q, k = (torch.cat([-each[..., LENGTH // 2 :], each[..., : LENGTH // 2]], -1) for each in (q, k))
        x = x + self.out(self.attend(q, k, v).transpose(1, 2).flatten(2))
        return self.head(self.norm(x) * self.tied)


def query(**options):
    """Return by how much smaller the query's entries are than the key's."""
    found = plan(Attention(**options), TOKENS)
    key, own = (get(found[f"{name}.weight"].law).law((WIDTH, WIDTH)).std for name in ("key", "query"))
    assert math.isclose(key, 1 / math.sqrt(WIDTH), rel_tol=1e-3)
    return key / own


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("fused", [False, True])
def test_a_query_has_what_the_model_leaves_out(fused, turned):
    kept = {"fused": fused, "turned": turned}
    assert math.isclose(query(after=1.0, **kept), ROOT, rel_tol=1e-3)
    assert math.isclose(query(after=0.5, **kept), ROOT / 2, rel_tol=1e-3)
    assert query(after=1 / ROOT, **kept) == 1
    assert query(before=1 / ROOT, **kept) == 1
    assert query(before=0.5, after=2 / ROOT, **kept) == 1
    assert query(after=1 / LENGTH, **kept) == 1  # smaller on purpose, as in muP


def test_a_program_that_does_not_look_is_noticed(monkeypatch):
    monkeypatch.setattr(reading, "_until_softmax", lambda *_: 1 / ROOT)
    assert query(after=1.0) == 1


@pytest.mark.parametrize("fused", [False, True])
def test_what_is_added_to_logits_starts_at_zero(fused):
    found = plan(Attention(near=True, fused=fused, after=1 / ROOT), TOKENS)
    assert (found["near.weight"].law, found["tokens.weight"].law) == ("zeros", "normal(1)")


def test_a_tied_table_makes_up_for_what_its_output_is_multiplied_by():
    std = {tied: get(plan(Attention(tied=tied), TOKENS)["tokens.weight"].law).law((11, WIDTH)).std
           for tied in (0.25, 0.5)}  # fmt: skip
    assert math.isclose(std[0.5], 1 / math.sqrt(WIDTH), rel_tol=1e-3)
    assert math.isclose(std[0.25], 2 / math.sqrt(WIDTH), rel_tol=1e-3)


def test_calibration_wants_the_same():
    model = Attention()
    init_(model, TOKENS, seed=0)
    done = calibrate_(model, TOKENS)
    assert math.isclose(done["query.weight"].wanted, 1 / ROOT, rel_tol=1e-3)
    assert done["key.weight"].wanted == 1
    assert calibrate_(Attention(after=1 / ROOT), TOKENS)["query.weight"].wanted == 1
