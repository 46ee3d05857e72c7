"""Small data sets that can be learned, drawn from torch's current random state."""

from __future__ import annotations

import torch

Pair = tuple[torch.Tensor, torch.Tensor]


def blobs(count: int = 128, features: int = 8, classes: int = 4, *, spread: float = 1.5) -> Pair:
    """Return standardized points around class centres, and their classes, all equally frequent."""
    y = torch.arange(count) % classes
    x = spread * torch.randn(classes, features)[y] + torch.randn(count, features)
    return (x - x.mean(0)) / x.std(0), y


def rare(count: int = 1024, features: int = 8, *, positives: int = 8) -> Pair:
    """Return standardized points and 0/1 targets of shape (count, 1) of which few are 1, and can be told apart."""
    y = torch.zeros(count, 1)
    y[torch.randperm(count)[:positives]] = 1
    x = torch.randn(count, features) + 2 * y
    return (x - x.mean(0)) / x.std(0), y


def curve(count: int = 128, features: int = 4, *, mean: float = 0.0, std: float = 1.0) -> Pair:
    """Return standardized points and smooth targets of shape (count, 1) with the given mean and spread."""
    x = torch.randn(count, features)
    y = torch.sin(x.sum(1, keepdim=True)) + x[:, :1]
    return x, mean + std * (y - y.mean()) / y.std()


def images(count: int = 32, channels: int = 3, size: int = 12, classes: int = 4) -> Pair:
    """Return standardized images whose class is a faint pattern, and their classes."""
    y = torch.arange(count) % classes
    x = torch.randn(classes, channels, size, size)[y] + torch.randn(count, channels, size, size)
    return (x - x.mean()) / x.std(), y


def sequences(count: int = 64, length: int = 12, features: int = 6, classes: int = 3) -> Pair:
    """Return sequences of shape (count, length, features) whose class shows at every step."""
    y = torch.arange(count) % classes
    x = torch.randn(classes, features)[y][:, None] + torch.randn(count, length, features)
    return (x - x.mean()) / x.std(), y


def tokens(count: int = 8, length: int = 16, vocabulary: int = 64) -> Pair:
    """Return token sequences in which a token decides the next one nine times in ten, and the next tokens."""
    following = torch.randperm(vocabulary)
    rows = torch.randint(vocabulary, (count, length + 1))
    for step in range(length):
        keep = torch.rand(count) < 0.9
        rows[:, step + 1] = torch.where(keep, following[rows[:, step]], rows[:, step + 1])
    return rows[:, :-1], rows[:, 1:]
