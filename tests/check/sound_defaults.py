"""Everyday architectures with the library's own start."""

from __future__ import annotations

import torch
from check.cases import Task, sound
from check.nets import Block, Pooled, Recurrent, SwiGLU, mlp
from check.sound_zeros import resnet
from check.tasks import blobs, curve, images, sequences
from check.truths import learns
from torch import nn
from torch.nn import functional


@sound(truth=learns())
def two_layers_by_default() -> Task:
    """A two-layer ReLU network exactly as `nn.Linear` gives it."""
    return Task(mlp(8, 64, 4), *blobs(), functional.cross_entropy)


@sound(truth=learns(80))
def three_layers_by_default() -> Task:
    """Three layers, still nothing that the default's smaller variance could do harm."""
    return Task(mlp(8, 64, 64, 4), *blobs(), nn.CrossEntropyLoss())


@sound(truth=learns(400, rate=0.05, optimizer="adam"), seed=3)
def xor() -> Task:
    """XOR with 2-2-1 tanh units and four samples."""
    x = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]]) * 2 - 1
    return Task(mlp(2, 2, 1, activation=nn.Tanh), x, torch.tensor([[0.0], [1], [1], [0]]), nn.BCEWithLogitsLoss())


@sound(truth=learns(200, rate=0.02), seed=1)
def one_hidden_unit() -> Task:
    """A bottleneck of one unit: with nothing to be equal to."""
    x, _ = curve()
    return Task(mlp(4, 1, 1, activation=nn.Tanh), x, torch.tanh(x[:, :1] - x[:, 1:2]) / 0.77, functional.mse_loss)


@sound(truth=learns(30))
def small_resnet() -> Task:
    """A residual network with batch norm in train mode."""
    return Task(resnet(1.0), *images(), functional.cross_entropy)


@sound(truth=learns(30))
def lenet() -> Task:
    """Convolution, pooling, two linear layers."""
    layers = [nn.Conv2d(3, 12, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(300, 32), nn.ReLU()]
    return Task(nn.Sequential(*layers, nn.Linear(32, 4)), *images(), functional.cross_entropy)


class ViT(nn.Module):
    """A vision transformer with a class token of zeros and small positions."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, width, 4, 4)
        self.cls = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.randn(1, 10, width) * 0.02)
        self.blocks = nn.Sequential(Block(width, 2), Block(width, 2))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        patches = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), patches], 1) + self.positions
        return self.head(self.norm(self.blocks(x))[:, 0])


@sound(truth=learns())
def tiny_vit() -> Task:
    """ViT: the class token starts at zero, a single vector that nothing is equal to."""
    return Task(ViT(), *images(), functional.cross_entropy)


@sound(truth=learns(30))
def separable_convolutions() -> Task:
    """MobileNet's blocks with batch norm and ReLU6, library default."""
    layers: list[nn.Module] = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU6()]
    for _ in range(2):
        layers += [nn.Conv2d(16, 16, 3, padding=1, groups=16, bias=False), nn.BatchNorm2d(16), nn.ReLU6()]
        layers += [nn.Conv2d(16, 16, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU6()]
    return Task(
        nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(64, 4)),
        *images(),
        functional.cross_entropy,
    )


@sound(truth=learns())
def swiglu_block() -> Task:
    """A gated block between two linear layers."""
    return Task(nn.Sequential(nn.Linear(8, 24), SwiGLU(24, 48), nn.Linear(24, 4)), *blobs(), functional.cross_entropy)


@sound(truth=learns())
def transformer_encoder_drawn_anew() -> Task:
    """`nn.TransformerEncoder` after the sweep of the tutorial: Xavier for every matrix, so the layers differ."""
    layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True, norm_first=True)
    encoder = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
    for weight in encoder.parameters():
        if weight.dim() > 1:
            nn.init.xavier_uniform_(weight)
    return Task(Pooled(encoder, 6, 16, 3), *sequences(), functional.cross_entropy)


