"""Sound starts kept apart while the rules were written: architectures with the start that belongs to them."""

from __future__ import annotations

import math
from types import SimpleNamespace

import torch
from check.cases import Case, Task, sound
from check.held_bad_structure import DeepSets, Mixer
from check.nets import SwiGLU, fill, he, mlp, normal
from check.tasks import blobs, images, sequences, tokens
from check.truths import learns
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations


class Translator(nn.Module):
    """`nn.Transformer` between embeddings, with keyword inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.source, self.target = nn.Embedding(30, 16), nn.Embedding(24, 16)
        self.transformer = nn.Transformer(16, 2, 2, 2, 32, dropout=0.1, batch_first=True)
        self.head = nn.Linear(16, 24)

    def forward(self, src: torch.Tensor, tgt: torch.Tensor) -> torch.Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(tgt.shape[1])
        return self.head(self.transformer(self.source(src), self.target(tgt), tgt_mask=mask)).transpose(1, 2)


@sound(truth=learns())
def translation_by_the_library() -> Task:
    """`nn.Transformer` as it comes, two languages, classes on the second axis."""
    ids, following = tokens(12, 9, 24)
    return Task(Translator(), {"src": torch.randint(30, (12, 7)), "tgt": ids}, following, nn.CrossEntropyLoss())


class Speech(nn.Module):
    """Three bidirectional LSTM layers and log-probabilities over (time, sample, letter)."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.head = nn.LSTM(6, 20, 3, bidirectional=True, batch_first=True), nn.Linear(40, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.lstm(x)[0]).log_softmax(-1).transpose(0, 1)


