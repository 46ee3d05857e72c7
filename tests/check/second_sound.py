"""Sound starts of a second hundred, written without a look at the rules: flagged at first, or close to it."""

from __future__ import annotations

import copy
import math

import torch
from check.cases import Task, sound
from check.nets import he, mlp
from check.tasks import blobs, curve, sequences, tokens
from check.truths import learns
from torch import nn
from torch.nn import functional


class Bootstrapped(nn.Module):
    """Values, and those of a copy for the next states, which is left alone by the gradient but not frozen."""

    def __init__(self) -> None:
        super().__init__()
        self.online = mlp(4, 32, 1)
        self.target = copy.deepcopy(self.online)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        with torch.no_grad():
            later = self.target(x.roll(1, 0))
        return self.online(x), later


@sound(truth=learns(still="target"), link="https://arxiv.org/abs/1312.5602")
def target_network_that_starts_as_a_copy() -> Task:
    """A DQN's target network is a copy on purpose, used under no_grad."""
    x, y = curve()
    return Task(Bootstrapped(), x, y, lambda out, y: functional.smooth_l1_loss(out[0], y + 0.5 * out[1]))


class Angles(nn.Module):
    """Cosines between features and a vector for each class."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.centres = mlp(8, 64, 32), nn.Parameter(nn.init.xavier_uniform_(torch.empty(4, 32)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.linear(functional.normalize(self.body(x)), functional.normalize(self.centres))


@sound(truth=learns(), link="https://arxiv.org/abs/1801.07698")
def arcface_margin() -> Task:
    """A margin of 0.5 for the right class makes the loss start far above log(classes), as it shall."""

    def margin(cosines: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        right = functional.one_hot(y, 4) * 0.5
        return functional.cross_entropy(30 * torch.cos(torch.acos(cosines.clamp(-0.999, 0.999)) + right), y)

    return Task(Angles(), *blobs(), margin)


class Told(Angles):
    """The same, with a margin taken off the right class's cosine by the model, which is given the classes."""

    def forward(self, x: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        return 30 * (super().forward(x) - 0.35 * functional.one_hot(classes, 4))


@sound(truth=learns(), link="https://arxiv.org/abs/1801.09414")
def cosface_margin_in_the_model() -> Task:
    """CosFace, whose model takes the classes with the features."""
    x, y = blobs()
    return Task(Told(), (x, y), y, functional.cross_entropy)


class Steps(nn.Module):
    """Time steps by softplus of a bias that makes them small, as in Mamba."""

    def __init__(self) -> None:
        super().__init__()
        self.read, self.step, self.head = nn.Linear(6, 16), nn.Linear(16, 16), nn.Linear(16, 3)
        sizes = torch.exp(torch.linspace(math.log(1e-3), math.log(1e-1), 16))
        self.step.bias.data.copy_(sizes + torch.log(-torch.expm1(-sizes)))
        nn.init.normal_(self.step.weight, std=0.02)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.read(x)
        return self.head((x * functional.softplus(self.step(x))).sum(1))


@sound(truth=learns(), link="https://arxiv.org/abs/2312.00752")
def time_steps_by_softplus() -> Task:
    """softplus of -7 is a small number and no unit that is off: it stands for exp."""
    return Task(Steps(), *sequences(), functional.cross_entropy)


class Causal(nn.Module):
    """Attention written out, with a mask of minus infinity; the first place has one place to look at."""

    def __init__(self, masked: float) -> None:
        super().__init__()
        self.table, self.qkv, self.head = nn.Embedding(64, 32), nn.Linear(32, 96), nn.Linear(32, 64)
        self.masked = masked

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.table(tokens)
        q, k, v = self.qkv(x).chunk(3, -1)
        later = torch.ones(x.shape[1], x.shape[1]).triu(1).bool()
        scores = (q @ k.transpose(1, 2) / 32**0.5).masked_fill(later, self.masked)
        return self.head(x + scores.softmax(-1) @ v)


def _next(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(out.flatten(0, 1), y.flatten())


@sound(truth=learns())
def causal_mask_of_minus_infinity() -> Task:
    """Two tokens: half of the rows of the softmax have no choice."""
    return Task(Causal(-math.inf), *tokens(16, 2), _next)


@sound(truth=learns())
def causal_mask_of_a_large_number() -> Task:
    """The same with -1e9 for minus infinity."""
    return Task(Causal(-1e9), *tokens(16, 2), _next)


class Quantized(nn.Module):
    """Rounded features with a gradient that goes straight through."""

    def __init__(self) -> None:
        super().__init__()
        self.features, self.head = nn.Linear(8, 32), nn.Linear(32, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        z = 4 * self.features(x)
        return self.head(z + (z.round() - z).detach())


@sound(truth=learns())
def rounding_with_a_straight_through_gradient() -> Task:
    """round lies on the way, and the gradient goes around it."""
    return Task(Quantized(), *blobs(), functional.cross_entropy)


class Spare(nn.Module):
    """A head that this loss does not use."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head, self.other = nn.Linear(8, 32), nn.Linear(32, 4), nn.Linear(32, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(torch.relu(self.body(x)))


@sound(truth=learns(still="other"))
def head_that_another_loss_trains() -> Task:
    """It is told, and is no fault."""
    return Task(Spare(), *blobs(), functional.cross_entropy)


@sound(truth=learns())
def loss_summed_over_the_batch() -> Task:
    """reduction='sum' is told, and is no fault."""
    return Task(mlp(8, 64, 4), *blobs(), nn.CrossEntropyLoss(reduction="sum"))


@sound(truth=learns())
def one_target_without_axes() -> Task:
    """A least squares GAN's discriminator is compared with the number 1."""
    network = mlp(4, 32, 1)
    return Task(network, curve()[0], torch.tensor(1.0), lambda out, y: ((out - y) ** 2).mean())


@sound(truth=learns())
def embedding_drawn_over_its_row_for_padding() -> Task:
    """xavier_uniform_ over all matrices, as for the Annotated Transformer; a mask leaves padding out."""

    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.head = nn.Embedding(64, 32, padding_idx=0), nn.Linear(32, 64)

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            return self.head(self.table(tokens) * (tokens != 0)[..., None])

    def build() -> nn.Module:
        network = Masked()
        for parameter in network.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
        return network

    return Task(build, *tokens(), _next)


class Experts(nn.Module):
    """Copies of one expert that read different halves of the input."""

    def __init__(self) -> None:
        super().__init__()
        expert = nn.Linear(4, 16)
        he(expert.weight)
        self.experts, self.head = nn.ModuleList([expert, nn.Linear(4, 16)]), nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        halves = x.chunk(2, -1)
        return self.head(torch.relu(sum(expert(half) for expert, half in zip(self.experts, halves, strict=True))))


@sound(truth=learns())
def experts_that_differ() -> Task:
    """Sums of modules that were drawn apart are exchanged by nothing."""
    return Task(Experts(), *blobs(), functional.cross_entropy)