@sound(truth=learns())
def one_encoder_layer() -> Task:
    """One `nn.TransformerEncoderLayer` as it comes, with dropout."""
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    return Task(Pooled(layer, 6, 16, 3), *sequences(), functional.cross_entropy)


class SelfAttention(nn.Module):
    """`nn.MultiheadAttention` on itself."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.attention(x, x, x, need_weights=False)[0]


@sound(truth=learns())
def multihead_attention() -> Task:
    """`nn.MultiheadAttention` as it comes: fused projection by Xavier, zero biases."""
    return Task(Pooled(SelfAttention(), 6, 16, 3), *sequences(), functional.cross_entropy)


@sound(truth=learns())
def prelu() -> Task:
    """PReLU: one slope for a layer, at 0.25."""
    return Task(mlp(8, 32, 32, 4, activation=nn.PReLU), *blobs(), functional.cross_entropy)


@sound(truth=learns())
def gru_by_default() -> Task:
    """A GRU as it comes."""
    return Task(Recurrent(nn.GRU(6, 16, batch_first=True), 3), *sequences(), functional.cross_entropy)


@sound(truth=learns())
def two_way_lstm_of_two_layers() -> Task:
    """A bidirectional LSTM of two layers, mean-pooled."""

    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.head = nn.LSTM(6, 12, 2, batch_first=True, bidirectional=True), nn.Linear(24, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.lstm(x)[0].mean(1))

    return Task(Reader(), *sequences(), functional.cross_entropy)


class UNet(nn.Module):
    """One level down and up, with a skip connection."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.middle = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.up, self.out = nn.ConvTranspose2d(16, 8, 2, 2), nn.Conv2d(16, 3, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skip = functional.relu(self.down(x))
        return self.out(torch.cat([skip, functional.relu(self.up(functional.relu(self.middle(skip))))], 1))


@sound(truth=learns())
def small_unet() -> Task:
    """A U-Net that paints what is positive: three classes for a pixel, by default."""
    x, _ = images(8)
    return Task(UNet(), x, x.argmax(1), functional.cross_entropy)


@sound(truth=learns(100))
def autoencoder() -> Task:
    """An autoencoder of standardized features through four units."""
    x, _ = blobs(classes=6, spread=3)
    return Task(nn.Sequential(*mlp(8, 32, 4), *mlp(4, 32, 8)), x, x, nn.MSELoss())


@sound(truth=learns(still="pooler"))
def pooler_that_the_loss_does_not_read() -> Task:
    """BERT's pooler exists and the token loss does not read it: unused is not broken."""

    class Tagger(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.block = nn.Linear(6, 16), Block(16, 2)
            self.pooler, self.head = nn.Linear(16, 16), nn.Linear(16, 3)

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            hidden = self.block(self.embed(x))
            return self.head(hidden).transpose(1, 2), torch.tanh(self.pooler(hidden[:, 0]))

    x, y = sequences()
    return Task(Tagger(), x, y[:, None].expand(-1, 12).contiguous(), lambda out, y: functional.cross_entropy(out[0], y))


@sound(truth=learns())
def hypernetwork() -> Task:
    """The weights of a small layer are written by another network from a learned code."""

    class Hyper(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.code, self.writer = nn.Parameter(torch.randn(6)), nn.Linear(6, 8 * 16)
            self.head = nn.Linear(16, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(torch.tanh(x @ self.writer(self.code).view(8, 16)))

    return Task(Hyper(), *blobs(), functional.cross_entropy)


@sound(truth=learns())
def graph_convolution() -> Task:
    """Two graph convolutions over a ring, by hand."""

    class Graph(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            ring = torch.eye(12) + torch.eye(12).roll(1, 0) + torch.eye(12).roll(-1, 0)
            self.register_buffer("ring", ring / 3)
            self.first, self.second = nn.Linear(6, 24), nn.Linear(24, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.second(self.ring @ functional.relu(self.first(self.ring @ x))).mean(1)

    return Task(Graph(), *sequences(), functional.cross_entropy)