@sound(truth=learns(40))
def speech_with_alignment_loss() -> Task:
    """CTC over fifteen steps and four letters."""

    def ctc(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        count = out.shape[1]
        return functional.ctc_loss(out, y, torch.full((count,), out.shape[0]), torch.full((count,), y.shape[1]))

    return Task(Speech(), torch.randn(10, 15, 6), torch.randint(1, 5, (10, 4)), ctc)


class Perceiver(nn.Module):
    """Eight learned latents that read the pixels by cross-attention."""

    def __init__(self) -> None:
        super().__init__()
        self.latents = nn.Parameter(0.02 * torch.randn(8, 16))
        self.read, self.place = nn.Linear(3, 16), nn.Parameter(0.02 * torch.randn(144, 16))
        self.cross = nn.MultiheadAttention(16, 2, batch_first=True)
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(16), nn.LayerNorm(16), nn.LayerNorm(16)
        self.feed, self.head = mlp(16, 32, 16, activation=nn.GELU), nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm1(self.read(x.flatten(2).transpose(1, 2)) + self.place)
        z = self.latents.expand(len(x), -1, -1)
        z = z + self.cross(self.norm2(z), x, x)[0]
        z = z + self.feed(self.norm3(z))
        return self.head(z.mean(1))


@sound(truth=learns(80))
def perceiver() -> Task:
    """A few latents from N(0, 0.02^2) look at all pixels."""
    return Task(Perceiver(), *images(24), functional.cross_entropy)


@sound(truth=learns(80))
def mixer_by_default() -> Task:
    """MLP-Mixer with the library's own start."""
    return Task(Mixer(), *images(20), functional.cross_entropy)


class Field(nn.Module):
    """NeRF's encoding of points by sines of octaves, a few layers, density and colour."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.density, self.colour = mlp(39, 48, 48, 48), nn.Linear(48, 1), nn.Linear(48, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        octaves = (x[..., None] * math.pi * 2.0 ** torch.arange(6)).flatten(1)
        h = torch.relu(self.body(torch.cat([x, octaves.sin(), octaves.cos()], 1)))
        return torch.sigmoid(self.colour(h)) * functional.softplus(self.density(h))


@sound(truth=learns(100))
def radiance_field() -> Task:
    """NeRF: encoded points, default layers, sigmoid times softplus, 512 points."""
    x = torch.rand(512, 3) * 2 - 1
    return Task(Field(), x, (x + 1) / 2, nn.MSELoss())


class HashGrid(nn.Module):
    """Instant-NGP: features from tables on three grids, in a small network without biases."""

    def __init__(self) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(size * size, 2) for size in (4, 8, 16))
        for table in self.tables:
            nn.init.uniform_(table.weight, -1e-4, 1e-4)
        self.network = fill(mlp(6, 32, 1), he)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        places = [(x * size).long().clamp(0, size - 1) for size in (4, 8, 16)]
        rows = [table(p[:, 0] * size + p[:, 1]) for table, p, size in zip(self.tables, places, (4, 8, 16), strict=True)]
        return self.network(torch.cat(rows, 1))


@sound(truth=learns(100), link="https://arxiv.org/abs/2201.05989")
def hash_grid_of_a_ten_thousandth() -> Task:
    """The paper's start for the tables is U(-1e-4, 1e-4); Adam lifts them in a few steps."""
    x = torch.rand(500, 2)
    return Task(HashGrid(), x, torch.sin(9 * x[:, :1]) * torch.cos(7 * x[:, 1:]), nn.MSELoss())


@sound(truth=learns(40))
def spectral_discriminator() -> Task:
    """SNGAN's critic: spectrally normalized convolutions, leaky ReLU, hinge loss."""
    norm = parametrizations.spectral_norm
    layers = [norm(nn.Conv2d(3, 16, 4, 2, 1)), nn.LeakyReLU(0.1), norm(nn.Conv2d(16, 32, 4, 2, 1)), nn.LeakyReLU(0.1)]
    network = nn.Sequential(*layers, nn.Flatten(), norm(nn.Linear(32 * 9, 1)))
    x, y = images(32, classes=2)
    return Task(network, x, (2.0 * y - 1)[:, None], lambda out, y: torch.relu(1 - y * out).mean())


class Temporal(nn.Module):
    """A temporal convolutional network: weight norm, dilation, a residual sum."""

    def __init__(self) -> None:
        super().__init__()
        wrap = parametrizations.weight_norm
        self.stem = nn.Conv1d(6, 16, 1)
        self.blocks = nn.ModuleList(wrap(nn.Conv1d(16, 16, 3, padding=2**i, dilation=2**i)) for i in range(4))
        self.head = nn.Linear(16, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x.transpose(1, 2))
        for block in self.blocks:
            x = x + torch.relu(block(x))
        return self.head(x[..., -1])


@sound(truth=learns())
def temporal_network_with_weight_norm() -> Task:
    """Weight-normalized dilated convolutions on a residual stream."""
    return Task(Temporal(), *sequences(20, 18), functional.cross_entropy)


class Kan(nn.Module):
    """A KAN layer: silu through a base matrix, plus radial functions with small coefficients."""

    def __init__(self, fan_in: int, fan_out: int) -> None:
        super().__init__()
        self.base = nn.Linear(fan_in, fan_out, bias=False)
        self.coefficients = nn.Parameter(0.1 / fan_in * torch.randn(fan_out, fan_in, 7))
        self.register_buffer("centres", torch.linspace(-2, 2, 7))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hills = torch.exp(-((x[..., None] - self.centres) ** 2))
        return self.base(functional.silu(x)) + torch.einsum("nig,oig->no", hills, self.coefficients)


@sound(truth=learns(80))
def kolmogorov_arnold() -> Task:
    """Two layers of learned one-dimensional functions."""
    return Task(nn.Sequential(Kan(8, 12), Kan(12, 4)), *blobs(100), functional.cross_entropy)


@sound(truth=learns())
def deep_sets_over_twenty_elements() -> Task:
    """The sum over a set grows with its size; nothing is wrong with that at this size."""
    return Task(DeepSets(), *sequences(50, 20), functional.cross_entropy)


class Capsules(nn.Module):
    """Primary capsules, one routing step, and the length of a vector for each class."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 5, stride=2)
        self.routes = nn.Parameter(0.1 * torch.randn(64, 4, 4, 6))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        u = self._squash(self.conv(x).relu().flatten(2).transpose(1, 2).reshape(len(x), 64, 4))
        votes = torch.einsum("nid,icde->nice", u, self.routes)
        return self._squash(votes.mean(1) * 8).norm(dim=-1)

    @staticmethod
    def _squash(s: torch.Tensor) -> torch.Tensor:
        square = s.square().sum(-1, keepdim=True) + 1e-6
        return s * square.sqrt() / (1 + square)


@sound(truth=learns(80))
def capsules_with_a_margin_loss() -> Task:
    """Capsules: N(0, 0.1^2) routes, lengths below 1, the paper's margin loss."""

    def margin(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        hot = functional.one_hot(y, 4)
        present, absent = torch.relu(0.9 - out) ** 2, torch.relu(out - 0.1) ** 2
        return (hot * present + 0.5 * (1 - hot) * absent).sum(1).mean()

    x, y = images(32)
    return Task(Capsules(), x, y, margin)


class UNet(nn.Module):
    """Two levels with group norm and a transposed convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.GroupNorm(2, 8), nn.SiLU())
        self.deep = nn.Sequential(nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.GroupNorm(4, 16), nn.SiLU())
        self.up = nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.out = nn.Conv2d(16, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skip = self.down(x)
        return self.out(torch.cat([skip, self.up(self.deep(skip))], 1))


@sound(truth=learns(60))
def segmentation_with_dice() -> Task:
    """A U-Net with group norm; BCE and Dice together, a third of the pixels are foreground."""

    def loss(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        p = out.sigmoid()
        dice = 1 - 2 * (p * y).sum() / (p.sum() + y.sum())
        return functional.binary_cross_entropy_with_logits(out, y) + dice

    x, _ = images(6)
    return Task(UNet(), x, (x[:, :1] > 0.4).float(), loss)


class Grown(nn.Module):
    """DenseNet's layer: norm, ReLU, convolution, appended."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(channels), nn.Conv2d(channels, 6, 3, padding=1, bias=False)
        he(self.conv.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, self.conv(torch.relu(self.norm(x)))], 1)


@sound(truth=learns(40))
def dense_net_with_batch_norm() -> Task:
    """DenseNet's order and start."""
    body = [
        nn.Conv2d(3, 8, 3, padding=1, bias=False),
        *(Grown(8 + 6 * i) for i in range(5)),
        nn.BatchNorm2d(38),
        nn.ReLU(),
    ]
    return Task(
        nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(38, 4)),
        *images(16),
        nn.CrossEntropyLoss(),
    )


