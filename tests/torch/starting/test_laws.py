"""What the plan gives each kind of layer, against formulas written by hand; broken programs fail the battery."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from starting.models import TOKENS, Transformer, plain
from torch import nn

from symbreak import initializers
from symbreak.initializers.stacks import get
from symbreak.torch.starting import auto, gains, init_, plan, roles
from symbreak.torch.starting.graph import Graph

RELU = math.sqrt(2)
# Laws are written with four digits.
DIGITS = 1e-3


def conv(**options):
    channels = options.pop("channels", (8, 16))
    return nn.Sequential(nn.Conv2d(3, channels[0], 1), nn.ReLU(), nn.Conv2d(*channels, 3, **options))


def transposed(groups):
    return nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU(), nn.ConvTranspose2d(8, 12, 3, groups=groups))


IMAGE = torch.linspace(-1, 1, 2 * 3 * 64).reshape(2, 3, 8, 8)
ROWS = torch.linspace(-1, 1, 64).reshape(8, 8)
IMAGE_RMS, ROWS_RMS = (float(x.pow(2).mean().sqrt()) for x in (IMAGE, ROWS))

# name: model, batch, parameter, standard deviation
CASES = {
    "linear, reads the data": (nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 2)), ROWS, "0.weight",
                               1 / (ROWS_RMS * math.sqrt(8))),
    "linear, after relu": (nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 2)), ROWS, "2.weight",
                           RELU / math.sqrt(6)),
    "linear, after gelu": (nn.Sequential(nn.Linear(8, 6), nn.GELU(), nn.Linear(6, 2)), ROWS, "2.weight",
                           initializers.gain("gelu") / math.sqrt(6)),
    "convolution": (conv(), IMAGE, "2.weight", RELU / math.sqrt(8 * 9)),
    "convolution, strided": (conv(stride=2), IMAGE, "2.weight", RELU / math.sqrt(8 * 9)),
    "convolution, padded": (conv(padding=1), IMAGE, "2.weight", RELU / math.sqrt(8 * 9 * (22 / 24) ** 2)),
    "convolution, grouped": (conv(groups=4), IMAGE, "2.weight", RELU / math.sqrt(2 * 9)),
    "convolution, depthwise": (conv(channels=(8, 8), groups=8), IMAGE, "2.weight", RELU / math.sqrt(9)),
    "convolution, transposed": (transposed(1), IMAGE, "2.weight", RELU / math.sqrt(8 * 9)),
    "convolution, transposed in groups": (transposed(4), IMAGE, "2.weight", RELU / math.sqrt(2 * 9)),
    "convolution, 1-d": (nn.Sequential(nn.Conv1d(3, 8, 5), nn.ReLU(), nn.Conv1d(8, 4, 3)), IMAGE.flatten(2),
                         "2.weight", RELU / math.sqrt(8 * 3)),
    "convolution, 3-d": (nn.Sequential(nn.Conv3d(1, 4, 3), nn.ReLU(), nn.Conv3d(4, 2, 2)),
                         torch.ones(1, 1, 6, 6, 6), "2.weight", RELU / math.sqrt(4 * 8)),
    "embedding": (nn.Sequential(nn.Embedding(20, 8), nn.Linear(8, 2)), TOKENS, "0.weight", 1.0),
    "embeddings that are added": (Transformer(1), TOKENS, "place.weight", 1 / math.sqrt(2)),
    "branch, attention": (Transformer(6), TOKENS, "blocks.1.attention.out.weight", 1 / math.sqrt(16 * 12)),
    "branch, gated": (Transformer(6, gated=True), TOKENS, "blocks.2.down.weight",
                      initializers.gain("silu") / math.sqrt(32 * 12)),
    "query": (Transformer(3), TOKENS, "blocks.0.attention.query.weight", 1 / math.sqrt(16)),
    "branch without normalization": (Transformer(3, norm=""), TOKENS, "blocks.1.down.weight", 0.0),
}  # fmt: skip


def conv1d():
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(GPT2Config(vocab_size=20, n_embd=16, n_layer=2, n_head=2, n_positions=8))


def std(model, x, parameter):
    entry = plan(model, x)[parameter]
    return get(entry.law).law(entry.shape).std


def wrong(names=tuple(CASES)):
    """Names of the cases whose law is not the formula's."""
    found = []
    for name in names:
        model, x, parameter, expected = CASES[name]
        if not math.isclose(std(model, x, parameter), expected, rel_tol=DIGITS, abs_tol=0):
            found.append(name)
    return found


