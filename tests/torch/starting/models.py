"""Models whose right start is known."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def plain(depth: int, width: int, activation: type[nn.Module]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [nn.Linear(width, width), activation()]
    return nn.Sequential(*layers, nn.Linear(width, 4))


class Mixed(nn.Module):
    """Self-attention with separate weights; `scale` multiplies the stream."""

    def __init__(self, width: int = 16, *, heads: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Tensor:
        def split(y: Tensor) -> Tensor:
            return y.unflatten(-1, (self.heads, -1)).transpose(1, 2)

        seen = x if memory is None else memory
        q, k, v = split(self.query(x)), split(self.key(seen)), split(self.value(seen))
        return self.out(functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class Block(nn.Module):
    """A Transformer's block: normalized before ("pre"), after the sum ("post"), or not at all."""

    def __init__(self, width: int = 16, *, norm: str = "pre", alpha: float = 1.0, gated: bool = False) -> None:
        super().__init__()
        self.norm, self.alpha, self.gated = norm, alpha, gated
        self.attention = Mixed(width)
        self.up, self.down = nn.Linear(width, 32), nn.Linear(32, width)
        if gated:
            self.gate = nn.Linear(width, 32)
        self.first, self.second = (nn.LayerNorm(width) if norm else nn.Identity() for _ in range(2))

    def feed(self, x: Tensor) -> Tensor:
        if self.gated:
            return self.down(functional.silu(self.gate(x)) * self.up(x))
        return self.down(functional.gelu(self.up(x)))

    def forward(self, x: Tensor) -> Tensor:
        if self.norm == "post":
            x = self.first(self.alpha * x + self.attention(x))
            return self.second(self.alpha * x + self.feed(x))
        x = x + self.attention(self.first(x))
        return x + self.feed(self.second(x))


class Transformer(nn.Module):
    def __init__(self, depth: int = 3, width: int = 16, **options: object) -> None:
        super().__init__()
        self.token, self.place = nn.Embedding(20, width), nn.Embedding(8, width)
        self.blocks = nn.Sequential(*(Block(width, **options) for _ in range(depth)))  # type: ignore[arg-type]
        self.head = nn.Linear(width, 20)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.blocks(self.token(tokens) + self.place(torch.arange(tokens.shape[1]))))


class Decoding(Block):
    """A decoder's block: it also attends to what an encoder has made."""

    def __init__(self, width: int = 16, *, norm: str = "post", alpha: float = 1.0) -> None:
        super().__init__(width, norm=norm, alpha=alpha)
        self.cross = Mixed(width)
        self.third = nn.LayerNorm(width) if norm else nn.Identity()

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:  # type: ignore[override]
        if self.norm != "post":
            x = x + self.attention(x)
            x = x + self.cross(x, memory)
            return x + self.feed(x)
        x = self.first(self.alpha * x + self.attention(x))
        x = self.third(self.alpha * x + self.cross(x, memory))
        return self.second(self.alpha * x + self.feed(x))


class Translator(nn.Module):
    """An encoder and a decoder; the same tokens are read forward and backward."""

    def __init__(
        self, encoders: int, decoders: int, width: int = 16, *, norm: str, alphas: tuple[float, float]
    ) -> None:
        super().__init__()
        self.source, self.target = nn.Embedding(20, width), nn.Embedding(20, width)
        self.encoder = nn.ModuleList(Block(width, norm=norm, alpha=alphas[0]) for _ in range(encoders))
        self.decoder = nn.ModuleList(Decoding(width, norm=norm, alpha=alphas[1]) for _ in range(decoders))
        self.head = nn.Linear(width, 20)

    def forward(self, tokens: Tensor) -> Tensor:
        memory, x = self.source(tokens), self.target(tokens.flip(1))
        for block in self.encoder:
            memory = block(memory)
        for block in self.decoder:
            x = block(x, memory)
        return self.head(x)


TOKENS = torch.arange(48).reshape(6, 8) % 20


class ResNet(nn.Module):
    """Residual blocks of two convolutions, without normalization."""

    def __init__(self, depth: int = 4) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.one = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1) for _ in range(depth))
        self.two = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1) for _ in range(depth))
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for one, two in zip(self.one, self.two, strict=True):
            x = x + two(functional.relu(one(functional.relu(x))))
        return self.head(x.mean((2, 3)))
