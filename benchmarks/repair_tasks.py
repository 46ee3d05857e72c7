"""The tasks of `benchmarks/repair.py`: a model, its data, its loss and its optimizer, fixed before any of them was run.

Every task is small enough for a processor. Models are built as PyTorch builds them; no task normalizes unless its
architecture does (the ViT).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Task:
    """What is trained.

    Attributes:
        build: makes the model from torch's random state.
        sample: makes a batch of training data of a size, with a generator; the same call makes the batch that starts
            are calibrated on, and the one that the loss is measured on.
        loss: of output and target.
        optimizer: "sgd" (momentum 0.9), "adam" or "gd" (no momentum).
        rates: learning rates, of which each start has its best.
        steps, batch, measured: steps, samples a step, samples that the loss is measured on afterwards.
        seeds: how many.
    """

    name: str
    build: Callable[[], nn.Module]
    sample: Callable[[int, torch.Generator], Batch]
    loss: Callable[[Tensor, Tensor], Tensor]
    optimizer: str
    rates: tuple[float, ...]
    steps: int
    batch: int = 64
    measured: int = 1000
    seeds: int = 5


SGD_RATES, ADAM_RATES, GD_RATES = (0.002, 0.01, 0.05), (3e-4, 1e-3, 3e-3), (0.3, 1.0, 3.0)


# --- data ---


def _digits() -> Batch:
    """The digits of scikit-learn, each of the 64 features with mean 0, all together with variance 1."""
    bunch = load_digits()
    x = bunch.data.astype(np.float32)
    x = (x - x.mean(axis=0)) / x.std()
    return torch.from_numpy(x), torch.from_numpy(bunch.target.astype(np.int64))


DIGITS = _digits()


def digits(size: int, generator: torch.Generator) -> Batch:
    chosen = torch.randint(len(DIGITS[1]), (size,), generator=generator)
    return DIGITS[0][chosen], DIGITS[1][chosen]


def images(size: int, generator: torch.Generator) -> Batch:
    x, y = digits(size, generator)
    return x.reshape(-1, 1, 8, 8), y


def pictures_of_themselves(size: int, generator: torch.Generator) -> Batch:
    x, _ = digits(size, generator)
    return x, x


SUBJECTS = ("the cat", "a dog", "my friend", "the old man", "she", "nobody")
VERBS = ("sees", "likes", "follows", "forgets", "paints")
OBJECTS = ("the sea", "a tree", "the red house", "bread", "an old song")
LETTERS = " abcdefghijklmnopqrstuvwxyz."


def _text(sentences: int) -> Tensor:
    """Sentences of three parts, as numbers of letters."""
    generator = torch.Generator().manual_seed(0)
    parts = []
    for _ in range(sentences):
        a, b, c = (int(torch.randint(len(words), (), generator=generator)) for words in (SUBJECTS, VERBS, OBJECTS))
        parts.append(f"{SUBJECTS[a]} {VERBS[b]} {OBJECTS[c]}. ")
    return torch.tensor([LETTERS.index(letter) for letter in "".join(parts)])


TEXT = _text(2000)
LENGTH = 32


def text(size: int, generator: torch.Generator) -> Batch:
    starts = torch.randint(len(TEXT) - LENGTH - 1, (size, 1), generator=generator)
    window = TEXT[starts + torch.arange(LENGTH + 1)]
    return window[:, :-1], window[:, 1:]


SYMBOLS, WORD, WAIT = 6, 4, 10


def copying(size: int, generator: torch.Generator) -> Batch:
    """A word of four symbols, a wait, and then the word is to be said (Hochreiter and Schmidhuber, 1997)."""
    word = torch.randint(1, SYMBOLS + 1, (size, WORD), generator=generator)
    wait = torch.zeros(size, WAIT, dtype=torch.long)
    cue = torch.full((size, WORD), SYMBOLS + 1)
    return torch.cat([word, wait, cue], dim=1), word


def xor(size: int, generator: torch.Generator) -> Batch:
    """The four points, whatever the size."""
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    return x, torch.tensor([[0.0], [1.0], [1.0], [0.0]])


# --- models ---


def plain(depth: int, width: int, activation: type[nn.Module]) -> nn.Sequential:
    """`depth` layers with weights, the last of which is the head."""
    sizes = [64, *[width] * (depth - 1), 10]
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        layers += [nn.Linear(fan_in, fan_out), activation()]
    return nn.Sequential(*layers[:-1])


def depthwise() -> nn.Sequential:
    """A stem and ten pairs of a depthwise 3x3 and a pointwise convolution, without normalization."""
    channels = 16
    layers: list[nn.Module] = [nn.Conv2d(1, channels, 3, padding=1), nn.ReLU()]
    for _ in range(10):
        layers += [nn.Conv2d(channels, channels, 3, padding=1, groups=channels), nn.Conv2d(channels, channels, 1)]
        layers += [nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * channels, 10))


def autoencoder() -> nn.Sequential:
    """Twelve layers down to eight numbers and up again."""
    sizes = (64, 56, 48, 40, 32, 20, 8, 20, 32, 40, 48, 56, 64)
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        layers += [nn.Linear(fan_in, fan_out), nn.GELU()]
    return nn.Sequential(*layers[:-1])


class Attention(nn.Module):
    def __init__(self, width: int, heads: int, *, causal: bool) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        def split(y: Tensor) -> Tensor:
            return y.unflatten(-1, (self.heads, -1)).transpose(1, 2)

        q, k, v = (split(layer(x)) for layer in (self.query, self.key, self.value))
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.out(mixed.transpose(1, 2).flatten(2))


class Block(nn.Module):
    def __init__(self, width: int, heads: int, *, causal: bool, norm: bool) -> None:
        super().__init__()
        self.attention = Attention(width, heads, causal=causal)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.first, self.second = (nn.LayerNorm(width) if norm else nn.Identity() for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.first(x))
        return x + self.down(functional.gelu(self.up(self.second(x))))


class Gpt(nn.Module):
    """Twelve blocks without any normalization."""

    def __init__(self, width: int = 32, depth: int = 12) -> None:
        super().__init__()
        self.token, self.place = nn.Embedding(len(LETTERS), width), nn.Embedding(LENGTH, width)
        self.blocks = nn.Sequential(*(Block(width, 2, causal=True, norm=False) for _ in range(depth)))
        self.head = nn.Linear(width, len(LETTERS))

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.token(tokens) + self.place(torch.arange(tokens.shape[1]))
        return self.head(self.blocks(x))


class Vit(nn.Module):
    """Patches of 2x2, four blocks with layer normalization, the mean of all places."""

    def __init__(self, width: int = 32, depth: int = 4) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, width, 2, stride=2)
        self.place = nn.Parameter(torch.randn(1, 16, width) * 0.02)
        self.blocks = nn.Sequential(*(Block(width, 2, causal=False, norm=True) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2) + self.place
        return self.head(self.norm(self.blocks(x)).mean(dim=1))


class Memory(nn.Module):
    """An LSTM that says the word after the wait."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS + 2, 16)
        self.memory = nn.LSTM(16, width, batch_first=True)
        self.head = nn.Linear(width, SYMBOLS + 2)

    def forward(self, tokens: Tensor) -> Tensor:
        states, _ = self.memory(self.embedding(tokens))
        return self.head(states[:, -WORD:])


