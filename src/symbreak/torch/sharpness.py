"""How sharp attention is: the share of places that look at one place alone, where a softmax has no slope."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from symbreak.torch.operations import kind_of, plain
from symbreak.torch.trace import Record

# A weight p of a softmax has the slope p (1 - p), at most 1/4; beyond this largest weight all slopes are below a
# hundredth of that.
ONE_HOT = 0.9975
# Scores so far below the largest are masked, whatever number stands for minus infinity.
MASKED = 5e3
# So many rows settle a share to a few hundredths.
SAMPLED_ROWS = 512
SAMPLED_HEADS, SAMPLED_QUERIES = 32, 16


def sharpness(record: Record, args: tuple[Any, ...]) -> float | None:
    """Return the share of rows of a softmax, or of a fused attention, that are one-hot; None if none has a choice."""
    kind = kind_of(record.target)
    if plain(record.target) == "_softmax" and len(args) > 1 and record.data:
        scores = args[0].detach().movedim(int(args[1]), -1)
        return _share(_rows(scores.reshape(-1, scores.shape[-1]), SAMPLED_ROWS))
    fused = kind == "attention" and len(args) > 2 and isinstance(args[1], Tensor) and args[0].dim() == 4
    return _share(_scores(record, args[0].detach(), args[1].detach())) if fused and record.data else None


def _scores(record: Record, queries: Tensor, keys: Tensor) -> Tensor:
    """Return some rows of scores: those of evenly spread queries of some heads."""
    batch, heads, length, width = queries.shape
    if keys.shape[1] != heads:
        keys = keys.repeat_interleave(heads // keys.shape[1], dim=1)
    chosen = _rows(torch.arange(batch * heads, device=queries.device), SAMPLED_HEADS)
    places = _rows(torch.arange(length, device=queries.device), SAMPLED_QUERIES)
    samples, head = chosen // heads, chosen % heads
    scale = record.arguments.get("scale") or width**-0.5
    scores: Tensor = scale * queries[samples, head][:, places] @ keys[samples, head].transpose(-1, -2)
    if record.arguments.get("is_causal"):
        later = torch.arange(keys.shape[2], device=queries.device)[None] > places[:, None]
        scores = scores.masked_fill(later, -torch.inf)
    return scores.reshape(-1, keys.shape[2])


def _rows(table: Tensor, most: int) -> Tensor:
    found: Tensor = table[:: max(1, -(-len(table) // most))]
    return found


def _share(scores: Tensor) -> float | None:
    scores = scores.float()
    top = scores.amax(dim=-1, keepdim=True)
    choice = (scores > top - MASKED).sum(dim=-1) > 1
    if not bool(choice.any()):
        return None
    return float((scores[choice].softmax(-1).amax(dim=-1) > ONE_HOT).float().mean())
