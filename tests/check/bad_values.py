"""Memory that nobody filled, and numbers that are none."""

from __future__ import annotations

import struct

import torch
from check.cases import Task, bad
from check.nets import Block, Pooled, fill, he, mlp
from check.tasks import blobs, curve, images, sequences
from check.truths import breaks, value
from torch import nn
from torch.nn import functional

EMPTY = "https://github.com/pytorch/pytorch/issues/24263"


def garbage_(weight: torch.Tensor) -> torch.Tensor:
    """Write random bits that make finite float32 numbers: exponents from denormal to 1e38, as in freed memory."""
    bits = torch.randint(-(2**31), 2**31 - 1, weight.shape, dtype=torch.int64).to(torch.int32)
    values = bits.view(torch.float32)
    with torch.no_grad():
        return weight.copy_(torch.where(values.isfinite(), values, torch.zeros(())))


def pointers_(weight: torch.Tensor) -> torch.Tensor:
    """Write what 64-bit addresses look like as pairs of float32: a mantissa's noise, then 4.5e-41."""
    high = torch.tensor(struct.unpack("f", struct.pack("I", 0x7F12))[0])
    low = torch.randint(0x10000000, 0x50000000, (weight.numel(),), dtype=torch.int32).view(torch.float32)
    low[1::2] = high
    with torch.no_grad():
        return weight.copy_(low.view(weight.shape))


def absurd(weight: torch.Tensor) -> bool:
    """Magnitudes that span more than thirty decades, or numbers below the normal ones."""
    sizes = weight[weight != 0].abs().double()
    return bool(sizes.max() / sizes.min() > 1e30 or (sizes < torch.finfo(torch.float32).tiny).any())


@bad("uninitialized-memory", by="positions", truth=value("positions", absurd), link=EMPTY)
def position_table_from_empty_memory() -> Task:
    """`nn.Parameter(torch.empty(...))` for learned positions, and no initializer: finite garbage of every magnitude."""

    class Positions(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.positions = nn.Parameter(torch.empty(12, 8))
            self.network = Pooled(Block(8, 2), 6, 8, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.network.head(self.network.layer(self.network.embed(x) + self.positions).mean(1))

    network = Positions()
    garbage_(network.positions)
    return Task(network, *sequences(), functional.cross_entropy)


@bad("uninitialized-memory", by="2.weight", truth=value("2.weight", absurd))
def a_layer_made_of_addresses() -> Task:
    """`to_empty` after a meta device, and a layer that the loader did not know: half of the values are 4.5e-41, the
    upper halves of pointers."""
    network = mlp(8, 16, 16, 4)
    pointers_(network[2].weight)
    return Task(network, *blobs(), functional.cross_entropy)


@bad(
    "uninitialized-memory",
    by="1.weight",
    truth=value("1.weight", absurd),
    link="https://github.com/flagos-ai/FlagPerf/pull/683",
)
def norm_gain_from_empty_memory() -> Task:
    """An RMS norm whose gain was made with `torch.empty` because a checkpoint was to fill it; training from scratch
    starts with what was in memory: here denormals and zeros, so the layer's output is nothing."""
    network = nn.Sequential(nn.Linear(8, 16), nn.RMSNorm(16), nn.ReLU(), nn.Linear(16, 4))
    with torch.no_grad():
        network[1].weight.copy_(torch.randint(0, 2, (16,)) * 4.5e-41)
    return Task(network, *blobs(), functional.cross_entropy)


@bad("uninitialized-memory", by="bias", truth=value("0.bias", absurd))
def bias_from_empty_memory() -> Task:
    """A hand-written layer draws its weight and forgets its bias, which holds numbers from 1e-40 to 1e30."""
    network = fill(mlp(8, 16, 4, activation=nn.Tanh), he)
    with torch.no_grad():
        network[0].bias.copy_(10.0 ** torch.linspace(-40, 30, 16))
    return Task(network, *blobs(), functional.cross_entropy)


@bad("non-finite", by="running_mean", truth=value("1.running_mean", lambda v: bool(v.isnan().any())))
def nan_in_a_running_mean() -> Task:
    """A checkpoint of a run that had diverged: weights were reset, the batch norm's running mean was not, and the model
    is in evaluation mode."""
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(800, 4)).eval()
    network[1].running_mean[3] = torch.nan
    return Task(network, *images(), functional.cross_entropy)


@bad("non-finite", by="0.bias", truth=value("0.bias", lambda v: bool(v.isinf().any())))
def infinite_bias() -> Task:
    """log(0) was written into a prior bias of a gate: one bias is minus infinity, its unit's sigmoid is 0 for ever."""
    network = mlp(8, 16, 4, activation=nn.Sigmoid)
    with torch.no_grad():
        network[0].bias[2] = -torch.inf
    return Task(network, *blobs(), functional.cross_entropy)


class Log(nn.Module):
    """log(relu(x))."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.log(torch.relu(x))


@bad("non-finite", truth=breaks)
def logarithm_of_zero() -> Task:
    """A log after a ReLU "to compress the features": half of the units are at zero, the loss is nan from step 0."""
    return Task(nn.Sequential(nn.Linear(8, 16), Log(), nn.Linear(16, 4)), *blobs(), functional.cross_entropy)


class Length(nn.Module):
    """Rows divided by their length, by hand."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x / (x.square().sum(-1, keepdim=True).sqrt() + 1e-6)


@bad("non-finite", by="0", truth=breaks, link="https://github.com/pytorch/pytorch/issues/2421")
def gradient_of_a_zero_length() -> Task:
    """Features are divided by their own length; one sample is all zeros and the layer has no bias. The loss is finite,
    the square root's slope at zero is not, and every gradient below is nan."""
    x, y = blobs()
    x[5] = 0
    return Task(nn.Sequential(nn.Linear(8, 16, bias=False), Length(), nn.Linear(16, 4)), x, y, functional.cross_entropy)


class Masked(nn.Module):
    """Softmax pooling over steps that are not padding."""

    def __init__(self) -> None:
        super().__init__()
        self.score, self.head = nn.Linear(6, 1), nn.Linear(6, 3)

    def forward(self, x: torch.Tensor, padding: torch.Tensor) -> torch.Tensor:
        scores = self.score(x)[..., 0].masked_fill(padding, -torch.inf)
        return self.head((scores.softmax(-1)[..., None] * x).sum(1))


@bad("non-finite", truth=breaks, link="https://github.com/pytorch/pytorch/issues/41508")
def row_that_is_masked_out() -> Task:
    """One sequence of the batch is padding only; softmax over nothing but minus infinity is nan."""
    x, y = sequences()
    padding = torch.zeros(x.shape[:2], dtype=torch.bool)
    padding[3] = True
    return Task(Masked(), (x, padding), y, functional.cross_entropy)


class Standardize(nn.Module):
    """Columns to mean 0 and spread 1 over the batch, by hand."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x - x.mean(0)) / x.std(0)


@bad("non-finite", truth=breaks)
def spread_of_a_dead_column() -> Task:
    """Standardizing by hand after a ReLU: units that are off on the whole batch have spread zero, and 0/0 is nan."""
    network = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), Standardize(), nn.Linear(16, 1))
    with torch.no_grad():
        network[0].bias[:2] = -20
    return Task(network, *curve(), functional.mse_loss)
