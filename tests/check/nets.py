"""Small networks that several cases share."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn import functional


def mlp(*sizes: int, activation: Callable[[], nn.Module] = nn.ReLU) -> nn.Sequential:
    """Return fully connected layers with an activation between them; entry 2 l is layer l."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        layers += [nn.Linear(fan_in, fan_out), activation()]
    return nn.Sequential(*layers[:-1])


def fill(network: nn.Module, draw: Callable[[torch.Tensor], Any], *, bias: float | None = 0.0) -> nn.Module:
    """Draw every weight of two or more dimensions anew, and set the biases of those layers."""
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.dim() > 1:
                draw(parameter)
            elif name.startswith("bias") and bias is not None:
                nn.init.constant_(parameter, bias)
    return network


def he(weight: torch.Tensor) -> torch.Tensor:
    """He's normal initialization for ReLU."""
    return nn.init.kaiming_normal_(weight, nonlinearity="relu")


def normal(std: float) -> Callable[[torch.Tensor], torch.Tensor]:
    """N(0, std^2)."""
    return lambda weight: nn.init.normal_(weight, std=std)


class Attention(nn.Module):
    """Multi-head self-attention with separate projections."""

    def __init__(self, width: int, heads: int, *, causal: bool = False) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.out = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        split = (*x.shape[:2], self.heads, -1)
        q, k, v = (layer(x).view(split).transpose(1, 2) for layer in (self.query, self.key, self.value))
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.out(mixed.transpose(1, 2).reshape(x.shape))


class Block(nn.Module):
    """A pre-norm transformer block."""

    def __init__(self, width: int, heads: int, *, causal: bool = False) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads, causal=causal)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.down(functional.gelu(self.up(self.norm2(x))))


class Decoder(nn.Module):
    """A small GPT-2: N(0, 0.02^2), residual projections divided by sqrt(2 depth), tied head if asked for."""

    def __init__(self, vocabulary: int = 64, width: int = 32, depth: int = 2, *, tied: bool = True) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(32, width)
        self.blocks = nn.ModuleList(Block(width, 4, causal=True) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)
        fill(self, normal(0.02))
        for block in self.blocks:
            for layer in (block.attention.out, block.down):
                nn.init.normal_(layer.weight, std=0.02 / math.sqrt(2 * depth))
        if tied:
            self.head.weight = self.tokens.weight

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.tokens(tokens) + self.positions(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def next_token(logits: torch.Tensor, following: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of the next token, over all places."""
    return functional.cross_entropy(logits.flatten(0, 1), following.flatten())


class Residual(nn.Module):
    """x + branch(x), or x + gain * branch(x) with a gain that is learned."""

    def __init__(self, branch: nn.Module, gain: torch.Tensor | None = None) -> None:
        super().__init__()
        self.branch = branch
        self.gain = nn.Parameter(gain) if gain is not None else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        branch = self.branch(x)
        return x + (branch if self.gain is None else self.gain * branch)


class Recurrent(nn.Module):
    """A recurrent layer, and a head on its last output."""

    def __init__(self, layer: nn.Module, classes: int) -> None:
        super().__init__()
        self.layer, self.head = layer, nn.Linear(layer.hidden_size, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.layer(x)[0][:, -1])


class SwiGLU(nn.Module):
    """down(silu(gate x) * up x)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate, self.up = nn.Linear(width, hidden, bias=False), nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down(functional.silu(self.gate(x)) * self.up(x))


class Mixture(nn.Module):
    """A soft mixture of experts: every expert is weighed by the router's softmax."""

    def __init__(self, features: int, hidden: int, classes: int, experts: int = 4) -> None:
        super().__init__()
        self.router = nn.Linear(features, experts, bias=False)
        self.experts = nn.ModuleList(mlp(features, hidden, classes) for _ in range(experts))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weights = self.router(x).softmax(-1)
        return sum(weights[:, i, None] * expert(x) for i, expert in enumerate(self.experts))


class LoRA(nn.Module):
    """A frozen linear layer and a low-rank correction B A."""

    def __init__(self, base: nn.Linear, rank: int = 4) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.lora_A = nn.Parameter(nn.init.kaiming_uniform_(torch.empty(rank, base.in_features), a=math.sqrt(5)))
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.base(x) + x @ self.lora_A.T @ self.lora_B.T


def adapted(*, rank: int = 4) -> nn.Sequential:
    """A frozen two-layer body with LoRA on both layers."""
    return nn.Sequential(LoRA(nn.Linear(8, 32), rank), nn.Tanh(), LoRA(nn.Linear(32, 4), rank))


class Pooled(nn.Module):
    """A layer over sequences between an embedding of the features and a mean-pooled head."""

    def __init__(self, layer: nn.Module, features: int, width: int, classes: int) -> None:
        super().__init__()
        self.embed, self.layer, self.head = nn.Linear(features, width), layer, nn.Linear(width, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.layer(self.embed(x)).mean(1))
