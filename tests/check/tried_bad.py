"""Bad starts that were written without a look at the rules or at the other cases, and were missed at first."""

from __future__ import annotations

import math

import torch
from check.cases import Case, Task, bad
from check.nets import fill, he, mlp, normal
from check.tasks import blobs, curve, images, rare, sequences
from check.truths import alike, behind, flat, forward, loss_of, off, rms, signal, starts_above, value
from torch import nn
from torch.nn import functional

# --- equal parts of one tensor ---


def _halves_equal(axis: int):
    return lambda weight: bool(torch.equal(*weight.chunk(2, axis)))


@bad("cloned-layers", by="0.weight", truth=value("0.weight", _halves_equal(0)))
def column_shards_of_one_seed() -> Task:
    """Two ranks drew their rows of the first layer from one seed; what reads them was drawn whole."""
    network = mlp(8, 48, 48, 4)
    network[0].weight.data[24:] = network[0].weight.data[:24]
    network[0].bias.data[24:] = network[0].bias.data[:24]
    return Task(network, *blobs(), functional.cross_entropy)


@bad("cloned-layers", by="2.weight", truth=value("2.weight", _halves_equal(1)))
def row_shards_of_one_seed() -> Task:
    """Two ranks drew their columns of the second layer from one seed."""
    network = mlp(8, 48, 48, 4)
    network[2].weight.data[:, 24:] = network[2].weight.data[:, :24]
    return Task(network, *blobs(), functional.cross_entropy)


class Pooling(nn.Module):
    """Attention over a sequence, its mean, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.read, self.head = nn.Linear(6, 16), nn.Linear(16, 3)
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.read(x)
        return self.head(self.attention(h, h, h, need_weights=False)[0].mean(1))


@bad(
    "cloned-layers",
    by="in_proj_weight",
    truth=value("attention.in_proj_weight", lambda w: torch.equal(w[:16], w[16:32])),
)
def query_copied_to_the_key() -> Task:
    """The fused projection's rows for the key are those for the query."""
    network = Pooling()
    network.attention.in_proj_weight.data[16:32] = network.attention.in_proj_weight.data[:16]
    return Task(network, *sequences(), functional.cross_entropy)


# --- losses ---


@bad("output-bias", "loss-at-init", by="2", truth=starts_above(1.0, 25))
def root_of_the_squared_error_of_fifty() -> Task:
    """Targets of 50 with a spread of 1, and the root of the mean squared error."""

    def root(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return ((out - y) ** 2).mean().sqrt()

    return Task(mlp(4, 16, 1), *curve(mean=50), root)


@bad("output-bias", "loss-at-init", truth=starts_above(8.0, 4))
def ages_and_hubers_loss() -> Task:
    """Ages of 40 with a spread of 8, and Huber's loss, which is absolute out there."""
    return Task(mlp(4, 16, 1), *curve(mean=40, std=8), nn.HuberLoss())


@bad("loss-at-init", by="2.bias", truth=starts_above(0.0457, 10))
def fifteen_times_the_loss_of_the_base_rate() -> Task:
    """Eight of a thousand are positive: even odds cost 15 times what the base rate costs."""
    return Task(mlp(8, 16, 1), *rare(), nn.BCEWithLogitsLoss())


class Reporting(nn.Module):
    """Takes the labels with the input and gives the loss, as models of `transformers` do."""

    def __init__(self) -> None:
        super().__init__()
        self.body = mlp(4, 16, 1)

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        out = self.body(x)
        return {"loss": ((out - labels) ** 2).mean(), "logits": out}


def _pairs_in_the_model(case: Case) -> None:
    """The loss that the model gives is not that of aligned labels."""
    task = case.build()
    out = forward(task.network, task.x)
    aligned = functional.mse_loss(out["logits"][:, 0], task.x["labels"])
    assert abs((out["loss"] - aligned).item()) > 1e-3 * aligned.item()


@bad("shape-broadcast", truth=_pairs_in_the_model)
def labels_of_another_rank_in_the_batch() -> Task:
    """The model computes its own loss from labels of shape (N,) and an output of shape (N, 1)."""
    x, y = curve(70)
    return Task(Reporting(), {"x": x, "labels": y[:, 0]})


# --- signal ---


@bad("exploding-signal", "wrong-scale", truth=signal("0", "14", above=100))
def eight_convolutions_of_a_fifth() -> Task:
    """Kernels of N(0, 0.2^2) on 32 channels: a factor of 2.4 a layer, a few hundred in all."""
    layers: list[nn.Module] = [nn.Conv2d(3, 32, 3, padding=1), nn.ReLU()]
    for _ in range(7):
        layers += [nn.Conv2d(32, 32, 3, padding=1), nn.ReLU()]
    fill(nn.Sequential(*layers[2:]), normal(0.2))
    return Task(nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * 144, 4)), *images(), functional.cross_entropy)


