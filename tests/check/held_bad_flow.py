"""Bad starts kept apart while the rules were written: losses, last biases, shapes, signals and plateaus."""

from __future__ import annotations

import math
import warnings
from types import SimpleNamespace
from typing import Any

import torch
from check.cases import Case, Task, bad
from check.nets import fill, he, mlp, normal
from check.tasks import blobs, curve, images, sequences, tokens
from check.truths import alike, behind, flat, gradient, loss_of, measured, signal, starts_above, train
from torch import nn
from torch.nn import functional


class ActorCritic(nn.Module):
    """A policy and a value on one body."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.policy, self.value = mlp(4, 32, 32, activation=nn.Tanh), nn.Linear(32, 3), nn.Linear(32, 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        h = torch.tanh(self.body(x))
        return self.policy(h), self.value(h)


def _actor_critic(out: tuple[torch.Tensor, ...], y: tuple[torch.Tensor, ...]) -> torch.Tensor:
    return functional.cross_entropy(out[0], y[0]) + functional.mse_loss(out[1], y[1])


@bad("output-bias", "loss-at-init", truth=starts_above(10.0, 100))
def value_head_for_undiscounted_returns() -> Task:
    """Returns are not normalized and lie around 800 with a spread of 3: the value's loss drowns the policy's."""
    x, returns = curve(256, mean=800, std=3)
    return Task(ActorCritic(), x, (torch.randint(3, (256,)), returns), _actor_critic)


@bad("output-bias", "loss-at-init", by="head", truth=starts_above(0.0315, 10))
def segmentation_of_small_lesions() -> Task:
    """One pixel in two hundred is foreground; the dense head starts with bias 0."""

    class Segmenter(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU()), nn.Conv2d(8, 1, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.body(x))

    y = (torch.rand(10, 1, 20, 20) < 0.005).float()
    return Task(Segmenter(), y + 0.5 * torch.randn(y.shape), y, nn.BCEWithLogitsLoss())


def _log_mean(task: Task) -> None:
    nn.init.constant_(task.network[-1].bias, float(task.y.mean().log()))


@bad("output-bias", "loss-at-init", truth=behind(_log_mean, steps=60))
def poisson_counts_around_400() -> Task:
    """Counts per hour around 400, a log-linear head and Poisson's likelihood: the rate starts at 1."""
    x, y = curve(150, mean=6, std=0.1)
    return Task(mlp(4, 16, 1), x, torch.poisson(y.exp()), nn.PoissonNLLLoss())


class Clip(nn.Module):
    """Two towers and a learned temperature; gives the logits of all pairs."""

    def __init__(self, *, normalized: bool) -> None:
        super().__init__()
        self.image, self.text = mlp(8, 32, 24), mlp(8, 32, 24)
        self.scale, self.normalized = nn.Parameter(torch.tensor(math.log(100.0))), normalized

    def forward(self, image: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        a, b = self.image(image), self.text(text)
        if self.normalized:
            a, b = functional.normalize(a, dim=-1), functional.normalize(b, dim=-1)
        return self.scale.exp() * a @ b.T


@bad("loss-at-init", "wrong-scale", "exploding-signal", truth=starts_above(math.log(32), 3))
def towers_that_are_not_normalized() -> Task:
    """A temperature of 1/100, meant for cosines, multiplies products of vectors that nobody normalized and whose layers
    are He's."""
    x = torch.randn(32, 8)
    network = fill(Clip(normalized=False), he)
    return Task(network, (x, x + 0.1 * torch.randn(32, 8)), torch.arange(32), nn.CrossEntropyLoss())


class GRULanguage(nn.Module):
    """A language model over a GRU whose head is its embedding, with the loss inside."""

    def __init__(self, std: float, width: int = 48) -> None:
        super().__init__()
        self.embed, self.gru = nn.Embedding(40, width), nn.GRU(width, width, batch_first=True)
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 40, bias=False)
        nn.init.normal_(self.embed.weight, std=std)
        self.head.weight = self.embed.weight

    def forward(self, ids: torch.Tensor, labels: torch.Tensor) -> SimpleNamespace:
        logits = self.head(self.norm(self.gru(self.embed(ids))[0]))
        return SimpleNamespace(loss=functional.cross_entropy(logits.flatten(0, 1), labels.flatten()), logits=logits)


