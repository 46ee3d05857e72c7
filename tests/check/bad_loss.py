"""Losses that start far from what the targets' distribution alone would give, and shapes that broadcast."""

from __future__ import annotations

import math

import torch
from check.cases import Case, Task, bad
from check.nets import Decoder, fill, he, mlp, next_token, normal
from check.tasks import blobs, curve, images, rare, tokens
from check.truths import both, broadcasts, main_tensor, starts_above, train
from torch import nn
from torch.nn import functional

RECIPE = "https://karpathy.github.io/2019/04/25/recipe/"
FAR = 1.5


def entropy(share: float) -> float:
    """The entropy in nats of a coin that shows heads with a probability."""
    return -share * math.log(share) - (1 - share) * math.log(1 - share)


@bad("loss-at-init", "wrong-scale", by="2", truth=starts_above(math.log(10), FAR), link=RECIPE)
def head_drawn_from_a_standard_normal() -> Task:
    """`torch.randn` for the last layer over 128 features: the network starts sure of itself and wrong."""
    network = mlp(16, 128, 10)
    he(network[0].weight)
    normal(1.0)(network[2].weight)
    return Task(network, *blobs(200, 16, 10), functional.cross_entropy)


@bad(
    "loss-at-init",
    "wrong-scale",
    by="tokens",
    truth=starts_above(math.log(64), FAR),
    link="https://github.com/pytorch/pytorch/issues/3121",
)
def tied_standard_normal_embedding() -> Task:
    """`nn.Embedding`'s own N(0, 1) becomes the language model's head by tying: the logits spread as the root of the
    width, and the loss starts far above ln V."""
    network = Decoder(width=64)
    normal(1.0)(network.tokens.weight)
    return Task(network, *tokens(), next_token)


@bad(
    "loss-at-init",
    "wrong-scale",
    by="head",
    truth=starts_above(math.log(64), FAR),
    link="https://github.com/huggingface/transformers/pull/26441",
)
def language_head_of_variance_one() -> Task:
    """An untied head of variance 1 after the last norm: the logits' variance is the width, the loss starts ten times
    too high."""
    network = Decoder(width=64, tied=False)
    normal(1.0)(network.head.weight)
    return Task(network, *tokens(), next_token)


@bad("loss-at-init", "wrong-scale", "exploding-signal", truth=starts_above(math.log(64), FAR))
def last_norm_with_a_large_gain() -> Task:
    """The last norm's gain was filled with 100 by a sweep over one-dimensional parameters: the logits grow with it."""
    network = Decoder(tied=False)
    nn.init.constant_(network.norm.weight, 100.0)
    return Task(network, *tokens(), next_token)


@bad(
    "loss-at-init",
    "exploding-signal",
    "wrong-scale",
    "saturated-units",
    truth=starts_above(math.log(4), 3),
    link="https://github.com/cbovar/ConvNetSharp/issues/154",
)
def pixels_from_0_to_255() -> Task:
    """Images are fed as they are stored, 0 to 255, into a network whose weights are right for unit inputs: the first
    loss is tens of nats."""
    x, y = images()
    x = ((x - x.min()) / (x.max() - x.min()) * 255).round()
    network = nn.Sequential(nn.Flatten(), *mlp(432, 64, 4))
    fill(network, he)
    return Task(network, x, y, functional.cross_entropy)


# --- the last bias ---


def _imbalanced(positives: int, count: int = 2000) -> Task:
    return Task(mlp(8, 16, 1), *rare(count, positives=positives), functional.binary_cross_entropy_with_logits)


@bad(
    "output-bias",
    "loss-at-init",
    by="2",
    truth=starts_above(entropy(0.001), 5),
    link="https://arxiv.org/abs/1708.02002",
)
def one_positive_in_a_thousand() -> Task:
    """A detector with one positive in a thousand and a zero bias: it starts at ln 2 where the base rate alone gives
    0.008, and spends its first steps on the bias."""
    return _imbalanced(2)


@bad("output-bias", "loss-at-init", by="2", truth=starts_above(entropy(0.01), 5))
def hundred_labels_of_one_percent() -> Task:
    """Multi-label tagging with 50 labels that are each present once in a hundred times, zero biases."""
    x = torch.randn(400, 8)
    y = (torch.rand(400, 50) < 0.01).float()
    return Task(mlp(8, 32, 50), x, y, nn.BCEWithLogitsLoss())


@bad("output-bias", "loss-at-init", by="2", truth=starts_above(0.112, 4))
def classes_98_1_1() -> Task:
    """Three classes with 98, 1 and 1 percent: the loss starts at ln 3 = 1.1 where the frequencies alone give 0.11."""
    x, _ = blobs(600)
    y = torch.zeros(600, dtype=torch.long)
    y[:6], y[6:12] = 1, 2
    return Task(mlp(8, 16, 3), x, y, nn.CrossEntropyLoss())