def letters(output: Tensor, target: Tensor) -> Tensor:
    return functional.cross_entropy(output.flatten(0, -2), target.flatten())


def lesson() -> nn.Sequential:
    """The lesson's network: two inputs, four tanh units, one answer."""
    return nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))


classes = functional.cross_entropy
TASKS = (
    Task("relu-mlp-30", lambda: plain(30, 64, nn.ReLU), digits, classes, "sgd", SGD_RATES, 150),
    Task("tanh-mlp-50", lambda: plain(50, 64, nn.Tanh), digits, classes, "sgd", SGD_RATES, 150),
    Task("depthwise-conv", depthwise, images, classes, "sgd", SGD_RATES, 120, batch=32, measured=500),
    Task("gpt-without-norm", Gpt, text, letters, "adam", ADAM_RATES, 80, batch=8, measured=128, seeds=3),
    Task("lstm-copy", Memory, copying, letters, "adam", ADAM_RATES, 250, batch=32, measured=500, seeds=3),
    Task("autoencoder", autoencoder, pictures_of_themselves, functional.mse_loss, "sgd", SGD_RATES, 300),
    Task("vit-tiny", Vit, images, classes, "adam", ADAM_RATES, 100, batch=32, measured=500, seeds=3),
    Task("xor-lesson", lesson, xor, functional.binary_cross_entropy_with_logits, "gd", GD_RATES, 200, seeds=15),
)
