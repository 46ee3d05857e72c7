"""Bad starts kept apart while the rules were written: ties, products of zeros, clones, garbage and lost values."""

from __future__ import annotations

import copy
import math
from functools import partial

import torch
from check.bad_construction import lost, seeded, sweep
from check.bad_values import absurd, garbage_
from check.cases import Task, bad
from check.nets import fill, mlp
from check.tasks import blobs, curve, images, sequences
from check.truths import bit_equal, both, breaks, frozen, tied, value
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations


class Mixer(nn.Module):
    """One block of MLP-Mixer over patches of 4 x 4, and a mean-pooled head."""

    def __init__(self, *, channels: int = 16, patches: int = 9, hidden: int = 12) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, channels, 4, stride=4)
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.token = mlp(patches, hidden, patches, activation=nn.GELU)
        self.channel = mlp(channels, 2 * channels, channels, activation=nn.GELU)
        self.head = nn.Linear(channels, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = x + self.token(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        x = x + self.channel(self.norm2(x))
        return self.head(x.mean(1))


@bad("symmetric-units", by="token", truth=tied("token.0.weight", groups=[list(range(12))]))
def mixer_with_a_constant_token_mlp() -> Task:
    """The token-mixing layers were to start as an average over patches and were filled with 1 / 9; the hidden units are
    one although everything around them is random."""
    network = Mixer()
    fill(network.token, lambda w: nn.init.constant_(w, 1 / 9))
    return Task(network, *images(20), functional.cross_entropy)


class DeepSets(nn.Module):
    """rho of the sum of phi over the elements of a set."""

    def __init__(self, features: int = 6, width: int = 10, classes: int = 3) -> None:
        super().__init__()
        self.phi, self.rho = mlp(features, width, 7), mlp(7, 20, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.rho(self.phi(x).sum(1))


@bad("symmetric-units", by="phi", truth=tied("phi.0.weight"))
def set_encoder_filled_with_a_constant() -> Task:
    """The encoder of the elements is filled with 0.2 "so that the order cannot matter"; the order never mattered, and
    its ten hidden units are one."""
    network = DeepSets()
    fill(network.phi, lambda w: nn.init.constant_(w, 0.2))
    return Task(network, *sequences(40, 5), functional.cross_entropy)


class Graph(nn.Module):
    """Two graph convolutions on a ring of all nodes, without biases."""

    def __init__(self, nodes: int, *, features: int = 8, hidden: int = 11, classes: int = 4) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.empty(features, hidden))
        self.second = nn.Parameter(torch.empty(hidden, classes))
        ring = torch.eye(nodes) + torch.eye(nodes).roll(1, 0) + torch.eye(nodes).roll(-1, 0)
        self.register_buffer("ring", ring / 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.ring @ torch.relu(self.ring @ x @ self.first) @ self.second


@bad("stuck-parameters", "symmetric-units", by="first", truth=frozen("first", "second"))
def graph_convolutions_of_zeros() -> Task:
    """`nn.Parameter(torch.zeros(...))` for both weights of a graph network without biases: nothing moves at all."""
    network = Graph(48)
    nn.init.zeros_(network.first)
    nn.init.zeros_(network.second)
    return Task(network, *blobs(48), functional.cross_entropy)


class Encoder(nn.Module):
    """The library's encoder layer between an embedding and a pooled head."""

    def __init__(self, *, width: int = 12, layers: int = 1, norm_first: bool = False) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(width, 3, 20, dropout=0.0, batch_first=True, norm_first=norm_first)
        self.embed, self.head = nn.Linear(6, width), nn.Linear(width, 3)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.encoder(self.embed(x))[:, 0])


@bad("symmetric-units", by="linear1", truth=tied("encoder.layers.0.linear1.weight"))
def encoder_layer_with_a_constant_feed_forward() -> Task:
    """Only the feed-forward part of the library's encoder layer was given a constant, 0.03: its units are one."""
    network = Encoder()
    for name in ("linear1", "linear2"):
        fill(getattr(network.encoder.layers[0], name), lambda w: nn.init.constant_(w, 0.03))
    return Task(network, *sequences(32, 7), functional.cross_entropy)


@bad("stuck-parameters", "vanishing-signal", by="", truth=frozen("encoder.layers.1.norm2.weight", "embed.weight"))
def a_sweep_that_zeroes_every_vector() -> Task:
    """`for p in parameters(): xavier if p.dim() > 1 else zeros` also sets the gains of the norms to zero: the encoder's
    output is zero and nothing under the last norm's bias ever gets a gradient."""
    network = Encoder(layers=2)
    for p in network.parameters():
        nn.init.xavier_uniform_(p) if p.dim() > 1 else nn.init.zeros_(p)
    return Task(network, *sequences(32, 7), functional.cross_entropy)


class Twins(nn.Module):
    """Two critics, of which the loss takes the mean."""

    def __init__(self) -> None:
        super().__init__()
        self.one = mlp(4, 24, 24, 1)
        self.two = copy.deepcopy(self.one)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.one(x), self.two(x)


def _twin_loss(out: tuple[torch.Tensor, ...], y: torch.Tensor) -> torch.Tensor:
    return sum(functional.mse_loss(each, y) for each in out)


@bad("cloned-layers", "symmetric-units", by="two", truth=bit_equal("one.0.weight", "two.0.weight"))
def twin_critics_by_deepcopy() -> Task:
    """Clipped double Q-learning needs two critics that err differently; the second is a deep copy of the first and is
    trained on the same targets, so the minimum of the two is either."""
    return Task(Twins(), *curve(200), _twin_loss)


class Squeeze(nn.Module):
    """A convolution whose channels are weighed by a squeeze-and-excitation block."""

    def __init__(self, channels: int = 10) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, channels, 3), nn.Linear(channels, 4)
        self.squeeze, self.excite = nn.Linear(channels, 5), nn.Linear(5, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.conv(x))
        weights = torch.sigmoid(self.excite(torch.relu(self.squeeze(x.mean((2, 3))))))
        return self.head((x * weights[:, :, None, None]).mean((2, 3)))


@bad("stuck-parameters", by="squeeze", truth=frozen("squeeze.weight", "excite.weight"))
def squeeze_and_excite_of_zeros() -> Task:
    """The attention over channels is to start neutral; both of its layers were zeroed, and only its last bias moves."""
    network = Squeeze()
    for layer in (network.squeeze, network.excite):
        fill(layer, nn.init.zeros_)
    return Task(network, *images(18), functional.cross_entropy)


class TextCNN(nn.Module):
    """Filters of three widths over an embedding, max-pooled."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(50, 9)
        self.convs = nn.ModuleList(nn.Conv1d(9, 6, width) for width in (2, 3, 4))
        self.head = nn.Linear(18, 3)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.embed(tokens).transpose(1, 2)
        return self.head(torch.cat([torch.relu(conv(x)).amax(2) for conv in self.convs], 1))


@bad("symmetric-units", by="convs.1", truth=tied("convs.1.weight"))
def one_width_of_a_text_network_is_constant() -> Task:
    """One of three filter banks, and what the head reads of it, was restored from a template of constants."""
    network = TextCNN()
    fill(network.convs[1], lambda w: nn.init.constant_(w, 0.05))
    with torch.no_grad():
        network.head.weight[:, 6:12] = torch.tensor([[0.1], [-0.2], [0.05]])
    x = torch.randint(50, (60, 14))
    return Task(network, x, (x[:, 0] % 3), nn.CrossEntropyLoss())


class Experts(nn.Module):
    """Experts that are copies of one, below a router."""

    def __init__(self, experts: int = 3) -> None:
        super().__init__()
        expert = mlp(8, 14, 4, activation=nn.SiLU)
        self.experts = nn.ModuleList(copy.deepcopy(expert) for _ in range(experts))
        self.router = nn.Linear(8, experts)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gates = self.router(x).softmax(-1)
        return torch.einsum("ne,enk->nk", gates, torch.stack([expert(x) for expert in self.experts]))


@bad(
    "cloned-layers", "symmetric-units", by="experts", truth=both(bit_equal("experts.0.0.weight", "experts.2.0.weight"))
)
def experts_upcycled_from_one_with_a_zero_router() -> Task:
    """A dense layer is upcycled into three experts by copying; the router is zero, so all get the same gradient and
    the mixture is the dense layer for ever."""
    network = Experts()
    fill(network.router, nn.init.zeros_)
    return Task(network, *blobs(96), functional.cross_entropy)


class Collaborative(nn.Module):
    """Neural collaborative filtering: a head on the product of two embeddings."""

    def __init__(self) -> None:
        super().__init__()
        self.user, self.item, self.head = nn.Embedding(20, 6), nn.Embedding(30, 6), nn.Linear(6, 1)

    def forward(self, user: torch.Tensor, item: torch.Tensor) -> torch.Tensor:
        return self.head(self.user(user) * self.item(item))[:, 0]


@bad("stuck-parameters", by="head", truth=frozen("user.weight", "item.weight", "head.weight"))
def collaborative_filtering_with_a_zero_head() -> Task:
    """New users start at zero, and a later commit zeroed the head as well: users, items and head all wait for each
    other, and only the global bias learns."""
    network = Collaborative()
    nn.init.zeros_(network.user.weight)
    fill(network.head, nn.init.zeros_)
    pairs = {"user": torch.randint(20, (300,)), "item": torch.randint(30, (300,))}
    y = torch.randn(20)[pairs["user"]] * torch.randn(30)[pairs["item"]]
    return Task(network, pairs, y, nn.MSELoss())


@bad(
    "stuck-parameters",
    by="0",
    truth=frozen("0.parametrizations.weight.original0", "2.parametrizations.weight.original0"),
)
def weight_norm_with_gains_of_zero() -> Task:
    """Both layers are weight-normalized and both gains were set to zero "to start from the bias": every gain's gradient
    has the other gain, or what it silences, as a factor."""
    layers = [parametrizations.weight_norm(nn.Linear(8, 12)), nn.ReLU(), parametrizations.weight_norm(nn.Linear(12, 4))]
    for layer in (layers[0], layers[2]):
        nn.init.zeros_(layer.parametrizations.weight.original0)
        nn.init.zeros_(layer.bias)
    return Task(nn.Sequential(*layers), *blobs(80), functional.cross_entropy)


# --- values ---


@bad("uninitialized-memory", by="conv", truth=value("conv.weight", absurd))
def video_stem_from_empty_memory() -> Task:
    """A 3-d convolution made with `skip_init` and never filled."""

    class Video(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.head = nn.Conv3d(1, 5, 3), nn.Linear(5, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(torch.tanh(self.conv(x)).mean((2, 3, 4)))

    network = Video()
    garbage_(network.conv.weight)
    return Task(network, torch.randn(6, 1, 5, 6, 6), torch.arange(6) % 2, functional.cross_entropy)


@bad("non-finite", by="embed", truth=value("embed.weight", lambda w: bool(w.isnan().any())))
def nan_in_a_row_that_is_never_read() -> Task:
    """New rows of a vocabulary were filled with the mean over an empty selection, which is nan; no batch has met them
    yet."""
    network = TextCNN()
    with torch.no_grad():
        network.embed.weight[48:] = network.embed.weight[50:].mean(0)
    x = torch.randint(40, (60, 14))
    return Task(network, x, x[:, 0] % 3, nn.CrossEntropyLoss())


@bad("non-finite", truth=breaks)
def log_variance_that_overflows() -> Task:
    """The bias of a log-variance head was set to the variance of raw pixels, 120: its exponential is infinite."""

    class Gaussian(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.mean, self.log_variance = mlp(4, 16, 16), nn.Linear(16, 1), nn.Linear(16, 1)

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            h = torch.relu(self.body(x))
            return self.mean(h), self.log_variance(h)

    def likelihood(out: tuple[torch.Tensor, torch.Tensor], y: torch.Tensor) -> torch.Tensor:
        mean, log_variance = out
        return (((y - mean) ** 2 + log_variance.exp()).log() + 1 / log_variance.exp()).mean()

    network = Gaussian()
    nn.init.constant_(network.log_variance.bias, 120.0)
    return Task(network, *curve(64), likelihood)


@bad("non-finite", truth=breaks)
def distance_of_a_sample_to_itself() -> Task:
    """Metric learning with a hand-written distance matrix: the square root's slope on the diagonal is infinite."""

    def pull(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        distance = (z[:, None] - z[None]).square().sum(-1).sqrt()
        same = (y[:, None] == y[None]).float()
        return (same * distance + (1 - same) * torch.relu(2 - distance)).mean()

    return Task(mlp(8, 20, 5), *blobs(40), pull)


# --- construction ---


class Policy(nn.Module):
    """A policy whose last layer is meant to be small, so that all actions are alike at first."""

    def __init__(self, actions: int) -> None:
        super().__init__()
        self.net = mlp(8, 32, actions, activation=nn.Tanh)
        nn.init.constant_(self.net[2].bias, -math.log(actions))
        nn.init.zeros_(self.net[2].weight)
        self.apply(sweep)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)


@bad("overwritten-init", by="net.2", truth=lost("net.2.weight", 0.0))
def policy_head_then_a_sweep() -> Task:
    """The zero head of a policy is undone by the sweep that follows; the builder is a `functools.partial`."""
    return Task(seeded(partial(Policy, actions=4)), *blobs(64), functional.cross_entropy)
