"""Operators that make a signal, a gradient or a loss too large or too small, and units flat or dead."""

from __future__ import annotations

from random import Random

import torch
from check.healthy import Healthy
from check.mutating import bias, hidden, mutation, weight
from torch import nn

SMALL = ("vanishing-signal", "vanishing-gradient", "wrong-scale", "plateau")
LARGE = ("exploding-signal", "exploding-gradient", "wrong-scale", "loss-at-init", "saturated-units")
FLAT = ("saturated-units", "dead-units", "vanishing-gradient", "stuck-parameters")


@mutation(*LARGE)
def hidden_layer_times_100(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """One hidden layer is a hundred times too large, and nothing bounds what it gives."""
    if healthy.activation not in ("relu", "gelu"):
        return ""
    weight(network, hidden(healthy, rng)[0]).mul_(100)
    return "*"


@mutation(*SMALL)
def hidden_layer_times_a_thousandth(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """One hidden layer of a plain network is a thousand times too small, with its bias."""
    if not healthy.chain:
        return ""
    layer, _ = hidden(healthy, rng)
    weight(network, layer).mul_(1e-3)
    bias(network, layer).mul_(1e-3)
    return "*"


@mutation(*SMALL)
def every_layer_times_a_hundredth(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """All layers of a plain network are a hundred times too small."""
    for layer in healthy.chain:
        weight(network, layer).mul_(0.01)
        bias(network, layer).mul_(0.01)
    return "*" if healthy.chain else ""


@mutation(*LARGE)
def every_layer_times_10(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """All layers of a plain network are ten times too large."""
    for layer in healthy.chain:
        weight(network, layer).mul_(10)
    return "*" if healthy.chain else ""


@mutation(*SMALL)
def every_layer_of_a_ten_millionth(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """All weights of a plain network are N(0, 1e-14)."""
    for layer in healthy.chain:
        nn.init.normal_(weight(network, layer), std=1e-7)
        nn.init.zeros_(bias(network, layer))
    return "*" if healthy.chain else ""


@mutation(*SMALL)
def variance_as_standard_deviation(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """He's variance handed over as the standard deviation, in all layers."""
    if healthy.activation != "relu":
        return ""
    for layer in healthy.chain:
        nn.init.normal_(weight(network, layer), std=2 / weight(network, layer)[0].numel())
    return "*"


@mutation(*LARGE)
def head_times_300(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """The last layer is three hundred times too large."""
    if healthy.head:
        weight(network, healthy.head).mul_(300)
    return healthy.head


@mutation(*LARGE)
def head_of_spread_20(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """The last layer is N(0, 400)."""
    if healthy.head:
        nn.init.normal_(weight(network, healthy.head), std=20)
    return healthy.head


@mutation("output-bias", "loss-at-init")
def one_output_bias_of_50(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """One output starts 50 too high."""
    if not healthy.head or bias(network, healthy.head) is None:
        return ""
    bias(network, healthy.head)[0] = 50
    return healthy.head


@mutation("output-bias", "loss-at-init")
def output_biases_of_spread_20(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """The last biases are N(0, 400)."""
    if not healthy.head or bias(network, healthy.head) is None:
        return ""
    nn.init.normal_(bias(network, healthy.head), std=20)
    return healthy.head


@mutation(*LARGE)
def last_norm_gain_of_300(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """The norm that feeds the stream or the head has a gain of 300."""
    for name in healthy.norms:
        nn.init.constant_(weight(network, name), 300.0)
    return "*" if healthy.norms else ""


@mutation(*LARGE)
def gated_output_times_10000(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """A gated layer's down projection is ten thousand times too large."""
    for name in healthy.gated:
        network.get_submodule(name).down.weight.mul_(1e4)
    return "*" if healthy.gated else ""


@mutation("uninitialized-memory", *LARGE)
def a_few_huge_weights(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """One weight in a hundred of a hidden layer is a thousand times too large, and nothing bounds what it gives."""
    if healthy.activation not in ("relu", "gelu"):
        return ""
    chosen = weight(network, hidden(healthy, rng)[0])
    entries = torch.randperm(chosen.numel())[: max(3, chosen.numel() // 100)]
    chosen.view(-1)[entries] *= 1000
    return "*"


@mutation("symmetric-units", "plateau", "wrong-scale", "vanishing-signal")
def constant_and_a_little_noise(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """All weights are 0.1 + 1e-8 N(0, 1)."""
    for layer in healthy.chain:
        chosen = weight(network, layer)
        chosen.copy_((0.1 + 1e-8 * torch.randn(chosen.shape, dtype=torch.float64)).to(chosen.dtype))
        nn.init.zeros_(bias(network, layer))
    return healthy.chain[0] if healthy.chain else ""


@mutation(*LARGE, "vanishing-signal")
def weights_with_a_mean(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """Three standard deviations are added to every weight of a plain ReLU network: all units read the same sum."""
    if healthy.activation != "relu":
        return ""
    for layer in healthy.chain[1:]:
        weight(network, layer).add_(3 * weight(network, layer).std())
    return "*"


@mutation(*FLAT, "exploding-signal", "wrong-scale")
def tanh_biases_of_10(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """A tanh layer sits at plus and minus one by its bias."""
    if healthy.activation != "tanh":
        return ""
    layer, _ = hidden(healthy, rng)
    bias(network, layer).copy_(10 * torch.randn_like(bias(network, layer)).sign())
    return layer


@mutation(*FLAT)
def dead_relu_layer(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """A ReLU layer's biases are -1000."""
    if healthy.activation != "relu":
        return ""
    layer, _ = hidden(healthy, rng)
    nn.init.constant_(bias(network, layer), -1000.0)
    return layer


@mutation("dead-units")
def most_relu_units_dead(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """Four in five units of a ReLU layer are dead by their bias."""
    if healthy.activation != "relu":
        return ""
    layer, _ = hidden(healthy, rng)
    bias(network, layer)[: len(bias(network, layer)) * 4 // 5] = -1000.0
    return layer


@mutation(*FLAT)
def negative_weights_after_relu(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """A layer that reads a ReLU and feeds one has only negative weights."""
    if healthy.activation != "relu":
        return ""
    layer = healthy.chain[1]
    weight(network, layer).copy_(-weight(network, layer).abs())
    nn.init.constant_(bias(network, layer), -0.01)
    return layer


@mutation(*FLAT, *SMALL)
def dead_gelu_layer(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """A GELU layer's biases are -100, where it is flat to the last bit."""
    if healthy.activation != "gelu":
        return ""
    layer, _ = hidden(healthy, rng)
    nn.init.constant_(bias(network, layer), -100.0)
    return layer


@mutation(*FLAT, *SMALL)
def closed_gates(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """All gates of a recurrent layer are shut by biases of -30."""
    if healthy.recurrent:
        nn.init.constant_(network.get_submodule(healthy.recurrent).bias_ih_l0, -30.0)
    return healthy.recurrent


@mutation(*SMALL)
def faint_recurrence(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """A recurrent layer is a hundred thousand times too small."""
    if not healthy.recurrent:
        return ""
    for parameter in network.get_submodule(healthy.recurrent).parameters():
        parameter.mul_(1e-5)
    return healthy.recurrent


@mutation("wrong-scale", "saturated-units", "vanishing-gradient", "exploding-gradient")
def one_hot_attention(network: nn.Module, healthy: Healthy, rng: Random) -> str:
    """Query and key of every attention layer are N(0, 900): softmax is one-hot to the last bit."""
    for name in healthy.attention:
        for layer in (network.get_submodule(name).query, network.get_submodule(name).key):
            nn.init.normal_(layer.weight, std=30)
    return "attention" if healthy.attention else ""
