"""Spreads that the fans, groups, positions and depth do not ask for, and starts beside a saddle."""

from __future__ import annotations

import math

import torch
from check.bad_frozen import Factorization, ratings
from check.cases import Task, bad
from check.nets import Decoder, fill, he, mlp, next_token, normal
from check.tasks import blobs, curve, images, tokens
from check.truths import behind, signal, starts_above, value
from torch import nn
from torch.nn import functional


def depthwise(depth: int = 4, channels: int = 32) -> nn.Sequential:
    """A stem, then depthwise 3x3 and pointwise 1x1 convolutions without normalization."""
    layers: list[nn.Module] = [nn.Conv2d(3, channels, 1), nn.ReLU()]
    for _ in range(depth):
        layers += [nn.Conv2d(channels, channels, 3, padding=1, groups=channels), nn.Conv2d(channels, channels, 1)]
        layers += [nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 4))


@bad(
    "wrong-scale",
    "vanishing-signal",
    by="2",
    truth=signal("0", "10", below=1e-2),
    link="https://github.com/pytorch/pytorch/issues/23854",
)
def depthwise_by_fan_out() -> Task:
    """`kaiming_normal_(mode="fan_out")` on depthwise convolutions: the library counts channels times nine where a
    channel feeds only nine weights, so the spread is too small by the root of the channels."""
    network = depthwise()
    for layer in network:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return Task(network, *images(16), functional.cross_entropy)


