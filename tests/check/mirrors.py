"""Models in which units are the negatives of others, or zero, and stay so for ever; and some that only look like it."""

from __future__ import annotations

import torch
from check.nets import Attention, Recurrent, SwiGLU, mlp
from torch import nn
from torch.nn import functional


def opposite(model, i, j, *signs):
    """Make slice j of each parameter that of slice i times a sign; given are (name, axis, sign)."""
    with torch.no_grad():
        for name, axis, sign in signs:
            tensor = model.get_parameter(name)
            tensor.select(axis, j).copy_(sign * tensor.select(axis, i).clone())
    return model


class Convolved(nn.Module):
    def __init__(self, norm, activation=torch.tanh):
        super().__init__()
        self.one, self.norm, self.two = nn.Conv2d(3, 6, 3, padding=1), norm, nn.Conv2d(6, 4, 3)
        self.head, self.activation = nn.Linear(4, 3), activation

    def forward(self, x):
        hidden = self.activation(self.norm(self.one(x)))
        return self.head(torch.sigmoid(self.two(functional.avg_pool2d(hidden, 2))).mean((2, 3)))


class Depthwise(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.depth = nn.Conv2d(3, 6, 1), nn.Conv2d(6, 6, 3, groups=6)
        self.point, self.head = nn.ConvTranspose2d(6, 4, 2), nn.Linear(4, 3)

    def forward(self, x):
        return self.head(torch.tanh(self.point(torch.tanh(self.depth(torch.tanh(self.one(x)))))).mean((2, 3)))


class Stream(nn.Module):
    """A residual stream with a norm, and a gate in its branch."""

    def __init__(self, norm):
        super().__init__()
        self.embed, self.norm, self.branch = nn.Linear(5, 8), norm(8), SwiGLU(8, 12)
        self.last, self.head = nn.RMSNorm(8), nn.Linear(8, 3)

    def forward(self, x):
        x = self.embed(x)
        return self.head(self.last(x + self.branch(self.norm(x))))


class Heads(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.layer, self.head = nn.Linear(5, 8), Attention(8, 2), nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.layer(self.embed(x)).mean(1))


class Packed(nn.Module):
    """PyTorch's own attention: one matrix for queries, keys and values."""

    def __init__(self):
        super().__init__()
        self.embed, self.layer = nn.Linear(5, 8), nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        x = self.embed(x)
        return self.head(self.layer(x, x, x, need_weights=False)[0].mean(1))


class Formula(nn.Module):
    """Two layers with a function of single entries between them."""

    def __init__(self, between):
        super().__init__()
        self.one, self.two, self.between = nn.Linear(5, 6), nn.Linear(6, 3), between

    def forward(self, x):
        return self.two(self.between(self.one(x)))


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.out = nn.Embedding(12, 6), nn.Linear(6, 12)

    def forward(self, tokens):
        return self.out(torch.tanh(self.table(tokens)))


def filters(norm=None, activation=torch.tanh, *, bias=True):
    model = Convolved(norm if norm is not None else nn.Identity(), activation)
    if not bias:
        nn.init.zeros_(model.one.bias)
    return opposite(model, 0, 1, ("one.weight", 0, -1), ("one.bias", 0, -1), ("two.weight", 1, -1))


def depthwise(*, even):
    inside, behind = (-1, 1) if even else (1, -1)
    names = [("one.weight", 0, -1), ("one.bias", 0, -1), ("depth.weight", 0, inside), ("depth.bias", 0, behind)]
    return opposite(Depthwise(), 0, 1, *names, ("point.weight", 0, behind))


def stream(norm=nn.RMSNorm, *, bias=True):
    model = Stream(norm)
    if not bias:
        nn.init.zeros_(model.embed.bias)
    names = [("embed.weight", 0), ("embed.bias", 0), ("branch.gate.weight", 1), ("branch.up.weight", 1)]
    return opposite(model, 2, 5, *((*n, -1) for n in [*names, ("branch.down.weight", 0), ("head.weight", 1)]))


def heads(*negated, bias=True):
    model = Heads()
    for i in range(4):
        for name in ("query", "key", "value"):
            sign = -1 if name in negated else 1
            opposite(model, i, 4 + i, (f"layer.{name}.weight", 0, sign), (f"layer.{name}.bias", 0, sign))
        opposite(model, i, 4 + i, ("layer.out.weight", 1, -1 if "out" in negated else 1))
    if not bias:
        for name in ("query", "key", "value"):
            nn.init.zeros_(model.layer.get_submodule(name).bias)
    return model


def packed():
    model = Packed()
    for i in range(4):
        for part, sign in ((0, 1), (8, 1), (16, -1)):
            opposite(model, part + i, part + 4 + i, ("layer.in_proj_weight", 0, sign), ("layer.in_proj_bias", 0, sign))
        opposite(model, i, 4 + i, ("layer.out_proj.weight", 1, -1))
    return model


def recurrent(layer, odd):
    """The gates that are given change sign with the unit; what is read back does."""
    model = Recurrent(layer(6, 5, batch_first=True), 3)
    gates = model.layer.weight_ih_l0.shape[0] // 5
    for _ in range(2):  # rows and columns of one matrix
        opposite(model, 0, 1, ("layer.weight_hh_l0", 1, -1), ("head.weight", 1, -1))
        for gate in range(gates):
            sign = -1 if gate in odd else 1
            names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
            opposite(model, 5 * gate, 5 * gate + 1, *((f"layer.{name}", 0, sign) for name in names))
    return model


def formula(between, out=-1):
    return opposite(Formula(between), 0, 1, ("one.weight", 0, -1), ("one.bias", 0, -1), ("two.weight", 1, out))


def gated(*, gate):
    model = nn.Sequential(SwiGLU(6, 8), nn.Linear(6, 3))
    return opposite(model, 0, 1, ("0.gate.weight", 0, gate), ("0.up.weight", 0, -1), ("0.down.weight", 1, -1))


def three():
    """Two units and the negative of both, and another pair."""
    model = mlp(6, 8, 4, activation=nn.Tanh)
    for i, j, sign in ((0, 1, -1), (0, 2, 1), (4, 6, -1)):
        opposite(model, i, j, ("0.weight", 0, sign), ("0.bias", 0, sign), ("2.weight", 1, sign))
    return model


def unit_of_zeros(activation=nn.Tanh):
    model = mlp(6, 8, 8, 4, activation=activation)
    return opposite(model, 3, 3, ("0.weight", 0, 0), ("0.bias", 0, 0), ("2.weight", 1, 0))


def head_of_zeros():
    model = Heads()
    for i in range(4, 8):
        opposite(model, i, i, ("layer.value.weight", 0, 0), ("layer.value.bias", 0, 0), ("layer.out.weight", 1, 0))
    return model


def vectors():
    return torch.randn(32, 6)


def fives():
    return torch.randn(32, 5)


def images():
    return torch.randn(8, 3, 6, 6)


def sequences():
    return torch.randn(8, 4, 6)


def shorter():
    return torch.randn(8, 5, 5)


def tokens():
    return torch.arange(48).reshape(4, 12) % 12


# a start, its inputs, and the units that are proved to be one up to sign, by module
MIRRORED = {
    "mlp": (three, vectors, {"0": {(0, 1, 2), (4, 6)}}),
    "filters": (filters, images, {"one": {(0, 1)}}),
    "filters, no bias": (lambda: filters(bias=False), images, {"one": {(0, 1)}}),
    "batch norm": (lambda: filters(nn.BatchNorm2d(6)), images, {"one": {(0, 1)}}),
    "group norm": (lambda: filters(nn.GroupNorm(3, 6)), images, {"one": {(0, 1)}}),
    "instance norm": (lambda: filters(nn.InstanceNorm2d(6, affine=True)), images, {"one": {(0, 1)}}),
    "clipped": (lambda: filters(activation=functional.hardtanh), images, {"one": {(0, 1)}}),
    "depthwise": (lambda: depthwise(even=False), images, {"one": {(0, 1)}, "depth": {(0, 1)}}),
    "depthwise, even": (lambda: depthwise(even=True), images, {"one": {(0, 1)}, "depth": set()}),
    "stream": (stream, fives, {"embed": {(2, 5)}, "branch.down": {(2, 5)}}),
    "stream, no bias": (lambda: stream(bias=False), fives, {"embed": {(2, 5)}, "branch.down": {(2, 5)}}),
    "values and outputs": (lambda: heads("value", "out"), shorter, {"layer.value": {(i, i + 4) for i in range(4)}}),
    "heads, no bias": (
        lambda: heads("value", "out", bias=False), shorter, {"layer.value": {(i, i + 4) for i in range(4)}}
    ),
    "queries and keys": (lambda: heads("query", "key"), shorter, {"layer.key": {(i, i + 4) for i in range(4)}}),
    "packed": (packed, shorter, {}),
    "lstm": (lambda: recurrent(nn.LSTM, {2}), sequences, {"layer": {(0, 1)}}),
    "gru": (lambda: recurrent(nn.GRU, {2}), sequences, {"layer": {(0, 1)}}),
    "rnn": (lambda: recurrent(nn.RNN, {0}), sequences, {"layer": {(0, 1)}}),
    "gated": (lambda: gated(gate=1), vectors, {"0.up": {(0, 1)}}),
    "even": (lambda: formula(torch.square, out=1), fives, {"one": {(0, 1)}}),
    "cubes": (lambda: formula(lambda z: z**3 / (1 + z.abs()) + z.sin() * z.cos()), fives, {"one": {(0, 1)}}),
    "cube": (lambda: formula(lambda z: z**3 / (1 + z.abs() ** 3)), fives, {"one": {(0, 1)}}),
    "tokens": (
        lambda: opposite(Tokens(), 0, 1, ("table.weight", 1, -1), ("out.weight", 1, -1)), tokens, {"table": {(0, 1)}}
    ),
}  # fmt: skip
ZERO = {
    "unit": (unit_of_zeros, vectors, {"0": {(3,)}}),
    "unit, sin": (lambda: opposite(Formula(torch.sin), 3, 3, ("one.weight", 0, 0), ("one.bias", 0, 0),
                                   ("two.weight", 1, 0)), fives, {"one": {(3,)}}),
    "head": (head_of_zeros, shorter, {"layer.value": {(4, 5, 6, 7)}}),
}  # fmt: skip
# starts of which nothing may be said: the signs do not get through
BROKEN = {
    "relu": (lambda: filters(activation=torch.relu), images),
    "gelu": (lambda: formula(functional.gelu), fives),
    "sigmoid": (lambda: formula(torch.sigmoid), fives),
    "clipped unevenly": (lambda: filters(activation=lambda z: functional.hardtanh(z, -0.5, 0.6)), images),
    "layer norm": (lambda: stream(nn.LayerNorm), fives),
    "group norm of others": (lambda: filters(nn.GroupNorm(2, 6)), images),
    "queries": (lambda: heads("query"), shorter),
    "values": (lambda: heads("value"), shorter),
    "gated, opposite": (lambda: gated(gate=-1), vectors),
    "odd read as even": (lambda: formula(torch.tanh, out=1), fives),
    "even read as odd": (lambda: formula(torch.cos), fives),
    "shifted": (lambda: formula(lambda z: torch.tanh(z) + 0.1), fives),
    "largest": (lambda: formula(lambda z: z.tanh() * z.amax(-1, keepdim=True)), fives),
    "every gate": (lambda: recurrent(nn.LSTM, {0, 1, 2, 3}), sequences),
}