@pytest.mark.parametrize("name", CASES)
def test_the_law_is_the_formula(name):
    assert wrong([name]) == []


def swapped(role, weights):
    true = TRUE_FANS(role, weights)
    return replace(true, fan_in=true.fan_out, fan_out=true.fan_in)


def ungrouped(role, weights):
    true = TRUE_FANS(role, weights)
    return replace(true, fan_in=true.fan_in * true.groups)


def raw(role, weights):
    """PyTorch's own count: size(1) times the taps, which is wrong for transposed convolutions."""
    return replace(TRUE_FANS(role, weights), fan_in=math.prod(role.shape[1:]))


TRUE_FANS = roles._with_fans


@pytest.mark.parametrize("mutant", [swapped, ungrouped, raw])
def test_wrong_fans_are_noticed(mutant, monkeypatch):
    monkeypatch.setattr(roles, "_with_fans", mutant)
    assert wrong()


@pytest.mark.parametrize("factor", [math.sqrt(2), 1 / math.sqrt(2)])
def test_wrong_gains_are_noticed(factor, monkeypatch):
    true = gains.critical
    monkeypatch.setattr(gains, "critical", lambda name, depth: replace(known := true(name, depth),
                                                                       value=known.value * factor))  # fmt: skip
    assert set(wrong()) >= {"linear, after relu", "convolution, grouped", "branch, gated"}


def test_ignored_padding_is_noticed(monkeypatch):
    monkeypatch.setattr(roles, "tap_share", lambda module, size: 1.0)
    assert wrong() == ["convolution, padded"]


def test_the_layout_of_conv1d_is_in_out():
    model = conv1d()
    assert math.isclose(std(model, TOKENS, "transformer.h.0.mlp.c_fc.weight"), 1 / 4, rel_tol=DIGITS)
    expected = initializers.gain("gelu") / math.sqrt(64)
    assert math.isclose(std(model, TOKENS, "transformer.h.0.mlp.c_proj.weight"), expected, rel_tol=DIGITS)


def test_a_tied_embedding_is_as_small_as_the_output_asks():
    found = plan(conv1d(), TOKENS)["transformer.wte.weight"]
    assert math.isclose(get(found.law).law(found.shape).std, auto.TIED_LOGITS / 4, rel_tol=DIGITS)
    assert "tied" in found.reason


def test_the_row_of_the_padding_stays_zero():
    model = nn.Sequential(nn.Embedding(20, 8, padding_idx=3), nn.Linear(8, 2))
    init_(model, TOKENS, seed=0)
    zero = ~model[0].weight.detach().any(dim=1)
    assert zero.nonzero().flatten().tolist() == [3]


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.memory = kind(6, 8, batch_first=True)
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.memory(x)[0])


@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)])
def test_each_gate_of_a_recurrent_weight_is_orthogonal(kind, gates):
    model = Recurrent(kind)
    init_(model, torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(0)), seed=0)
    for block in model.memory.weight_hh_l0.detach().chunk(gates):
        assert torch.allclose(block @ block.T, torch.eye(8), atol=1e-5)


def test_the_forget_gate_of_an_lstm_is_open():
    model = Recurrent(nn.LSTM)
    init_(model, torch.ones(2, 5, 6), seed=0)
    total = (model.memory.bias_ih_l0 + model.memory.bias_hh_l0).tolist()
    assert total == [0.0] * 8 + [1.0] * 8 + [0.0] * 16


class Stretched(nn.Module):
    """Layers whose results are multiplied by omega before a function reads them."""

    def __init__(self, omega: float, function, width: int = 32) -> None:
        super().__init__()
        self.omega, self.function = omega, function
        self.layers = nn.ModuleList([nn.Linear(2, width), nn.Linear(width, width), nn.Linear(width, width)])
        self.head = nn.Linear(width, 1)

    def forward(self, x):
        for layer in self.layers:
            x = self.function(self.omega * layer(x))
        return self.head(x)


@pytest.mark.parametrize("function", [torch.sin, torch.tanh])
def test_what_multiplies_a_result_before_its_activation_divides_the_law(function):
    x = torch.rand(64, 2, generator=torch.Generator().manual_seed(0)) * 2 - 1
    plain, stretched = (plan(Stretched(omega, function), x) for omega in (1.0, 30.0))
    for name in ("layers.1.weight", "layers.2.weight"):
        laws = [get(each[name].law).law(each[name].shape).std for each in (plain, stretched)]
        assert math.isclose(laws[0] / laws[1], 30, rel_tol=1e-3)
    assert stretched["head.weight"].law == plain["head.weight"].law
    first = stretched["layers.0.weight"].law
    assert (first == "uniform(-0.5, 0.5)") == (function is torch.sin)


