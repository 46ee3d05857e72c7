"""Operators that stop a gradient for ever, or copy a layer."""

from __future__ import annotations

from random import Random

from check.healthy import Healthy
from check.mutating import bias, hidden, mutation, weight
from torch import nn


@mutation("stuck-parameters")
def zero_query_and_key(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """Query and key of one attention layer are zero, biases and all."""
    if not healthy.attention:
        return ""
    name = rng.choice(healthy.attention)
    for layer in (network.get_submodule(name).query, network.get_submodule(name).key):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    return name


@mutation("stuck-parameters")
def zero_gate_and_up(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """Gate and up of a gated layer are zero."""
    if not healthy.gated:
        return ""
    name = rng.choice(healthy.gated)
    nn.init.zeros_(network.get_submodule(name).gate.weight)
    nn.init.zeros_(network.get_submodule(name).up.weight)
    return name


@mutation("stuck-parameters")
def zero_up_and_down(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """Up and down of a gated layer are zero: the product is zero whatever the gate does, and no factor moves."""
    if not healthy.gated:
        return ""
    name = rng.choice(healthy.gated)
    nn.init.zeros_(network.get_submodule(name).up.weight)
    nn.init.zeros_(network.get_submodule(name).down.weight)
    return name


@mutation("stuck-parameters")
def zero_both_factors(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """LoRA's A is zero as well as its B, in one layer."""
    if healthy.name != "lora":
        return ""
    at = rng.choice((0, 2))
    nn.init.zeros_(network[at].lora_A)
    return f"{at}.lora"


@mutation("stuck-parameters", "dead-units", "symmetric-units")
def zero_layer_under_relu(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """A hidden layer under ReLU is zero with its bias: the slope at zero is zero."""
    if healthy.activation != "relu":
        return ""
    layer, _ = hidden(healthy, rng)
    nn.init.zeros_(weight(network, layer))
    nn.init.zeros_(bias(network, layer))
    return layer


@mutation("stuck-parameters", "symmetric-units")
def zero_two_layers(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """Two layers in series are zero, with the first one's bias, under an activation that is zero at zero."""
    if healthy.activation not in ("tanh", "gelu"):
        return ""
    layer, reader = hidden(healthy, rng)
    for name in (layer, reader):
        nn.init.zeros_(weight(network, name))
    nn.init.zeros_(bias(network, layer))
    return layer


@mutation("stuck-parameters", "symmetric-units")
def zero_recurrence_and_head(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """A recurrent layer and its head are zero."""
    if not healthy.recurrent:
        return ""
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    return healthy.recurrent


# --- copies ---


@mutation("cloned-layers", "symmetric-units")
def clone_a_layer(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """A layer's weight is copied to another layer of its shape."""
    if not healthy.twins:
        return ""
    one, other = rng.sample(healthy.twins, 2)
    weight(network, other).copy_(weight(network, one))
    return one if len(one) <= len(other) else other


@mutation("cloned-layers", "symmetric-units")
def clone_every_layer(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """All layers of a stack get the same bits."""
    for name in healthy.twins[1:]:
        weight(network, name).copy_(weight(network, healthy.twins[0]))
    return healthy.twins[0] if healthy.twins else ""


@mutation("cloned-layers")
def clone_query_to_key(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """Query and key get the same bits."""
    if not healthy.attention:
        return ""
    attention = network.get_submodule(name := rng.choice(healthy.attention))
    attention.key.weight.copy_(attention.query.weight)
    return name


@mutation("cloned-layers")
def clone_value_to_output(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """Value and output projection get the same bits."""
    if not healthy.attention:
        return ""
    attention = network.get_submodule(name := rng.choice(healthy.attention))
    attention.out.weight.copy_(attention.value.weight)
    return name


@mutation("cloned-layers")
def clone_gate_to_up(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """Gate and up get the same bits."""
    if not healthy.gated:
        return ""
    gated = network.get_submodule(name := rng.choice(healthy.gated))
    gated.up.weight.copy_(gated.gate.weight)
    return name