@bad("wrong-scale", by=".weight", truth=alike("16", above=0.99))
def depthwise_fan_out_with_biases() -> Task:
    """Depthwise kernels by a fan-out that forgets the groups are eight times too small; default biases hide the loss
    of size, and all inputs look alike."""
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 3, padding=1), nn.ReLU()]
    for _ in range(6):
        layers += [nn.Conv2d(64, 64, 3, padding=1, groups=64), nn.Conv2d(64, 64, 1), nn.ReLU()]
        nn.init.normal_(layers[-3].weight, std=math.sqrt(2 / (64 * 9)))
        he(layers[-2].weight)
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 4)]
    return Task(nn.Sequential(*layers, *head), *images(16), functional.cross_entropy)


class Erf(nn.Module):
    """Gauss's error function, as an activation."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.erf(x)


@bad("saturated-units", by="0.weight", truth=flat("1", low=-0.995, high=0.995, share=0.6))
def error_functions_of_large_sums() -> Task:
    """N(0, 4) on fifty inputs in front of erf."""
    network = mlp(50, 40, 4, activation=Erf)
    nn.init.normal_(network[0].weight, std=2.0)
    return Task(network, *blobs(features=50), functional.cross_entropy)


@bad("saturated-units", by="2", truth=off("3", share=0.99))
def gelu_units_far_below_zero() -> Task:
    """Biases of -100 in front of GELU, which is flat there but not to the last bit everywhere."""
    network = mlp(8, 32, 32, 4, activation=nn.GELU)
    nn.init.constant_(network[2].bias, -100.0)
    return Task(network, *blobs(), functional.cross_entropy)


@bad("plateau", truth=behind(lambda task: fill(task.network, he), steps=60, rate=0.1, optimizer="gd"))
def three_relu_layers_of_a_ten_thousandth() -> Task:
    """All weights and biases from N(0, 1e-8)."""
    return Task(fill(mlp(8, 48, 48, 4), normal(1e-4), bias=1e-4), *blobs(), functional.cross_entropy)


# --- recurrences ---


class Steps(nn.Module):
    """A recurrent cell in a loop; keeps its states of the last call."""

    def __init__(self, nonlinearity: str, *, norm: bool) -> None:
        super().__init__()
        self.cell, self.head = nn.RNNCell(6, 48, nonlinearity=nonlinearity), nn.Linear(48, 3)
        self.norm, self.states = norm, []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.states = [x.new_zeros(len(x), 48, requires_grad=True)]
        for step in range(x.shape[1]):
            self.states.append(self.cell(x[:, step], self.states[-1]))
        last = self.states[-1]
        return self.head(functional.layer_norm(last, (48,)) if self.norm else last)


def _first_step_explodes(case: Case) -> None:
    """The gradient at the first state is more than ten thousand times that at the last."""
    task = case.build()
    loss = loss_of(task, task.network)
    first, last = torch.autograd.grad(loss, [task.network.states[0], task.network.states[-1]])
    assert rms(first) > 1e4 * rms(last)


@bad("exploding-gradient", by="cell.weight_hh", truth=_first_step_explodes, link="https://arxiv.org/abs/1211.5063")
def chaotic_recurrence() -> Task:
    """A tanh recurrence of gain 3 on faint inputs, over fifty steps."""
    network = Steps("tanh", norm=False)
    nn.init.normal_(network.cell.weight_hh, std=3 / math.sqrt(48))
    x, y = sequences(24, 50)
    return Task(network, 0.1 * x, y, functional.cross_entropy)


@bad("exploding-gradient", "exploding-signal", by="cell", truth=_first_step_explodes)
def growing_recurrence_behind_a_norm() -> Task:
    """A ReLU recurrence of gain 2.5 over fifty steps; a norm hides the size of the last state."""
    network = Steps("relu", norm=True)
    nn.init.orthogonal_(network.cell.weight_hh, 2.5)
    return Task(network, *sequences(24, 50), functional.cross_entropy)
