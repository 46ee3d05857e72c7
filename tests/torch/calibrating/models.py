"""Small models of every kind that calibration must handle."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

ACTIVATIONS = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "hardtanh": nn.Hardtanh,
    "hardswish": nn.Hardswish,
    "softsign": nn.Softsign,
    "prelu": nn.PReLU,
    "relu6": nn.ReLU6,
}


def mlp(*sizes: int, activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        layers += [nn.Linear(fan_in, fan_out), activation()]
    return nn.Sequential(*layers[:-1])


def scaled(model: nn.Module, factor: float) -> nn.Module:
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(factor)
    return model


def images() -> Tensor:
    return torch.randn(16, 3, 8, 8)


def convolutions(activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """Plain, grouped, depthwise, dilated, strided and transposed."""
    layers = [
        nn.Conv2d(3, 8, 3, padding=1), activation(),
        nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.Conv2d(8, 16, 1), activation(),
        nn.Conv2d(16, 16, 3, padding=2, dilation=2, groups=4), activation(),
        nn.Conv2d(16, 16, 3, stride=2, padding=1), activation(),
        nn.ConvTranspose2d(16, 8, 2, stride=2), activation(),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 4),
    ]  # fmt: skip
    return nn.Sequential(*layers)


class Residual(nn.Module):
    """x + f(x), as often as asked, without normalization."""

    def __init__(self, depth: int, width: int = 32, activation: type[nn.Module] = nn.ReLU) -> None:
        super().__init__()
        self.stem = nn.Linear(8, width)
        self.branches = nn.ModuleList(
            nn.Sequential(nn.Linear(width, width), activation(), nn.Linear(width, width)) for _ in range(depth)
        )
        self.head = nn.Linear(width, 4)

    def stream(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for branch in self.branches:
            x = x + branch(x)
        return x

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.stream(x))


class Attention(nn.Module):
    def __init__(self, width: int, heads: int, *, fused: bool) -> None:
        super().__init__()
        self.heads, self.fused = heads, fused
        if fused:
            self.qkv = nn.Linear(width, 3 * width)
        else:
            self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        parts = self.qkv(x).chunk(3, dim=-1) if self.fused else (self.query(x), self.key(x), self.value(x))
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        return self.out(functional.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))


class Transformer(nn.Module):
    """A language model without normalization; head and table tied if asked."""

    def __init__(self, depth: int = 3, width: int = 32, *, fused: bool = False, tied: bool = False) -> None:
        super().__init__()
        self.table = nn.Embedding(16, width)
        self.attentions = nn.ModuleList(Attention(width, 2, fused=fused) for _ in range(depth))
        self.ups = nn.ModuleList(nn.Linear(width, 4 * width) for _ in range(depth))
        self.downs = nn.ModuleList(nn.Linear(4 * width, width) for _ in range(depth))
        self.head = nn.Linear(width, 16, bias=False)
        if tied:
            self.head.weight = self.table.weight

    def stream(self, tokens: Tensor) -> Tensor:
        x = self.table(tokens)
        for attention, up, down in zip(self.attentions, self.ups, self.downs, strict=True):
            x = x + attention(x)
            x = x + down(functional.gelu(up(x)))
        return x

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.stream(tokens))


def tokens() -> Tensor:
    return torch.randint(16, (8, 12))


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.RNNBase] = nn.LSTM, layers: int = 2) -> None:
        super().__init__()
        self.memory = kind(8, 24, layers, batch_first=True)
        self.head = nn.Linear(24, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.memory(x)[0][:, -1])


class LowRank(nn.Module):
    """A frozen layer and a trained product of two thin ones, the second zero, as LoRA has it."""

    def __init__(self) -> None:
        super().__init__()
        self.base, self.a, self.b = nn.Linear(8, 8), nn.Linear(8, 2, bias=False), nn.Linear(2, 8, bias=False)
        self.base.requires_grad_(False)
        nn.init.zeros_(self.b.weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + self.b(self.a(x))