@bad("output-bias", "loss-at-init", by="2", truth=starts_above(25.0, 100), link=RECIPE)
def targets_around_300() -> Task:
    """House prices in thousands: mean 300, spread 5, last bias 0. The first loss is 90000 where the mean alone leaves
    25."""
    return Task(mlp(4, 32, 1), *curve(mean=300, std=5), functional.mse_loss)


@bad("output-bias", "loss-at-init", by="head", truth=starts_above(1.0, 100))
def temperatures_in_kelvin() -> Task:
    """Two outputs, one standardized and one in kelvin around 290: the second alone makes the loss."""

    class Weather(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = nn.Sequential(nn.Linear(4, 32), nn.Tanh()), nn.Linear(32, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.body(x))

    x, y = curve()
    return Task(Weather(), x, torch.cat([y, 290 + y.flip(0)], 1), nn.MSELoss())


# --- outputs that the loss squashes again ---


def _cannot_pass(floor: float) -> object:
    def truth(case: Case) -> None:
        _, losses = train(case.build(), 150, rate=0.02)
        assert losses[-1] > floor, losses[-1]

    return truth


class Probabilities(nn.Module):
    """A network that ends in a softmax or sigmoid."""

    def __init__(self, network: nn.Module, squash: nn.Module) -> None:
        super().__init__()
        self.network, self.squash = network, squash

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.squash(self.network(x))


@bad(
    "loss-at-init",
    "output-bias",
    "plateau",
    "vanishing-gradient",
    truth=_cannot_pass(math.log(math.e + 9) - 1),
    link="https://github.com/ariecattan/SciCo/issues/2",
)
def cross_entropy_of_probabilities() -> Task:
    """A softmax at the end of the model and cross-entropy, which takes logits, on top: with ten classes the loss cannot
    pass below ln(e + 9) - 1 = 1.46 however well the model does."""
    return Task(Probabilities(mlp(8, 32, 10), nn.Softmax(-1)), *blobs(200, 8, 10), nn.CrossEntropyLoss())


@bad("loss-at-init", "output-bias", truth=both(starts_above(entropy(0.01), 5), _cannot_pass(0.5)))
def sigmoid_before_a_loss_that_has_its_own() -> Task:
    """The bias is set for one positive in a hundred, but a sigmoid stands before BCE-with-logits, so that every output
    lies in (0, 1), the predicted probability above one half, and the loss starts and stays near ln 2."""
    network = mlp(8, 16, 1)
    nn.init.constant_(network[2].bias, -math.log(99))
    return Task(
        Probabilities(network, nn.Sigmoid()), *rare(2000, positives=20), functional.binary_cross_entropy_with_logits
    )


# --- shapes ---

BROADCAST = "https://github.com/pytorch/pytorch/issues/4938"


@bad("shape-broadcast", truth=broadcasts, link="https://github.com/deepset-ai/FARM/issues/229")
def column_against_row_in_mse() -> Task:
    """The model gives (N, 1), the targets are (N,): the difference is (N, N), each prediction is compared with every
    target and the best answer is the mean."""
    x, y = curve()
    return Task(mlp(4, 16, 1), x, y[:, 0], nn.MSELoss())


@bad("shape-broadcast", truth=broadcasts, link=BROADCAST)
def row_against_column_by_hand() -> Task:
    """`((model(x).squeeze() - y) ** 2).mean()` with targets of shape (N, 1): no library warns."""
    x, y = curve()
    return Task(nn.Sequential(mlp(4, 16, 1), nn.Flatten(0)), x, y, lambda out, y: ((out - y) ** 2).mean())


@bad("shape-broadcast", truth=broadcasts)
def likelihood_by_hand() -> Task:
    """A binary log-likelihood written by hand: probabilities (N, 1), labels (N,)."""

    def likelihood(p: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return -(y * torch.log(p) + (1 - y) * torch.log(1 - p)).mean()

    x, y = rare(128, positives=64)
    return Task(nn.Sequential(mlp(8, 16, 1), nn.Sigmoid()), x, y[:, 0], likelihood)


@bad("shape-broadcast", truth=broadcasts)
def value_and_advantage() -> Task:
    """Reinforcement learning: returns of shape (N,), a value head of shape (N, 1) with dict output, Huber loss."""

    class Critic(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = mlp(4, 16, 1, activation=nn.Tanh)

        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"logits": self.network(x)}

    def huber(out: object, y: torch.Tensor) -> torch.Tensor:
        error = (main_tensor(out) - y).abs()
        return torch.where(error < 1, error**2 / 2, error - 0.5).mean()

    x, y = curve()
    return Task(Critic(), x, y[:, 0], huber)