class Inverted(nn.Module):
    """MobileNetV3's block: expand, depthwise, squeeze-and-excite, project."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        wide = 3 * channels
        self.expand = nn.Sequential(nn.Conv2d(channels, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.Hardswish())
        depth = nn.Conv2d(wide, wide, 3, padding=1, groups=wide, bias=False)
        self.depth = nn.Sequential(depth, nn.BatchNorm2d(wide), nn.Hardswish())
        self.excite = nn.Sequential(nn.Conv2d(wide, 6, 1), nn.ReLU(), nn.Conv2d(6, wide, 1), nn.Hardsigmoid())
        self.project = nn.Sequential(nn.Conv2d(wide, channels, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.depth(self.expand(x))
        return x + self.project(h * self.excite(h.mean((2, 3), keepdim=True)))


@sound(truth=learns(40))
def inverted_residuals_with_hardswish() -> Task:
    """MobileNetV3's blocks, library default."""
    stem = [nn.Conv2d(3, 12, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(12), nn.Hardswish()]
    tail = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 4)]
    return Task(nn.Sequential(*stem, Inverted(12), Inverted(12), *tail), *images(16), functional.cross_entropy)


@sound(truth=learns(60))
def video_with_instance_norm() -> Task:
    """Two 3-d convolutions with instance norm, four clips of a batch."""
    layers = [nn.Conv3d(1, 8, 3, padding=1), nn.InstanceNorm3d(8, affine=True), nn.ReLU(), nn.MaxPool3d(2)]
    more = [nn.Conv3d(8, 12, 3, padding=1), nn.InstanceNorm3d(12), nn.LeakyReLU(), nn.MaxPool3d(3)]
    network = nn.Sequential(*layers, *more, nn.Flatten(), nn.Linear(12, 2))
    return Task(network, torch.randn(4, 1, 6, 6, 6), torch.arange(4) % 2, functional.cross_entropy)


class LlamaBlock(nn.Module):
    """RMSNorm, causal attention without biases, SwiGLU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.RMSNorm(width), nn.RMSNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.feed = SwiGLU(width, 2 * width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (t.unflatten(-1, (4, -1)).transpose(1, 2) for t in self.qkv(self.norm1(x)).chunk(3, -1))
        x = x + self.out(functional.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))
        return x + self.feed(self.norm2(x))


class Llama(nn.Module):
    def __init__(self, vocabulary: int = 48, width: int = 32) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        self.blocks = nn.Sequential(*(LlamaBlock(width) for _ in range(3)))
        self.norm, self.head = nn.RMSNorm(width), nn.Linear(width, vocabulary, bias=False)
        fill(self, normal(0.02))

    def forward(self, ids: torch.Tensor, labels: torch.Tensor) -> SimpleNamespace:
        logits = self.head(self.norm(self.blocks(self.embed(ids))))
        return SimpleNamespace(
            loss=functional.cross_entropy(logits.flatten(0, 1).float(), labels.flatten()), logits=logits
        )


@sound(truth=learns(60))
def llama_in_bfloat16() -> Task:
    """RMSNorm and SwiGLU in bfloat16, N(0, 0.02^2), with the loss inside."""
    ids, labels = tokens(4, 12, 48)
    return Task(Llama().bfloat16(), {"ids": ids, "labels": labels})


def falls(rate: float = 0.01, steps: int = 60) -> object:
    """The loss, which may be negative, falls by more than a tenth of its first size."""
    from check.truths import train

    def truth(case: Case) -> None:
        _, losses = train(case.build(), steps, rate=rate)
        assert losses[-1] < losses[0] - 0.1 * abs(losses[0]), f"{losses[0]:.4g} -> {losses[-1]:.4g}"

    return truth
