"""Healthy models to break, with what an operator must know of their wiring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from check.cases import Task
from check.nets import Block, Decoder, Mixture, Pooled, Recurrent, SwiGLU, adapted, fill, he, mlp, next_token
from check.sound_defaults import ViT
from check.sound_zeros import resnet
from check.tasks import blobs, curve, images, sequences, tokens
from torch import nn
from torch.nn import functional


@dataclass(frozen=True)
class Healthy:
    """A healthy model.

    Attributes:
        name: of the model.
        make: builds the task.
        chain: layers in order, each read by the next through one activation and nothing else; the last is the output.
        activation: of the chain: "relu", "tanh", "gelu" or "".
        head: the layer that gives the output.
        attention: modules with `query`, `key`, `value`, `out` and `heads`.
        gated: modules with `gate`, `up`, `down`.
        recurrent: a recurrent layer.
        twins: layers of one shape, stacked, that are not tied.
        norms: norm layers with a gain.
    """

    name: str
    make: Callable[[], Task]
    chain: tuple[str, ...] = ()
    activation: str = ""
    head: str = ""
    attention: tuple[str, ...] = ()
    gated: tuple[str, ...] = ()
    recurrent: str = ""
    twins: tuple[str, ...] = ()
    norms: tuple[str, ...] = ()

    def build(self, seed: int = 0) -> Task:
        """Return the task; another seed, another draw."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.make()


def _relu() -> Task:
    network = fill(mlp(8, 48, 48, 48, 4), he)
    network[6].weight.data.mul_(0.4)  # He's factor is for a layer that a ReLU follows
    return Task(network, *blobs(), functional.cross_entropy)


def _tanh() -> Task:
    network = fill(mlp(8, 48, 48, 4, activation=nn.Tanh), nn.init.xavier_normal_)
    return Task(network, *blobs(), functional.cross_entropy)


def _regression() -> Task:
    return Task(mlp(4, 64, 32, 1, activation=nn.GELU), *curve(), functional.mse_loss)


def _convolutions() -> Task:
    layers = [nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(1024, 4)]
    network = nn.Sequential(*layers)
    for layer in (network[0], network[2]):
        he(layer.weight)
    return Task(network, *images(), functional.cross_entropy)


def _gated() -> Task:
    network = nn.Sequential(nn.Linear(8, 24), SwiGLU(24, 48), nn.Linear(24, 4))
    return Task(network, *blobs(), functional.cross_entropy)


def _encoder() -> Task:
    stack = nn.Sequential(Block(16, 2), Block(16, 2), Block(16, 2))
    return Task(Pooled(stack, 6, 16, 3), *sequences(), functional.cross_entropy)


def _lstm() -> Task:
    return Task(Recurrent(nn.LSTM(6, 16, batch_first=True), 3), *sequences(), functional.cross_entropy)


def _gru() -> Task:
    return Task(Recurrent(nn.GRU(6, 16, batch_first=True), 3), *sequences(), functional.cross_entropy)


def _blocks(prefix: str, count: int, layer: str) -> tuple[str, ...]:
    return tuple(f"{prefix}.{index}.{layer}" for index in range(count))


HEALTHY: tuple[Healthy, ...] = (
    Healthy("relu-mlp", _relu, ("0", "2", "4", "6"), "relu", "6", twins=("2", "4")),
    Healthy("tanh-mlp", _tanh, ("0", "2", "4"), "tanh", "4"),
    Healthy("gelu-regression", _regression, ("0", "2", "4"), "gelu", "4"),
    Healthy("convolutions", _convolutions, ("0", "2", "5"), "relu", "5"),
    Healthy(
        "resnet",
        lambda: Task(resnet(1.0), *images(), functional.cross_entropy),
        head="8",
        twins=("3.conv1", "4.conv1", "5.conv2"),
        norms=("1",),
    ),
    Healthy(
        "decoder",
        lambda: Task(Decoder(tied=False), *tokens(), next_token),
        head="head",
        attention=_blocks("blocks", 2, "attention"),
        twins=_blocks("blocks", 2, "up"),
        norms=("norm",),
    ),
    Healthy(
        "encoder",
        _encoder,
        head="head",
        attention=_blocks("layer", 3, "attention"),
        twins=_blocks("layer", 3, "down"),
    ),
    Healthy(
        "vit",
        lambda: Task(ViT(), *images(), functional.cross_entropy),
        head="head",
        attention=_blocks("blocks", 2, "attention"),
        twins=_blocks("blocks", 2, "up"),
        norms=("norm",),
    ),
    Healthy("swiglu", _gated, head="2", gated=("1",)),
    Healthy("lstm", _lstm, head="head", recurrent="layer"),
    Healthy("gru", _gru, head="head", recurrent="layer"),
    Healthy(
        "mixture",
        lambda: Task(Mixture(8, 16, 4), *blobs(), functional.cross_entropy),
        twins=tuple(f"experts.{index}.0" for index in range(4)),
    ),
    Healthy("lora", lambda: Task(adapted(), *blobs(), functional.cross_entropy)),
)
