"""Initialization schemes that look odd and are right."""

from __future__ import annotations

import math

import torch
from check.cases import Task, sound
from check.nets import Attention, Decoder, Pooled, Recurrent, SwiGLU, fill, he, mlp, next_token, normal
from check.tasks import blobs, curve, images, sequences, tokens
from check.truths import learns
from torch import nn
from torch.nn import functional


@sound(truth=learns())
def orthogonal_tanh() -> Task:
    """Orthogonal weights, gain 1.1, in six tanh layers."""
    network = mlp(8, *[32] * 5, 4, activation=nn.Tanh)
    return Task(fill(network, lambda w: nn.init.orthogonal_(w, 1.1)), *blobs(), functional.cross_entropy)


@sound(truth=learns(), link="https://arxiv.org/abs/1806.05393")
def delta_orthogonal() -> Task:
    """Convolutions that are zero but for an orthogonal matrix at their centre."""
    layers: list[nn.Module] = []
    for channels in (3, 16, 16, 16):
        layer = nn.Conv2d(channels, 16, 3, padding=1)
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
        with torch.no_grad():
            layer.weight[:, :, 1, 1] = nn.init.orthogonal_(torch.empty(16, channels), 1.1)
        layers += [layer, nn.Tanh()]
    network = nn.Sequential(*layers, nn.Flatten(), nn.Linear(16 * 144, 4))
    return Task(network, *images(), functional.cross_entropy)


@sound(truth=learns(), link="https://arxiv.org/abs/1504.00941")
def identity_recurrence() -> Task:
    """IRNN: a ReLU recurrence whose recurrent matrix is the identity and whose biases are zero."""
    network = Recurrent(nn.RNN(6, 24, nonlinearity="relu", batch_first=True), 3)
    layer = network.layer
    nn.init.eye_(layer.weight_hh_l0)
    normal(0.05)(layer.weight_ih_l0)
    nn.init.zeros_(layer.bias_hh_l0)
    nn.init.zeros_(layer.bias_ih_l0)
    return Task(network, *sequences(), functional.cross_entropy)


class Sine(nn.Module):
    """sin(30 x)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sin(30 * x)


@sound(truth=learns(100, rate=0.001), link="https://arxiv.org/abs/2006.09661")
def siren() -> Task:
    """SIREN: sin(30 x), first layer U(-1/n, 1/n), hidden layers U(-sqrt(6/n)/30, sqrt(6/n)/30)."""
    network = mlp(2, 48, 48, 1, activation=Sine)
    with torch.no_grad():
        network[0].weight.uniform_(-1 / 2, 1 / 2)
        for layer in (network[2], network[4]):
            bound = math.sqrt(6 / layer.in_features) / 30
            layer.weight.uniform_(-bound, bound)
    x = torch.rand(256, 2) * 2 - 1
    y = torch.sin(8 * x[:, :1]) * torch.cos(5 * x[:, 1:])
    return Task(network, x, (y - y.mean()) / y.std(), functional.mse_loss)


@sound(truth=learns())
def sparse_start() -> Task:
    """Martens' sparse initialization: four fifths of the weights are zero, the rest larger."""
    network = mlp(40, 64, 64, 4, activation=nn.Tanh)
    fill(network, lambda w: nn.init.sparse_(w, 0.8, std=math.sqrt(5 / w.shape[1])))
    return Task(network, *blobs(128, 40), functional.cross_entropy)


@sound(truth=learns(), link="https://arxiv.org/abs/2203.03466")
def mup_scaled() -> Task:
    """muP at width 256: hidden weights 1/fan_in, readout 1/fan_in smaller still."""
    network = mlp(8, 256, 256, 4)
    for layer in (network[0], network[2]):
        normal(math.sqrt(2 / layer.in_features))(layer.weight)
    normal(1 / 256)(network[4].weight)
    return Task(network, *blobs(), functional.cross_entropy)