class Experts(nn.Module):
    """A mixture whose experts are one tensor (expert, in, out)."""

    def __init__(self, experts: int = 4, width: int = 32, hidden: int = 64) -> None:
        super().__init__()
        self.stem, self.router, self.head = nn.Linear(8, width), nn.Linear(width, experts), nn.Linear(width, 4)
        self.experts_up = nn.Parameter(torch.empty(experts, width, hidden))
        self.experts_down = nn.Parameter(torch.empty(experts, hidden, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        weights = self.router(x).softmax(-1)
        hidden = torch.relu(torch.einsum("ni,eio->eno", x, self.experts_up))
        return self.head(torch.einsum("ne,eno->no", weights, hidden @ self.experts_down))


def _expert_fans(task: Task) -> None:
    for weight in (task.network.experts_up, task.network.experts_down):
        normal(math.sqrt(2 / weight.shape[1]))(weight)


@bad("wrong-scale", "vanishing-signal", "vanishing-gradient", by="experts", truth=behind(_expert_fans, steps=15))
def stacked_experts_as_a_convolution() -> Task:
    """`kaiming_uniform_` on a stack (expert, in, out) reads it as a convolution: its fan-in is in times out, and each
    expert starts smaller by the root of its outputs."""
    network = Experts()
    for weight in (network.experts_up, network.experts_down):
        nn.init.kaiming_uniform_(weight, a=math.sqrt(5))
    return Task(network, *blobs(), functional.cross_entropy)


def _he(task: Task) -> None:
    fill(task.network, he)


@bad("wrong-scale", "vanishing-signal", "vanishing-gradient", truth=signal("0", "38", below=1e-2))
def xavier_under_twenty_relus() -> Task:
    """Xavier's rule in a deep ReLU network lacks the factor 2: the variance halves at each of twenty layers."""
    network = fill(mlp(8, *[64] * 19, 4), nn.init.xavier_normal_)
    return Task(network, *blobs(), functional.cross_entropy)


@bad("wrong-scale", "vanishing-signal", "vanishing-gradient", truth=behind(_he))
def variance_passed_as_standard_deviation() -> Task:
    """`normal_(w, 0, 2 / fan_in)`: He's variance handed over as the standard deviation."""
    network = fill(mlp(8, 64, 64, 64, 64, 64, 4), lambda w: normal(2 / w.shape[1])(w))
    return Task(network, *blobs(), functional.cross_entropy)


@bad("wrong-scale", "vanishing-signal", "vanishing-gradient", truth=behind(_he))
def gpt2_spread_in_a_narrow_plain_network() -> Task:
    """0.02 is right for 768 features behind a norm; in a plain network 32 wide it shrinks the signal ninefold
    a layer."""
    return Task(fill(mlp(8, 32, 32, 32, 32, 4), normal(0.02)), *blobs(), functional.cross_entropy)


@bad("wrong-scale", "exploding-signal", "loss-at-init", truth=starts_above(1.0, 50))
def transposed_convolutions_with_fans_swapped() -> Task:
    """A transposed convolution stores (in, out, ...), and the library's fan-in is its second axis: a decoder that
    narrows from 512 to 32 to 2 channels gets four times the spread it needs, twice."""
    layers = [nn.ConvTranspose2d(512, 32, 1), nn.ReLU(), nn.ConvTranspose2d(32, 2, 1)]
    network = fill(nn.Sequential(*layers), lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu"))
    x = torch.randn(16, 512, 4, 4)
    return Task(network, x, torch.tanh(x[:, :2]), functional.mse_loss)


@bad(
    "wrong-scale",
    "uninitialized-memory",
    "exploding-signal",
    "loss-at-init",
    by="0",
    truth=value("0.weight", lambda w: bool(w.std() > 5 * w.abs().median() / 0.6745)),
    link="https://github.com/pytorch/pytorch/issues/145498",
)
def truncated_normal_with_outliers() -> Task:
    """`trunc_normal_(std=0.01)` in bfloat16, before it was mended: about 0.4 % of the values sat at the bound -2, two
    hundred sigmas out, and made the layer's spread twelve times what was asked."""
    network = mlp(256, 64, 4)
    with torch.no_grad():
        weight = network[0].weight.normal_(0, 0.01)
        weight[torch.rand(weight.shape) < 0.004] = -2.0
    return Task(network, *blobs(64, 256), functional.cross_entropy)


@bad("wrong-scale", "loss-at-init", "exploding-signal", by="head", truth=signal("norm", "head", above=5))
def head_a_hundred_times_too_large() -> Task:
    """A unit slip in a configuration (2 for 0.02) in the head of a language model."""
    network = Decoder(tied=False)
    normal(2.0)(network.head.weight)
    return Task(network, *tokens(), next_token)


# --- plateaus ---


@bad("plateau", "vanishing-signal", "vanishing-gradient", "wrong-scale", truth=behind(_he, optimizer="gd", rate=0.1))
def weights_of_a_millionth() -> Task:
    """Weights of 1e-6 in three tanh layers: as near to the saddle at zero as makes no difference to gradient descent;
    over 40 steps the loss does not move."""
    return Task(fill(mlp(8, 32, 32, 4, activation=nn.Tanh), normal(1e-6)), *blobs(), functional.cross_entropy)


def _unit(task: Task) -> None:
    fill(task.network, lambda w: normal(1 / math.sqrt(w.shape[1]))(w))


@bad(
    "plateau",
    "vanishing-signal",
    "vanishing-gradient",
    "wrong-scale",
    truth=behind(_unit, optimizer="gd", rate=0.05),
    link="https://arxiv.org/abs/1312.6120",
)
def small_deep_linear_network() -> Task:
    """A deep linear network from 1e-3: the classic plateau of Saxe et al., the longer the smaller the start."""
    network = nn.Sequential(*[nn.Linear(n, m, bias=False) for n, m in ((8, 16), (16, 16), (16, 2))])
    x = torch.randn(128, 8)
    return Task(fill(network, normal(1e-3)), x, x[:, :2] - x[:, 2:4], functional.mse_loss)


def _tenths(task: Task) -> None:
    fill(task.network, normal(0.5))


@bad("plateau", "vanishing-gradient", "wrong-scale", by="user", truth=behind(_tenths, optimizer="gd", rate=2.0))
def factorization_from_almost_zero() -> Task:
    """Matrix factorization from 1e-6: the product's gradient is 1e-6 as well; 40 steps of descent change nothing."""
    network = fill(Factorization(12, 10, 4), normal(1e-6))
    x, y = ratings()
    return Task(network, x, y, functional.mse_loss)


@bad("plateau", "vanishing-gradient", "vanishing-signal", "wrong-scale", truth=behind(_unit, optimizer="gd", rate=0.1))
def regression_from_ten_thousandths() -> Task:
    """A regression network with weights of 1e-4 in all four layers, biases zero: a product of four small factors."""
    return Task(fill(mlp(4, 32, 32, 32, 1, activation=nn.Tanh), normal(1e-4)), *curve(), functional.mse_loss)
