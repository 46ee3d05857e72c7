"""Operators that write numbers which no initializer makes."""

from __future__ import annotations

from random import Random

import torch
from check.bad_values import garbage_, pointers_
from check.healthy import Healthy
from check.mutating import mutation
from torch import nn


def matrices(network: nn.Module) -> list[tuple[str, torch.Tensor]]:
    """Return trained weights of two or more dimensions."""
    return [(name, p) for name, p in network.named_parameters() if p.dim() > 1 and p.requires_grad and p.any()]


def vectors(network: nn.Module) -> list[tuple[str, torch.Tensor]]:
    """Return trained vectors: biases and gains."""
    return [(name, p) for name, p in network.named_parameters() if p.dim() == 1 and p.requires_grad and len(p) > 3]


@mutation("uninitialized-memory", "non-finite", "exploding-signal")
def garbage_in_a_weight(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """A weight is what was in memory."""
    name, chosen = rng.choice(matrices(network))
    garbage_(chosen)
    return name


@mutation("uninitialized-memory")
def addresses_in_a_weight(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """A weight is made of addresses."""
    name, chosen = rng.choice(matrices(network))
    pointers_(chosen)
    return name


@mutation("uninitialized-memory")
def denormals_in_a_bias(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """A vector holds denormal numbers."""
    if not (known := vectors(network)):
        return ""
    name, chosen = rng.choice(known)
    chosen.copy_(torch.arange(1, len(chosen) + 1) * 1e-42)
    return name


@mutation("uninitialized-memory", "non-finite", "exploding-signal")
def one_absurd_number(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """One entry of a weight is 1e30."""
    name, chosen = rng.choice(matrices(network))
    chosen.view(-1)[rng.randrange(chosen.numel())] = 1e30
    return name


@mutation("non-finite")
def nan_in_a_weight(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """One entry of a weight is nan."""
    name, chosen = rng.choice(matrices(network))
    chosen.view(-1)[rng.randrange(chosen.numel())] = torch.nan
    return name


@mutation("non-finite")
def nan_in_a_vector(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """One entry of a bias or gain is nan."""
    if not (known := vectors(network)):
        return ""
    name, chosen = rng.choice(known)
    chosen[rng.randrange(len(chosen))] = torch.nan
    return name


@mutation("non-finite")
def infinity_in_a_weight(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """One entry of a weight is infinite."""
    name, chosen = rng.choice(matrices(network))
    chosen.view(-1)[rng.randrange(chosen.numel())] = -torch.inf
    return name


@mutation("non-finite")
def nan_in_a_buffer(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """One entry of a floating-point buffer is nan."""
    known = [(name, b) for name, b in network.named_buffers() if b.is_floating_point()]
    if not known:
        return ""
    name, chosen = rng.choice(known)
    chosen.view(-1)[0] = torch.nan
    return name