@sound(truth=learns())
def gpt2() -> Task:
    """GPT-2's start: 0.02, residual projections divided by sqrt(2 L), tied head."""
    return Task(Decoder(depth=3), *tokens(), next_token)


@sound(truth=learns())
def gpt2_untied_in_evaluation_mode() -> Task:
    """The same with a head of its own, and the model in evaluation mode."""
    return Task(Decoder(tied=False).eval(), *tokens(), next_token)


class LlamaBlock(nn.Module):
    """RMS norm, attention, SwiGLU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.RMSNorm(width), nn.RMSNorm(width)
        self.attention, self.mlp = Attention(width, 4, causal=True), SwiGLU(width, 2 * width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Llama(nn.Module):
    """0.02 everywhere, no biases counted, untied head."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.norm, self.head = nn.Embedding(64, 32), nn.RMSNorm(32), nn.Linear(32, 64, bias=False)
        self.blocks = nn.ModuleList(LlamaBlock(32) for _ in range(3))
        fill(self, normal(0.02))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.tokens(x)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


@sound(truth=learns(100, rate=0.02))
def llama() -> Task:
    """Llama's start in the library: 0.02 for every matrix, no depth scaling, RMS norm."""
    return Task(Llama(), *tokens(), next_token)


@sound(truth=learns())
def t5_like_projections() -> Task:
    """T5: no 1/sqrt(d) in attention, so the query starts smaller by that factor: (d d_head)^-1/2."""
    attention = Attention(16, 2)
    normal((16 * 8) ** -0.5)(attention.query.weight)
    for layer in (attention.key, attention.value, attention.out):
        normal(16**-0.5)(layer.weight)
    return Task(Pooled(attention, 6, 16, 3), *sequences(), functional.cross_entropy)


@sound(truth=learns(), link="https://arxiv.org/abs/1706.02515")
def selu_lecun() -> Task:
    """Self-normalizing network: SELU with variance 1/n, eight layers."""
    network = mlp(8, *[48] * 7, 4, activation=nn.SELU)
    return Task(fill(network, lambda w: normal(w.shape[1] ** -0.5)(w)), *blobs(), functional.cross_entropy)


@sound(truth=learns())
def he_ten_layers() -> Task:
    """He's start at depth ten, plain ReLU: what it is for."""
    return Task(fill(mlp(8, *[96] * 9, 4), he), *blobs(), functional.cross_entropy)


@sound(truth=learns(), link="https://arxiv.org/abs/1511.06434")
def dcgan_decoder() -> Task:
    """DCGAN: N(0, 0.02^2) everywhere, batch norm gains N(1, 0.02^2); the norms make the scale irrelevant."""
    layers = [nn.ConvTranspose2d(16, 32, 3, bias=False), nn.BatchNorm2d(32), nn.ReLU()]
    layers += [nn.ConvTranspose2d(32, 16, 3, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.ConvTranspose2d(16, 1, 3)]
    network = fill(nn.Sequential(*layers, nn.Tanh()), normal(0.02))
    for layer in (network[1], network[4]):
        nn.init.normal_(layer.weight, 1, 0.02)
    code = torch.randn(64, 16, 1, 1)
    grid = torch.linspace(-2, 2, 7)
    return Task(network, code, torch.tanh(code[:, :1] * grid + code[:, 1:2] * grid[:, None]), functional.mse_loss)


@sound(truth=learns())
def batch_norm_network_with_tiny_weights() -> Task:
    """Weights of 1e-3 before batch norms: the norm undoes the scale, nothing vanishes."""
    network = nn.Sequential(
        nn.Conv2d(3, 12, 3, bias=False),
        nn.BatchNorm2d(12),
        nn.ReLU(),
        nn.Conv2d(12, 12, 3, bias=False),
        nn.BatchNorm2d(12),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(48, 4),
    )
    for layer in (network[0], network[3]):
        normal(1e-3)(layer.weight)
    return Task(network, *images(), functional.cross_entropy)


class Maxout(nn.Module):
    """The largest of two linear maps."""

    def __init__(self, features: int, units: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, 2 * units)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x).unflatten(-1, (-1, 2)).max(-1).values