def test_what_an_activation_makes_of_a_result_beside_the_result_itself_divides_nothing():
    x = torch.rand(64, 2, generator=torch.Generator().manual_seed(0)) * 2 - 1
    quick = plan(Stretched(1.0, lambda z: z * torch.sigmoid(1.702 * z)), x)
    assert not any("multiplied" in entry.reason for entry in quick.entries)


def test_packed_attention_has_the_fans_of_its_parts():
    class Packed(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention, self.head = nn.MultiheadAttention(16, 2, batch_first=True), nn.Linear(16, 2)

        def forward(self, x):
            return self.head(self.attention(x, x, x, need_weights=False)[0])

    found = plan(Packed(), torch.ones(2, 4, 16))["attention.in_proj_weight"]
    assert math.isclose(get(found.law).law(found.shape).std, 1 / 4, rel_tol=DIGITS)
    assert "3 weights in one" in found.reason


def test_experts_in_one_tensor_have_their_own_fans():
    from check.architectures import ARCHITECTURES

    task = next(a for a in ARCHITECTURES if a.name == "Mixtral").build()
    found = plan(task.model, task.x)["model.layers.0.mlp.experts.gate_up_proj"]
    assert found.shape == (4, 128, 32)
    assert math.isclose(get(found.law).law(found.shape).std, 1 / math.sqrt(32), rel_tol=DIGITS)


def test_norms_and_what_is_unknown():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.norm, self.head = nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)
            self.scale, self.strange = nn.Parameter(torch.full((4,), 0.1)), nn.Parameter(torch.randn(3, 3))

        def forward(self, x):
            return self.head(self.norm(self.fc(x)) * self.scale) + torch.logdet(self.strange.T @ self.strange)

    found = plan(Own(), torch.randn(8, 4, generator=torch.Generator().manual_seed(0)))
    assert (found["norm.weight"].law, found["norm.bias"].law) == ("ones", "zeros")
    assert found["scale"].law is None
    assert "0.1 everywhere" in found["scale"].reason
    assert found["strange"].law is None
    assert "nothing is known" in found["strange"].reason


def test_without_a_batch_the_reasons_say_so():
    found = plan(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)))
    assert not found.observed
    assert all("no batch" in entry.reason for entry in found.entries if entry.parameter.endswith("weight"))
    assert math.isclose(get(found["2.weight"].law).law((2, 8)).std, RELU / math.sqrt(8), rel_tol=DIGITS)


def test_targets_set_the_last_bias():
    model, y = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), torch.zeros(98, dtype=torch.long)
    y[:9] = 1
    model_plan = plan(model, torch.randn(98, 4, generator=torch.Generator().manual_seed(0)), y=y,
                      loss_fn=nn.functional.cross_entropy)  # fmt: skip
    init_(model, seed=0, plan=model_plan)
    assert torch.allclose(model[2].bias.softmax(0), torch.tensor([0.9, 0.1]), atol=1e-3)


def test_a_bias_that_the_model_set_itself_stays():
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    nn.init.constant_(model[2].bias, -4.6)
    assert plan(model, torch.ones(2, 4))["2.bias"].law is None


DEPTH, WIDTH = 30, 64


def sizes(model, x):
    """Mean squares of what each activation gives, relative to the first's."""
    found = []
    for layer in model:
        x = layer(x)
        if not isinstance(layer, nn.Linear):
            found.append(float(x.detach().pow(2).mean()))
    return [each / found[0] for each in found]


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh, nn.GELU, nn.SiLU, nn.ELU])
@pytest.mark.parametrize("seed", range(3))
def test_the_signal_stays_within_bounds_at_depth(activation, seed):
    model = plain(DEPTH, WIDTH, activation)
    x = torch.randn(256, WIDTH, generator=torch.Generator().manual_seed(seed))
    init_(model, x, seed=seed)
    # Orthogonal blocks keep lengths; what remains is the activation's own drift, a few percent a layer.
    assert all(1 / 10 < size < 10 for size in sizes(model, x))


def test_a_gain_too_large_by_sqrt_2_leaves_the_bounds(monkeypatch):
    monkeypatch.setattr(gains, "orthogonal", lambda gain, rows, columns: gain * math.sqrt(2))
    model, x = plain(DEPTH, WIDTH, nn.ReLU), torch.ones(2, WIDTH)
    init_(model, x, seed=0)
    assert max(sizes(model, x)) > 10


