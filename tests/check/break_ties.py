"""Operators that make units one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

import torch
from check.healthy import Healthy
from check.mutating import bias, hidden, mutation, weight
from torch import nn


def columns(reader: torch.Tensor, units: int) -> torch.Tensor:
    """View a reading weight as (out, units, places): a linear layer may read a flattened map."""
    return reader.view(len(reader), units, -1)


def tie(network: nn.Module, layer: str, reader: str, pairs: Sequence[tuple[int, int]], sign: float = 1) -> str:
    """Make units copies of others: row, bias and what reads them."""
    rows, cols = weight(network, layer), columns(weight(network, reader), len(weight(network, layer)))
    for one, other in pairs:
        rows[other], bias(network, layer)[other] = sign * rows[one], sign * bias(network, layer)[one]
        cols[:, other] = sign * cols[:, one]
    return layer


@mutation("symmetric-units")
def copy_a_unit(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """One unit becomes another's copy."""
    if not healthy.chain:
        return ""
    layer, reader = hidden(healthy, rng)
    one, other = rng.sample(range(len(weight(network, layer))), 2)
    return tie(network, layer, reader, [(one, other)])


@mutation("symmetric-units")
def copy_half_of_the_units(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """The second half of a layer repeats the first, as shards of one seed do."""
    if not healthy.chain:
        return ""
    layer, reader = hidden(healthy, rng)
    half = len(weight(network, layer)) // 2
    return tie(network, layer, reader, [(unit, unit + half) for unit in range(half)])


@mutation("symmetric-units")
def tie_three_units(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """Three units become one."""
    if not healthy.chain:
        return ""
    layer, reader = hidden(healthy, rng)
    one, two, three = rng.sample(range(len(weight(network, layer))), 3)
    return tie(network, layer, reader, [(one, two), (one, three)])


@mutation("symmetric-units")
def mirror_units(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """Three tanh units become mirrors of others."""
    if healthy.activation != "tanh":
        return ""
    layer, reader = hidden(healthy, rng)
    units = rng.sample(range(len(weight(network, layer))), 6)
    return tie(network, layer, reader, list(zip(units[:3], units[3:], strict=True)), -1)


@mutation("symmetric-units")
def constant_layer_and_reader(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """A layer and the one that reads it are constant."""
    if not healthy.chain:
        return ""
    layer, reader = hidden(healthy, rng)
    for name in (layer, reader):
        nn.init.constant_(weight(network, name), 0.5 / math.sqrt(weight(network, name)[0].numel()))
        nn.init.zeros_(bias(network, name))
    return layer


@mutation("symmetric-units")
def constant_everything(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """Every weight of the chain is 0.1."""
    for name in healthy.chain:
        nn.init.constant_(weight(network, name), 0.1)
        nn.init.zeros_(bias(network, name))
    return healthy.chain[0] if healthy.chain else ""


@mutation("symmetric-units", "stuck-parameters", "dead-units")
def zero_everything(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """Every weight and bias of the chain is zero."""
    for name in healthy.chain:
        nn.init.zeros_(weight(network, name))
        nn.init.zeros_(bias(network, name))
    return healthy.chain[0] if healthy.chain else ""


@mutation("symmetric-units")
def copy_a_head(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """One attention head becomes another's copy."""
    if not healthy.attention:
        return ""
    name = rng.choice(healthy.attention)
    attention = network.get_submodule(name)
    width = len(attention.query.weight) // attention.heads
    first, second = slice(0, width), slice(width, 2 * width)
    for layer in (attention.query, attention.key, attention.value):
        layer.weight[second], layer.bias[second] = layer.weight[first].clone(), layer.bias[first].clone()
    attention.out.weight[:, second] = attention.out.weight[:, first].clone()
    return name


@mutation("symmetric-units")
def constant_recurrence(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """A recurrent layer and its head are constant."""
    if not healthy.recurrent:
        return ""
    for parameter in network.parameters():
        nn.init.constant_(parameter, 0.1)
    return healthy.recurrent


@mutation("symmetric-units")
def copy_a_gated_unit(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """A unit of a gated layer becomes another's copy, in gate, up and down."""
    if not healthy.gated:
        return ""
    name = rng.choice(healthy.gated)
    gated = network.get_submodule(name)
    one, other = rng.sample(range(len(gated.up.weight)), 2)
    gated.gate.weight[other], gated.up.weight[other] = gated.gate.weight[one], gated.up.weight[one]
    gated.down.weight[:, other] = gated.down.weight[:, one]
    return name
