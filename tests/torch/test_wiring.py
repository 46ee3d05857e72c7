"""Which weight is used how: fans, axes, groups, biases, known by hand for every layer."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.utils import parametrizations
from torch.utils.checkpoint import checkpoint

from symbreak.diagnosis.wires import Wires
from symbreak.torch import views, wiring
from symbreak.torch.observe import observe


class Make(nn.Module):
    """A forward pass as a function of the module and the input; tensors become parameters."""

    def __init__(self, run, **parts):
        super().__init__()
        self.run = run
        for name, part in parts.items():
            setattr(self, name, nn.Parameter(part) if isinstance(part, torch.Tensor) else part)

    def forward(self, *x):
        return self.run(self, *x)


def draw(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(len(shape)))


def tokens(*shape):
    return torch.randint(11, shape, generator=torch.Generator().manual_seed(0))


def recurrent(kind, **options):
    return lambda: (Make(lambda s, x: s.m(x)[0], m=kind(5, 7, **options)), draw(2, 3, 5))


def attention(*, need_weights=True):
    return lambda: (
        Make(lambda s, x: s.m(x, x, x, need_weights=need_weights)[0], m=nn.MultiheadAttention(8, 2)),
        draw(2, 3, 8),
    )


def gated(gates, *, cell="m."):
    """W_ih reads 5, W_hh reads 7; all gates read the same input."""
    return {(f"{cell}weight_ih_l0", 5, 7 * gates, 0, 1, 1), (f"{cell}weight_hh_l0", 7, 7 * gates, 0, 1, 1)}


# (weight, fan_in, fan_out, out_axis, in_axis, groups); the bias where it is the operation's own
TABLE = {
    "linear": (lambda: (nn.Linear(5, 7), draw(4, 5)), {("weight", 5, 7, 0, 1, 1)}),
    "linear, sequences": (lambda: (nn.Linear(5, 7), draw(4, 3, 5)), {("weight", 5, 7, 0, 1, 1)}),
    "linear, no bias": (lambda: (nn.Linear(5, 7, bias=False), draw(4, 3, 5)), {("weight", 5, 7, 0, 1, 1)}),
    "linear, one sample": (lambda: (nn.Linear(5, 7), draw(5)), {("weight", 5, 7, 0, 1, 1)}),
    "conv 1d": (lambda: (nn.Conv1d(4, 6, 3), draw(2, 4, 9)), {("weight", 12, 18, 0, 1, 1)}),
    "conv 2d": (lambda: (nn.Conv2d(4, 6, (3, 5)), draw(2, 4, 9, 9)), {("weight", 60, 90, 0, 1, 1)}),
    "conv 3d": (lambda: (nn.Conv3d(4, 6, 3), draw(2, 4, 5, 5, 5)), {("weight", 108, 162, 0, 1, 1)}),
    "conv, no batch": (lambda: (nn.Conv2d(4, 6, 3), draw(4, 9, 9)), {("weight", 36, 54, 0, 1, 1)}),
    "conv, stride 2": (lambda: (nn.Conv2d(4, 6, 4, stride=2), draw(2, 4, 9, 9)), {("weight", 64, 24, 0, 1, 1)}),
    "conv, stride over kernel": (lambda: (nn.Conv2d(4, 6, 1, stride=2), draw(2, 4, 9, 9)), {("weight", 4, 6, 0, 1, 1)}),
    "grouped": (lambda: (nn.Conv2d(4, 6, 3, groups=2), draw(2, 4, 9, 9)), {("weight", 18, 27, 0, None, 2)}),
    "depthwise": (lambda: (nn.Conv2d(4, 8, 3, groups=4), draw(2, 4, 9, 9)), {("weight", 9, 18, 0, None, 4)}),
    "transposed": (lambda: (nn.ConvTranspose2d(4, 6, 4, stride=2), draw(2, 4, 9, 9)), {("weight", 16, 96, 1, 0, 1)}),
    "transposed, grouped": (
        lambda: (nn.ConvTranspose2d(4, 6, 4, stride=2, groups=2), draw(2, 4, 9, 9)),
        {("weight", 8, 48, None, 0, 2)},
    ),
    "x @ w": (lambda: (Make(lambda s, x: x @ s.w, w=draw(5, 7)), draw(4, 5)), {("w", 5, 7, 1, 0, 1)}),
    "w @ x": (lambda: (Make(lambda s, x: s.w @ x.T, w=draw(7, 5)), draw(4, 5)), {("w", 5, 7, 0, 1, 1)}),
    "x @ vector": (lambda: (Make(lambda s, x: x @ s.w, w=draw(5)), draw(4, 5)), {("w", 5, 1, None, 0, 1)}),
    "GPT-2's Conv1D": (
        lambda: (Make(lambda s, x: torch.addmm(s.b, x.view(-1, 5), s.w), w=draw(5, 7), b=draw(7)), draw(4, 3, 5)),
        {("w", 5, 7, 1, 0, 1)},
    ),
    "einsum": (
        lambda: (Make(lambda s, x: torch.einsum("bi,oi->bo", x, s.w), w=draw(7, 5)), draw(4, 5)),
        {("w", 5, 7, 0, 1, 1)},
    ),
    "einsum, square": (
        lambda: (Make(lambda s, x: torch.einsum("bti,io->bto", x, s.w), w=draw(5, 5)), draw(4, 3, 5)),
        {("w", 5, 5, 1, 0, 1)},
    ),
    "einsum into heads": (
        lambda: (Make(lambda s, x: torch.einsum("bti,hid->bthd", x, s.w), w=draw(2, 5, 3)), draw(4, 3, 5)),
        {("w", 5, 6, None, 1, 1)},
    ),
    "einsum out of heads": (
        lambda: (Make(lambda s, x: torch.einsum("bthd,hdo->bto", x, s.w), w=draw(2, 3, 5)), draw(4, 3, 2, 3)),
        {("w", 6, 5, 2, None, 1)},
    ),
    "experts, bmm": (
        lambda: (Make(lambda s, x: torch.bmm(x, s.w), w=draw(3, 5, 7)), draw(3, 4, 5)), {("w", 5, 7, 2, 1, 1)},
    ),
    "experts, baddbmm": (
        lambda: (Make(lambda s, x: torch.baddbmm(s.b, x, s.w), w=draw(3, 5, 7), b=draw(3, 1, 7)), draw(3, 4, 5)),
        {("w", 5, 7, 2, 1, 1)},
    ),
    "embedding": (lambda: (nn.Embedding(11, 4), tokens(3, 5)), {("weight", 1, 4, 1, None, 1)}),
    "bag of embeddings": (lambda: (nn.EmbeddingBag(11, 4), tokens(3, 5)), {("weight", 1, 4, 1, None, 1)}),
    "rows by index": (lambda: (Make(lambda s, x: s.w[x], w=draw(11, 4)), tokens(3, 5)), {("w", 1, 4, 1, None, 1)}),
    "one-hot times table": (
        lambda: (Make(lambda s, x: F.one_hot(x, 11).float() @ s.w, w=draw(11, 4)), tokens(3, 5)),
        {("w", 11, 4, 1, 0, 1)},
    ),
    "attention": (attention(), {("m.in_proj_weight", 8, 24, 0, 1, 1), ("m.out_proj.weight", 8, 8, 0, 1, 1)}),
    "attention, fused": (
        attention(need_weights=False), {("m.in_proj_weight", 8, 24, 0, 1, 1), ("m.out_proj.weight", 8, 8, 0, 1, 1)},
    ),
    "attention to others": (
        lambda: (Make(lambda s, x, z: s.m(x, z, z)[0], m=nn.MultiheadAttention(8, 2)), (draw(2, 3, 8), draw(2, 3, 8))),
        {
            ("m.in_proj_weight", 8, 8, 0, 1, 1), ("m.in_proj_weight", 8, 16, 0, 1, 1),
            ("m.out_proj.weight", 8, 8, 0, 1, 1),
        },
    ),
    "lstm": (recurrent(nn.LSTM), gated(4)),
    "lstm, float64": (
        lambda: (Make(lambda s, x: s.m(x)[0], m=nn.LSTM(5, 7).double()), draw(2, 3, 5).double()), gated(4),
    ),
    "lstm, no bias": (recurrent(nn.LSTM, bias=False), gated(4)),
    "gru": (recurrent(nn.GRU), gated(3)),
    "rnn": (recurrent(nn.RNN), gated(1)),
    "rnn, relu": (recurrent(nn.RNN, nonlinearity="relu"), gated(1)),
    "halves of a fused weight": (
        lambda: (Make(lambda s, x: F.linear(x, s.w[:4]) * F.linear(x, s.w[4:]), w=draw(8, 5)), draw(3, 5)),
        {("w", 5, 4, 0, 1, 1)},
    ),
    "weight norm": (
        lambda: (parametrizations.weight_norm(nn.Linear(5, 7)), draw(4, 5)),
        {("parametrizations.weight.original1", 5, 7, 0, 1, 1)},
    ),
    "spectral norm": (
        lambda: (parametrizations.spectral_norm(nn.Linear(5, 7)), draw(4, 5)),
        {("parametrizations.weight.original", 5, 7, 0, 1, 1)},
    ),
    "standardized weight": (
        lambda: (Make(lambda s, x: F.conv2d(x, (s.w - s.w.mean()) / s.w.std()), w=draw(6, 4, 3, 3)), draw(2, 4, 9, 9)),
        {("w", 36, 54, 0, 1, 1)},
    ),
    "scaled weight": (
        lambda: (Make(lambda s, x: F.linear(x, s.w * 0.5), w=draw(7, 5)), draw(4, 5)), {("w", 5, 7, 0, 1, 1)},
    ),
    "unfolded convolution": (
        lambda: (Make(lambda s, x: s.w @ F.unfold(x, 3), w=draw(6, 36)), draw(2, 4, 9, 9)), {("w", 36, 6, 0, 1, 1)},
    ),
    "checkpointed": (
        lambda: (Make(lambda s, x: checkpoint(s.m, x, use_reentrant=False), m=nn.Linear(5, 7)), draw(4, 5)),
        {("m.weight", 5, 7, 0, 1, 1)},
    ),
    "compiled": (
        lambda: (torch.compile(nn.Linear(5, 7), backend="eager"), draw(4, 5)), {("_orig_mod.weight", 5, 7, 0, 1, 1)},
    ),
    "half precision": (lambda: (nn.Linear(5, 7).half(), draw(4, 5).half()), {("weight", 5, 7, 0, 1, 1)}),
    "bfloat16": (lambda: (nn.Conv2d(4, 6, 3).bfloat16(), draw(2, 4, 9, 9).bfloat16()), {("weight", 36, 54, 0, 1, 1)}),
}  # fmt: skip


def facts(case):
    model, x = TABLE[case][0]()
    used = [operation.weight for operation in observe(model, x).operations if operation.weight is not None]
    return {(w.parameter, w.fan_in, w.fan_out, w.out_axis, w.in_axis, w.groups) for w in used}


@pytest.mark.filterwarnings("ignore:.*is not supported with oneDNN")
@pytest.mark.parametrize("case", TABLE)
def test_weights_are_used_as_is_known(case):
    assert facts(case) == TABLE[case][1]


def test_a_transposed_convolution_says_so():
    model, x = TABLE["transposed"][0]()
    assert [op.weight.transposed for op in observe(model, x).operations if op.weight] == [True]


@pytest.mark.parametrize(
    ("case", "bias"),
    [("linear", "bias"), ("conv 2d", "bias"), ("GPT-2's Conv1D", "b"), ("experts, baddbmm", "b"), ("x @ w", None)],
)
def test_biases_are_found(case, bias):
    model, x = TABLE[case][0]()
    assert [op.bias for op in observe(model, x).operations if op.weight] == [bias]


@pytest.mark.parametrize(
    ("case", "units"),
    [
        ("linear, sequences", 7),
        ("conv 2d", 6),
        ("conv, no batch", 6),
        ("w @ x", 7),
        ("unfolded convolution", 6),
        ("lstm", 28),
    ],
)
def test_units_are_counted_along_their_axis(case, units):
    model, x = TABLE[case][0]()
    assert {op.signal.units for op in observe(model, x).operations if op.weight is not None} == {units}


def test_tied_weights_are_one_parameter_used_twice():
    table = nn.Embedding(11, 4)
    model = Make(lambda s, x: F.linear(s.table(x), s.head.weight), table=table, head=nn.Linear(4, 11, bias=False))
    model.head.weight = table.weight
    seen = observe(model, tokens(3, 5))
    assert [p.names for p in seen.parameters] == [("table.weight", "head.weight")]
    uses = [(op.kind, op.weight.parameter) for op in seen.operations if op.weight]
    assert uses == [("embedding", "table.weight"), ("linear", "table.weight")]


def rms(x):
    return x.pow(2).mean(-1, keepdim=True)


NORMS = {
    "rsqrt": lambda s, x: x * torch.rsqrt(rms(x) + 1e-6) * s.g,
    "sqrt": lambda s, x: x / torch.sqrt(rms(x) + 1e-6) * s.g,
    "power": lambda s, x: x * (rms(x) + 1e-6).pow(-0.5),
    "half power": lambda s, x: x / (rms(x) + 1e-6) ** 0.5,
    "one over": lambda s, x: x * (1 / (rms(x) + 1e-6).sqrt()),
    "norm": lambda s, x: x / x.norm(dim=-1, keepdim=True) * s.g,
    "normalize": lambda s, x: F.normalize(x, dim=-1),
    "std": lambda s, x: (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-5),
    "rms_norm": lambda s, x: F.rms_norm(x, (5,)),
    "layer_norm": lambda s, x: F.layer_norm(x, (5,)),
    "batch_norm": lambda s, x: F.batch_norm(x, None, None, training=True),
}


@pytest.mark.parametrize("spelling", NORMS)
def test_a_norm_is_a_norm_however_it_is_spelled(spelling):
    seen = observe(Make(lambda s, x: NORMS[spelling](s, s.m(x)), m=nn.Linear(5, 5), g=torch.ones(5)), draw(4, 5))
    assert "norm" in {operation.kind for operation in seen.operations}
    first = next(op for op in seen.operations if op.weight)
    assert Wires(seen).followed_by(first, "norm") or spelling == "std"  # there, the mean is taken off before


NO_NORMS = {
    "by a number": lambda s, x: x / math.sqrt(5),
    "by a root of a weight": lambda s, x: x / s.g.square().sqrt(),
    "by a sum": lambda s, x: x / x.sum(),
    "gate": lambda s, x: x * torch.sigmoid(x),
}


@pytest.mark.parametrize("spelling", NO_NORMS)
def test_what_is_no_norm_is_none(spelling):
    seen = observe(Make(lambda s, x: NO_NORMS[spelling](s, s.m(x)), m=nn.Linear(5, 5), g=torch.ones(5)), draw(4, 5))
    assert "norm" not in {operation.kind for operation in seen.operations}


ACTIVATIONS = {
    "relu": F.relu, "relu_": F.relu_, "clamp_min": lambda x: x.clamp_min(0), "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "gelu": F.gelu, "silu": F.silu, "elu(1)": F.elu, "selu": F.selu, "softplus": F.softplus, "mish": F.mish,
    "leaky_relu(0.01)": F.leaky_relu, "hardtanh": F.hardtanh, "hardswish": F.hardswish,
}  # fmt: skip


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_told_by_what_they_do(name):
    activation = ACTIVATIONS[name]
    model = Make(lambda s, x: s.b(activation(s.a(x))), a=nn.Linear(5, 5), b=nn.Linear(5, 3))
    wires = Wires(observe(model, draw(4, 5)))
    said = {"relu_": "relu", "clamp_min": "relu"}.get(name, name)
    assert wires.activation_before(wires.weighted[1]) == said
    assert wires.weighted[1].index in wires.outputs
    assert wires.leads_on(wires.weighted[0])


def test_dropout_is_noise_that_leaves_the_mean_pass():
    model = nn.Sequential(nn.Linear(5, 5), nn.Dropout(0.5), nn.Linear(5, 3))
    seen = observe(model, draw(4, 5))
    assert seen.noise == ("1",)
    first, last = (op for op in seen.operations if op.weight)
    assert math.isclose(next(Wires(seen).sources(last)).signal.rms, first.signal.rms)


def test_a_residual_sum_is_off_the_trunk_s_only_path():
    model = Make(lambda s, x: s.c(x + s.b(torch.relu(s.a(x)))), a=nn.Linear(5, 5), b=nn.Linear(5, 5), c=nn.Linear(5, 3))
    wires = Wires(observe(model, draw(4, 5)))
    a, b, c = wires.weighted
    assert {a.index, b.index} & {op.index for op in wires.trunk} == set()
    assert c.index in {op.index for op in wires.trunk}
    assert [reader.kind for reader in wires.readers(b)] == ["add"]


MUTANTS = {
    "taps forgotten": (wiring, "math", SimpleNamespace(prod=lambda items: 1), "conv 2d"),
    "axes not followed": (wiring, "moved", lambda record, axes: axes, "einsum"),
    "axes of size 1 are not skipped": (views, "reshaped", lambda before, after, axes: (None,) * len(after), "einsum"),
    "factors swapped": (wiring, "MATRIX_OPERANDS", {"mm": ("mat2", "self", None)}, "w @ x"),
    "nothing looked up": (wiring.Wiring, "_looked_up", lambda self, record: None, "rows by index"),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutants_are_rejected(mutant, monkeypatch):
    place, name, broken, case = MUTANTS[mutant]
    model, x = TABLE[case][0]()
    monkeypatch.setattr(place, name, broken)
    used = [operation.weight for operation in observe(model, x).operations if operation.weight is not None]
    assert {(w.parameter, w.fan_in, w.fan_out, w.out_axis, w.in_axis, w.groups) for w in used} != TABLE[case][1]