@sound(truth=learns(), link="https://arxiv.org/abs/1302.4389")
def maxout() -> Task:
    """Maxout units with the library's linear start."""
    return Task(nn.Sequential(Maxout(8, 32), Maxout(32, 32), nn.Linear(32, 4)), *blobs(), functional.cross_entropy)


@sound(truth=learns())
def lstm_with_forget_bias_one() -> Task:
    """A PyTorch LSTM with orthogonal recurrence and a forget bias of 1."""
    network = Recurrent(nn.LSTM(6, 16, batch_first=True), 3)
    nn.init.orthogonal_(network.layer.weight_hh_l0)
    nn.init.zeros_(network.layer.bias_hh_l0)
    nn.init.zeros_(network.layer.bias_ih_l0)
    nn.init.ones_(network.layer.bias_hh_l0[16:32])
    return Task(network, *sequences(), functional.cross_entropy)


@sound(truth=learns())
def bilinear_upsampling() -> Task:
    """FCN: a transposed convolution that upsamples each channel bilinearly; its kernels are equal, its channels read
    different inputs."""
    upsample = nn.ConvTranspose2d(8, 8, 4, stride=2, padding=1, groups=8, bias=False)
    ramp = torch.tensor([0.25, 0.75, 0.75, 0.25])
    with torch.no_grad():
        upsample.weight.copy_((ramp[:, None] * ramp).expand(8, 1, 4, 4))
    head = [nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 4)]
    return Task(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), upsample, *head), *images(), functional.cross_entropy)


@sound(truth=learns())
def depthwise_average_filters() -> Task:
    """Depthwise filters that all start as the same blur between random pointwise layers: equal kernels on different
    channels that are read differently are not one unit."""
    blur = nn.Conv2d(12, 12, 3, padding=1, groups=12)
    nn.init.constant_(blur.weight, 1 / 9)
    nn.init.zeros_(blur.bias)
    layers = [nn.Conv2d(3, 12, 1), nn.ReLU(), blur, nn.Conv2d(12, 12, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(3)]
    return Task(nn.Sequential(*layers, nn.Flatten(), nn.Linear(108, 4)), *images(), functional.cross_entropy)


@sound(truth=learns(rate=0.02))
def identity_linear_stack() -> Task:
    """A linear stack of identity matrices with a random head: rows differ, the inputs' coordinates are told apart."""
    network = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 4))
    for layer in network[:2]:
        nn.init.eye_(layer.weight)
        nn.init.zeros_(layer.bias)
    return Task(network, *blobs(), functional.cross_entropy)


@sound(truth=learns())
def dirac_convolutions() -> Task:
    """`nn.init.dirac_`: convolutions that start as the identity."""
    network = nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 12, 3, padding=1), nn.ReLU())
    nn.init.dirac_(network[2].weight)
    head = [nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(108, 4)]
    return Task(nn.Sequential(*network, *head), *images(), functional.cross_entropy)


@sound(truth=learns())
def positive_bias_against_death() -> Task:
    """ReLU biases of 0.1, as in many tutorials."""
    return Task(fill(mlp(8, 32, 32, 4), he, bias=0.1), *blobs(), functional.cross_entropy)


@sound(truth=learns(still="frequencies"))
def random_fourier_features() -> Task:
    """A frozen random projection of large spread, then sine and cosine: the spread is the bandwidth, not a fault."""

    class Fourier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("frequencies", 6 * torch.randn(2, 32))
            self.head = mlp(64, 32, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            angles = x @ self.frequencies
            return self.head(torch.cat([angles.sin(), angles.cos()], 1))

    x, y = curve(256, 2)
    return Task(Fourier(), x, y, functional.mse_loss)