def test_a_stretch_in_pairs_is_linear():
    model = plain(12, 32, nn.ReLU)
    x = torch.randn(3, 32, generator=torch.Generator().manual_seed(0))
    init_(model, torch.randn(64, 32, generator=torch.Generator().manual_seed(1)), seed=0)
    assert torch.allclose(model(x[0]) + model(x[1]), model(x[0] + x[1]), atol=1e-4)
    assert not torch.allclose(plain(12, 32, nn.ReLU)(x), model(x))


class ByHand(nn.Module):
    """A recurrent network of two matrices, with the inputs weighted at each step or before the first."""

    def __init__(self, gates=1, before=False):
        super().__init__()
        self.into, self.state = nn.Linear(5, gates * 8), nn.Linear(8, gates * 8, bias=False)
        self.head, self.gates, self.before = nn.Linear(8, 2), gates, before

    def forward(self, x):
        weighted, state, memory = self.into(x), torch.zeros(len(x), 8), torch.zeros(len(x), 8)
        for step in range(x.shape[1]):
            given = weighted[:, step] if self.before else self.into(x[:, step])
            if self.gates == 1:
                state = torch.tanh(self.state(state) + given)
            else:
                keep, write, value, show = (self.state(state) + given).chunk(4, -1)
                memory = torch.sigmoid(keep) * memory + torch.sigmoid(write) * torch.tanh(value)
                state = torch.sigmoid(show) * torch.tanh(memory)
        return self.head(state)


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("gates", [1, 4])
def test_a_recurrent_network_by_hand_keeps_its_state(gates, before):
    found = plan(ByHand(gates, before), torch.randn(4, 7, 5))
    assert found["state.weight"].law == " | ".join(["orthogonal(1)"] * gates)
    assert "zeros" not in found["into.weight"].law


def test_a_program_that_takes_a_state_for_a_stream_is_noticed(monkeypatch):
    monkeypatch.setattr(Graph, "reads_itself", lambda self, index: False)
    assert plan(ByHand(before=True), torch.randn(4, 7, 5))["state.weight"].law == "zeros"


class Again(nn.Module):
    """One matrix, read again and again: first what the first layer gives, then what a ReLU gives."""

    def __init__(self, stream):
        super().__init__()
        self.first, self.again, self.head, self.stream = nn.Linear(5, 8), nn.Linear(8, 8), nn.Linear(8, 2), stream

    def forward(self, x):
        x = self.first(x)
        for _ in range(5):
            x = x + torch.tanh(self.again(x)) if self.stream else torch.relu(self.again(x))
        return self.head(x)


def test_a_weight_that_is_read_again_has_the_gain_of_what_it_mostly_reads():
    assert plan(Again(stream=False), torch.randn(4, 5))["again.weight"].law == "orthogonal(1.414)"
    assert plan(Again(stream=True), torch.randn(4, 5))["again.weight"].law == "zeros"  # a stream that it is added to


@pytest.mark.parametrize("inputs", [1, 2, 4, 5])
@pytest.mark.parametrize(
    "function", [torch.relu, torch.tanh, torch.sin, lambda z: z], ids=["relu", "tanh", "sin", "no"]
)
def test_units_that_read_few_inputs_bend_at_different_places(inputs, function):
    class Places(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.head = nn.Linear(inputs, 8), nn.Linear(8, inputs)

        def forward(self, x):
            return self.head(function(self.first(x)))

    found = plan(Places(), torch.rand(32, inputs, generator=torch.Generator().manual_seed(0)) * 2 - 1)
    few = inputs < 5 and function in (torch.relu, torch.tanh)
    assert found["first.bias"].law == (auto.normal(1 / math.sqrt(inputs + 1)) if few else "zeros")
    assert found["head.bias"].law == "zeros"


def test_a_function_of_the_plane_is_learned_faster_than_through_the_origin(monkeypatch):
    def loss():
        generator = torch.Generator().manual_seed(0)
        x = torch.rand(256, 2, generator=generator) * 2 - 1
        y = torch.sin(3 * x[:, :1]) + x[:, 1:].abs()
        model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
        init_(model, seed=0, plan=plan(model, x, y=y))
        optimizer = torch.optim.Adam(model.parameters(), 0.003)
        for _ in range(200):
            error = (model(x) - y).square().mean()
            optimizer.zero_grad()
            error.backward()
            optimizer.step()
        return float(error.detach())

    spread = loss()
    monkeypatch.setattr(roles, "FEW", 0)
    assert spread < loss() / 2
