"""Sound starts that were written without a look at the rules or at the other cases; many were flagged at first."""

from __future__ import annotations

import math

import torch
from check.cases import Task, sound
from check.nets import fill, he, mlp
from check.tasks import blobs, curve, images, sequences, tokens
from check.truths import learns
from torch import nn
from torch.nn import functional

# --- losses that compare all pairs on purpose ---


def alike_and_apart(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Supervised contrastive loss (Khosla and others 2020)."""
    z = functional.normalize(out, dim=-1)
    scores = z @ z.T / 0.5 - 1e9 * torch.eye(len(y))
    same = (y[:, None] == y[None]).float() - torch.eye(len(y))
    return -((same * scores.log_softmax(-1)).sum(1) / same.sum(1).clamp_min(1)).mean()


@sound(truth=learns(to=0.95), link="https://arxiv.org/abs/2004.11362")
def supervised_contrastive_loss() -> Task:
    """Whose pairs are of one class is a table of all targets against all targets."""
    return Task(mlp(8, 32, 8), *blobs(64), alike_and_apart)


@sound(truth=learns())
def classes_compared_with_their_numbers() -> Task:
    """Brier's score, with one-hot targets by comparison."""

    def brier(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return ((out.softmax(-1) - (y[:, None] == torch.arange(4)).float()) ** 2).mean()

    return Task(mlp(8, 32, 4), *blobs(64), brier)


@sound(truth=learns())
def ranking_by_pairs() -> Task:
    """RankNet: which of two targets is larger, for all pairs."""

    def ranks(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        apart = out[:, 0][:, None] - out[:, 0][None]
        larger = (y[:, 0][:, None] > y[:, 0][None]).float()
        return functional.binary_cross_entropy_with_logits(apart, larger)

    return Task(mlp(4, 32, 1), *curve(64), ranks)


@sound(truth=learns(80, to=0.9))
def energy_distance() -> Task:
    """Samples against samples, written with new axes on both sides."""

    def distance(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        between = (out[:, None] - y[None]).norm(dim=-1).mean()
        return 2 * between - (torch.cdist(out, out) + torch.cdist(y, y)).mean()

    return Task(mlp(4, 32, 2), torch.randn(64, 4), torch.randn(64, 2) + torch.tensor([1.5, -1.0]), distance)


@sound(truth=learns())
def hardest_triplets() -> Task:
    """Triplet loss with the hardest pairs of a batch; the targets are expanded to a table."""

    def triplets(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        count = len(y)
        same = y.expand(count, count).eq(y.expand(count, count).t())
        apart = torch.cdist(out, out)
        return torch.relu((apart * same).amax(1) - (apart + 1e3 * same).amin(1) + 0.3).mean()

    return Task(mlp(8, 32, 8), *blobs(64), triplets)


@sound(truth=learns())
def three_quantiles() -> Task:
    """Three outputs against one target each: the pinball loss."""
    shares = torch.tensor([0.1, 0.5, 0.9])

    def pinball(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.maximum(shares * (y - out), (shares - 1) * (y - out)).mean()

    return Task(mlp(4, 32, 3), *curve(), pinball)


class Views(nn.Module):
    """Two towers; the product of their unit vectors is divided by a learned temperature afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = mlp(20, 32, 24), mlp(20, 32, 24)
        self.scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        a, b = (functional.normalize(f(x), dim=-1) for f, x in ((self.one, a), (self.other, b)))
        return a @ b.T * self.scale.exp()


@sound(truth=learns(), link="https://arxiv.org/abs/2103.00020")
def temperature_after_the_product() -> Task:
    """CLIP's temperature of 0.07 on pairs of a batch of 32."""
    x = torch.randn(32, 20)
    return Task(Views(), (x, x.flip(-1)), torch.arange(32), functional.cross_entropy)


@sound(truth=learns())
def small_counts() -> Task:
    """Counts around 2 and Poisson's likelihood: a rate of 1 is near enough."""
    x, y = curve()
    return Task(mlp(4, 32, 1), x, torch.poisson((0.7 + 0.8 * y).exp()), nn.PoissonNLLLoss())


@sound(truth=learns())
def small_distances_with_hubers_loss() -> Task:
    """Standardized targets and a Huber loss of width one half."""
    return Task(mlp(4, 32, 1), *curve(), nn.HuberLoss(delta=0.5))


# --- depth ---


@sound(truth=learns(80), link="https://arxiv.org/abs/1502.01852")
def thirty_he_layers() -> Task:
    """He's start at the depth of its paper: inputs look more and more alike, and it learns."""
    network = fill(mlp(8, *[128] * 30, 4), he)
    nn.init.normal_(network[-1].weight, std=0.01)
    return Task(network, *blobs(), functional.cross_entropy)


@sound(truth=learns(), link="https://arxiv.org/abs/1806.05393")
def delta_orthogonal_convolutions() -> Task:
    """Fifteen tanh convolutions that start orthogonal in the middle of the kernel and zero elsewhere."""
    layers: list[nn.Module] = [nn.Conv2d(3, 16, 3, padding=1), nn.Tanh()]
    for _ in range(15):
        layer = nn.Conv2d(16, 16, 3, padding=1)
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
        layer.weight.data[:, :, 1, 1] = nn.init.orthogonal_(torch.empty(16, 16))
        layers += [layer, nn.Tanh()]
    return Task(nn.Sequential(*layers, nn.Flatten(), nn.Linear(16 * 144, 4)), *images(), functional.cross_entropy)


# --- norms and limits that are written out ---


class WrittenNorm(nn.Module):
    """Layer normalization by its formula; the variance is tiny before small embeddings."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain, self.shift = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        centred = x - x.mean(-1, keepdim=True)
        variance = centred.pow(2).mean(-1, keepdim=True)
        return self.gain * (centred / torch.sqrt(variance + 1e-7)) + self.shift


class Words(nn.Module):
    """Embeddings of 0.02, a written norm, a layer, and the next word."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.norm = nn.Embedding(64, 32), WrittenNorm(32)
        self.body, self.head = mlp(32, 64, 32, activation=nn.GELU), nn.Linear(32, 64)
        nn.init.normal_(self.table.weight, std=0.02)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.table(ids))
        return self.head(x + self.body(x)).transpose(1, 2)


@sound(truth=learns())
def norm_by_its_formula() -> Task:
    """The variance plus eps is a small number on the way, and no faint signal."""
    return Task(Words(), *tokens(), nn.CrossEntropyLoss())


class Limited(nn.Module):
    """Vectors are scaled down where they are longer than 50, which none is."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(8, 32), nn.Linear(32, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = torch.tanh(self.one(x))
        length = h.norm(dim=-1, keepdim=True)
        return self.two(h * (50 / (length + 1e-6)).clamp(max=1.0))


@sound(truth=learns())
def limit_that_is_not_reached() -> Task:
    """A clamp at its end for all inputs is a limit that does not act, not a dead unit."""
    return Task(Limited(), *blobs(), functional.cross_entropy)


# --- recurrences ---


class Loop(nn.Module):
    """A tanh cell in a loop, orthogonal, over fifty steps."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.head = nn.RNNCell(6, 32), nn.Linear(32, 3)
        nn.init.orthogonal_(self.cell.weight_hh)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = x.new_zeros(len(x), 32)
        for step in range(x.shape[1]):
            h = self.cell(x[:, step], h)
        return self.head(h)


@sound(truth=learns())
def orthogonal_recurrence() -> Task:
    """Fifty steps keep the gradient's size."""
    return Task(Loop(), *sequences(24, 50), functional.cross_entropy)


class Everywhere(Loop):
    """Gives a class at every step, so that early steps hear of many errors."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h, out = x.new_zeros(len(x), 32), []
        for step in range(x.shape[1]):
            h = self.cell(x[:, step], h)
            out.append(self.head(h))
        return torch.stack(out, 2)


@sound(truth=learns())
def labels_at_every_step() -> Task:
    """A class for each of fifty steps."""
    x, y = sequences(24, 50)
    return Task(Everywhere(), x, y[:, None].expand(-1, 50), functional.cross_entropy)


@sound(truth=learns())
def one_orthogonal_matrix_for_all_gates() -> Task:
    """The recurrent matrix of an LSTM is one orthogonal draw, four times; the gates' functions differ."""

    class Tagger(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.head = nn.LSTM(6, 16, batch_first=True), nn.Linear(16, 3)
            self.lstm.weight_hh_l0.data = nn.init.orthogonal_(torch.empty(16, 16)).repeat(4, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.lstm(x)[0][:, -1])

    return Task(Tagger(), *sequences(), functional.cross_entropy)