@bad("loss-at-init", "wrong-scale", truth=starts_above(math.log(40), 2.5))
def recurrent_language_model_with_a_tied_standard_normal() -> Task:
    """`nn.Embedding`'s N(0, 1) is also the head over a layer norm: logits spread over 7, loss three times ln 40."""
    ids, labels = tokens(6, 12, 40)
    return Task(GRULanguage(1.0), {"ids": ids, "labels": labels})


@bad("output-bias", "loss-at-init", by="2", truth=starts_above(1.0, 40))
def absolute_error_of_body_heights() -> Task:
    """Heights in centimetres, 170 with a spread of 1.5, and the absolute error: the head's bias is 0."""
    return Task(mlp(6, 20, 1), *curve(90, 6, mean=170, std=1.5), nn.L1Loss())


def _perfection_is_punished(case: Case) -> None:
    """A prediction that hits every target still costs more than a tenth."""
    task = case.build()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Using a target size", UserWarning)  # PyTorch warns of it too
        assert float(task.loss_fn(task.y.reshape(task.network(task.x).shape), task.y)) > 0.1


@bad("shape-broadcast", truth=_perfection_is_punished)
def forecast_with_a_last_axis_of_one() -> Task:
    """A recurrent forecast of shape (N, T, 1) against targets (N, T), where N = T: each series meets all."""

    class Forecast(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.head = nn.LSTM(3, 16, batch_first=True), nn.Linear(16, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.lstm(x)[0])

    x = torch.randn(12, 12, 3)
    return Task(Forecast(), x, x.sum(2), nn.SmoothL1Loss())


def _misread(case: Case) -> None:
    task = case.build()
    straight = task.loss_fn(task.network(task.x), task.y[:, None])
    assert abs((loss_of(task, task.network) - straight).item()) > 1e-3


@bad("shape-broadcast", truth=_misread)
def heteroscedastic_head_against_a_row() -> Task:
    """Mean and log-variance of shape (N, 1), targets (N,): the Gaussian likelihood is over N x N pairs."""

    class Heads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.mean, self.spread = mlp(4, 16, 16), nn.Linear(16, 1), nn.Linear(16, 1)

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            h = torch.relu(self.body(x))
            return self.mean(h), self.spread(h)

    def likelihood(out: tuple[torch.Tensor, torch.Tensor], y: torch.Tensor) -> torch.Tensor:
        return (out[1] + (y - out[0]) ** 2 * torch.exp(-out[1])).mean()

    x, y = curve(70)
    return Task(Heads(), x, y[:, 0], likelihood)


# --- signal ---


class Gate(nn.Module):
    """WaveNet's tanh times sigmoid over a dilated convolution, without its skip."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, 2 * channels, 3, padding=dilation, dilation=dilation)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a, b = self.conv(x).chunk(2, 1)
        return torch.tanh(a) * torch.sigmoid(b)


@bad(
    "vanishing-signal",
    "vanishing-gradient",
    "wrong-scale",
    truth=gradient("0.conv.weight", "20.conv.weight", below=1e-6),
)
def wavenet_without_its_skips() -> Task:
    """Twenty gated convolutions in a row: each multiplies the signal by a tenth or so."""
    gates = [Gate(10, 2 ** (i % 3)) for i in range(20)]
    network = nn.Sequential(nn.Conv1d(6, 10, 1), *gates, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(10, 3))
    x, y = sequences(24, 16)
    network[0] = Gate(6, 1)
    network[1].conv = nn.Conv1d(6, 20, 3, padding=1)
    return Task(network, x.transpose(1, 2), y, functional.cross_entropy)


class StackedLSTM(nn.Module):
    """Two LSTM layers and a head on the last step."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.head = nn.LSTM(6, 24, num_layers=2, batch_first=True), nn.Linear(24, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.lstm(x)[0][:, -1])


def _redraw(task: Task) -> None:
    for p in task.network.lstm.parameters():
        nn.init.uniform_(p, -0.2, 0.2)


@bad(
    "saturated-units",
    "wrong-scale",
    "exploding-gradient",
    "vanishing-gradient",
    by="lstm",
    truth=behind(_redraw, steps=25),
)
def lstm_with_saturated_gates() -> Task:
    """All matrices of a stacked LSTM come from N(0, 8^2): every gate is open or shut, whatever it reads."""
    network = StackedLSTM()
    fill(network.lstm, normal(8.0))
    return Task(network, *sequences(48, 15), functional.cross_entropy)


class Sine(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sin(x)


@bad("vanishing-signal", "vanishing-gradient", "wrong-scale", "plateau", truth=signal("0", "12", below=1e-4))
def coordinate_network_with_sines_and_small_weights() -> Task:
    """A sine network from N(0, 0.02^2) without SIREN's factor of 30: the colours of all points are one."""
    network = fill(mlp(2, *[40] * 6, 3, activation=Sine), normal(0.02))
    x = torch.rand(400, 2) * 2 - 1
    return Task(network, x, torch.cat([x, x[:, :1] * x[:, 1:]], 1), nn.MSELoss())


class Dense(nn.Module):
    """A convolution whose output is appended to its input."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, growth, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, torch.relu(self.conv(x))], 1)


@bad("exploding-signal", "wrong-scale", "loss-at-init", truth=starts_above(math.log(4), 100))
def dense_blocks_of_variance_one() -> Task:
    """Dense connectivity without batch norm, kernels from N(0, 1): every block reads larger sums than the last."""
    blocks = [Dense(3 + 6 * i, 6) for i in range(6)]
    network = nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(39, 4))
    return Task(fill(network, normal(1.0)), *images(12), functional.cross_entropy)


@bad("saturated-units", "exploding-signal", "wrong-scale", truth=flat("5", low=-0.99, high=0.99, share=0.8))
def generator_that_paints_black_and_white() -> Task:
    """A DCGAN generator without batch norm and with kernels from N(0, 1): the last tanh gives only -1 and 1."""
    network = nn.Sequential(
        nn.ConvTranspose2d(16, 12, 4),
        nn.ReLU(),
        nn.ConvTranspose2d(12, 8, 4, 2, 1),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 3, 4, 2, 1),
        nn.Tanh(),
    )
    x = torch.randn(16, 16, 1, 1)
    return Task(fill(network, normal(1.0)), x, 0.3 * torch.randn(16, 3, 16, 16), nn.MSELoss())


class Attentive(nn.Module):
    """The library's attention on a layer norm, pooled."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.norm, self.head = nn.Linear(6, 32), nn.LayerNorm(32), nn.Linear(32, 3)
        self.attention = nn.MultiheadAttention(32, 4, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.embed(x))
        return self.head((x + self.attention(x, x, x, need_weights=False)[0]).mean(1))


def _hard(case: Case) -> None:
    """The softmax over the scores gives more than 0.98 to one place, on average."""
    task = case.build()
    network = task.network
    z = network.norm(network.embed(task.x))
    weights = network.attention(z, z, z, average_attn_weights=False)[1].detach()
    assert float(weights.amax(-1).mean()) > 0.8


@bad("saturated-units", "wrong-scale", "exploding-signal", "vanishing-gradient", by="attention", truth=_hard)
def fused_attention_that_is_one_hot() -> Task:
    """The fused projection of `nn.MultiheadAttention` from N(0, 2^2): scores in the hundreds, softmax is one-hot."""
    network = Attentive()
    normal(2.0)(network.attention.in_proj_weight)
    return Task(network, *sequences(40, 9), functional.cross_entropy)


class Hops(nn.Module):
    """Forty graph convolutions, each of which averages over the whole graph's neighbourhoods."""

    def __init__(self, nodes: int, depth: int = 40) -> None:
        super().__init__()
        links = ((torch.rand(nodes, nodes) < 0.3) | torch.eye(nodes).bool()).float()
        self.register_buffer("mean", links / links.sum(1, keepdim=True))
        self.layers = nn.ModuleList(nn.Linear(8 if i == 0 else 16, 16) for i in range(depth))
        self.head = nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = torch.relu(layer(self.mean @ x))
        return self.head(x)


@bad("vanishing-signal", "vanishing-gradient", truth=alike("head", above=0.999))
def forty_hops_of_averaging() -> Task:
    """Each hop averages over a third of the graph: after a few, all nodes are one; forty plain layers do the rest."""
    return Task(Hops(60), *blobs(60), functional.cross_entropy)


def _channels_off(case: Case) -> None:
    """More than three channels in ten are off at every place of every sample."""
    seen, _ = measured(case, "1")
    assert float((seen["1"] == 0).all(0).all(-1).float().mean()) > 0.3


@bad("dead-units", by="0", truth=_channels_off)
def decibels_that_are_all_negative() -> Task:
    """Log-mel energies between -80 and 0 dB go into a convolution as they are: units with a positive sum of weights are
    off for every sound, the others are linear."""
    x, y = sequences(30, 20)
    network = nn.Sequential(nn.Conv1d(6, 24, 3), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(24, 3))
    return Task(network, -60 + 4 * x.transpose(1, 2), y, functional.cross_entropy)


class Trilinear(nn.Module):
    """A rank-5 tensor factorization."""

    def __init__(self, std: float) -> None:
        super().__init__()
        self.a, self.b, self.c = (nn.Parameter(std * torch.randn(count, 5)) for count in (12, 9, 7))

    def forward(self, index: torch.Tensor) -> torch.Tensor:
        return (self.a[index[:, 0]] * self.b[index[:, 1]] * self.c[index[:, 2]]).sum(1)


def _threes(task: Task) -> None:
    for p in task.network.parameters():
        nn.init.normal_(p, std=0.5)


@bad("plateau", "vanishing-gradient", "wrong-scale", by="a", truth=behind(_threes, optimizer="gd", rate=1.0, steps=60))
def tensor_factors_of_a_ten_thousandth() -> Task:
    """Three factors of 1e-4: the gradient of each is the product of the other two, 1e-8."""
    index = torch.stack([torch.randint(count, (250,)) for count in (12, 9, 7)], 1)
    true = [torch.randn(count, 2) for count in (12, 9, 7)]
    y = (true[0][index[:, 0]] * true[1][index[:, 1]] * true[2][index[:, 2]]).sum(1)
    return Task(Trilinear(1e-4), index, y, functional.mse_loss)


def _stays(case: Case) -> None:
    _, losses = train(case.build(), 40, optimizer="gd", rate=0.1)
    assert losses[-1] > 0.97 * losses[0] or not math.isfinite(losses[-1]), losses[-1]


@bad("vanishing-gradient", "vanishing-signal", "wrong-scale", "plateau", truth=_stays)
def linear_network_of_hundredths() -> Task:
    """A linear network of six layers without biases, 30 wide, from N(0, 0.01^2), in float64."""
    layers: list[Any] = [nn.Linear(4 if i == 0 else 30, 1 if i == 5 else 30, bias=False) for i in range(6)]
    network = fill(nn.Sequential(*layers).double(), normal(0.01))
    x, y = curve(100)
    return Task(network, x.double(), y.double(), nn.MSELoss())
