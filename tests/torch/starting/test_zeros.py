"""Zeros that a model has on purpose, and zeros that a plan must not make; biases of gates; routers and experts."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

import symbreak
from symbreak.errors import InvalidInput
from symbreak.torch.calibrating import calibrate_
from symbreak.torch.starting import graph, init_, plan, roles

WIDTH = 16
X = torch.randn(32, WIDTH, generator=torch.Generator().manual_seed(0))
TOKENS = torch.arange(32).reshape(8, 4) % 11


class ReZero(nn.Module):
    """x + alpha f(x), with alpha = 0 (Bachlechner et al., arXiv:2003.04887)."""

    def __init__(self, alpha=0.0):
        super().__init__()
        self.up, self.down = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)
        self.alpha = nn.Parameter(torch.full((1,), alpha))

    def forward(self, x):
        return x + self.alpha * self.down(functional.relu(self.up(x)))


class Factors(nn.Module):
    """A frozen layer and x A E B beside it, with E = 0, as AdaLoRA has it."""

    def __init__(self):
        super().__init__()
        self.base = nn.Linear(WIDTH, WIDTH).requires_grad_(False)
        self.a, self.b = nn.Parameter(torch.randn(4, WIDTH)), nn.Parameter(torch.randn(WIDTH, 4))
        self.e = nn.Parameter(torch.zeros(4, 1))

    def forward(self, x):
        return self.base(x) + x @ (self.a * self.e).T @ self.b.T


class Adapted(nn.Module):
    """LoRA beside an embedding, whose first factor is zero."""

    def __init__(self):
        super().__init__()
        self.table, self.a = nn.Embedding(11, WIDTH).requires_grad_(False), nn.Parameter(torch.zeros(11, 3))
        self.b, self.head = nn.Parameter(torch.randn(3, WIDTH)), nn.Linear(WIDTH, 3)

    def forward(self, tokens):
        return self.head(self.table(tokens) + functional.embedding(tokens, self.a) @ self.b)


class Modulated(nn.Module):
    """adaLN-Zero: shift, scale and gate from one weight that is zero (Peebles and Xie, arXiv:2212.09748)."""

    def __init__(self):
        super().__init__()
        self.ada, self.norm = nn.Linear(WIDTH, 3 * WIDTH), nn.LayerNorm(WIDTH, elementwise_affine=False)
        self.up, self.down = nn.Linear(WIDTH, 32), nn.Linear(32, WIDTH)
        nn.init.zeros_(self.ada.weight)
        nn.init.zeros_(self.ada.bias)

    def forward(self, x):
        shift, scale, gate = self.ada(functional.silu(x)).chunk(3, -1)
        return x + gate * self.down(functional.gelu(self.up(self.norm(x) * (1 + scale) + shift)))


class Highway(nn.Module):
    def __init__(self, bias=-2.0):
        super().__init__()
        self.gate, self.path = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        nn.init.constant_(self.gate.bias, bias)

    def forward(self, x):
        gate = torch.sigmoid(self.gate(x))
        return gate * torch.tanh(self.path(x)) + (1 - gate) * x


class Routed(nn.Module):
    """Each row goes to two of four experts, as the router says; one bias for each expert."""

    def __init__(self, share):
        super().__init__()
        self.share, self.router = share, nn.Linear(WIDTH, 4)
        self.up = nn.ModuleList(nn.Linear(WIDTH, 8) for _ in range(4))
        self.down = nn.ModuleList(nn.Linear(8, WIDTH, bias=False) for _ in range(4))
        self.bias = nn.Parameter(torch.randn(4, WIDTH))

    def forward(self, x):
        best, which = self.router(x).topk(2, -1)
        weights, total = self.share(best), torch.zeros_like(x)
        for number, (up, down) in enumerate(zip(self.up, self.down, strict=True)):
            row, place = (which == number).nonzero(as_tuple=True)
            made = down(functional.gelu(up(x[row]))) + self.bias[which[row, place]]
            total = total.index_add(0, row, made * weights[row, place][:, None])
        return x + total


class Stacked(nn.Module):
    """Experts in one tensor, in one einsum that makes one product of them."""

    def __init__(self):
        super().__init__()
        self.up, self.head = nn.Parameter(torch.randn(4, WIDTH, 8)), nn.Linear(32, 3)

    def forward(self, x):
        return self.head(functional.relu(torch.einsum("bd,edf->bef", x, self.up)).flatten(1))


def between(block):
    return nn.Sequential(nn.Linear(WIDTH, WIDTH), block, nn.Linear(WIDTH, 3))


def laws(model, x=X):
    return {entry.parameter: entry.law for entry in plan(model, x).entries}


def faults(model, x=X):
    init_(model, x, seed=0)
    return [finding.rule for finding in symbreak.check(model, x).findings if finding.severity != "info"]


CLOSED = {"rezero": ReZero, "nearly closed": lambda: ReZero(1e-6), "a zero factor before": Factors}


@pytest.mark.parametrize("name", CLOSED)
def test_a_branch_that_is_closed_is_not_closed_twice(name):
    model = between(CLOSED[name]())
    found = laws(model)
    assert found["1.down.weight" if name != "a zero factor before" else "1.b"] != "zeros"
    assert faults(model) == []
    with torch.no_grad():
        last = model[1].down.weight if name != "a zero factor before" else model[1].b
        last.zero_()  # by hand, say: the gate tells
    if name != "a zero factor before":
        assert laws(model)["1.down.weight"] != "zeros"


def test_a_branch_that_is_open_is_closed_by_its_last_weight():
    assert laws(between(ReZero(1.0)))["1.down.weight"] == "zeros"
    assert faults(between(ReZero(1.0))) == []


def test_a_program_that_closes_twice_is_noticed(monkeypatch):
    monkeypatch.setattr(graph, "is_closed", lambda *_: False)
    assert "stuck-parameters" in faults(between(ReZero()))


def test_fixup_does_not_close_what_is_closed():
    with pytest.raises(InvalidInput, match=r"1\.down\.weight closes"):
        plan(between(ReZero()), X, scheme="fixup")


def test_what_a_model_starts_at_zero_soundly_stays_zero():
    assert laws(Adapted(), TOKENS)["a"] == "zeros"
    assert faults(Adapted(), TOKENS) == []
    assert laws(between(Modulated()))["1.ada.weight"] == "zeros"
    assert faults(between(Modulated())) == []
    head = between(nn.Tanh())
    nn.init.zeros_(head[2].weight)
    assert laws(head)["2.weight"] == "zeros"
    assert faults(head) == []


def test_zeros_that_are_no_start_are_replaced():
    model = nn.Sequential(nn.Linear(WIDTH, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 3))
    for zeroed in ([0], [2], [0, 2, 4]):
        for place in zeroed:
            nn.init.zeros_(model[place].weight)
        if len(zeroed) == 3:
            for place in zeroed:
                nn.init.zeros_(model[place].bias)
        assert "zeros" not in [laws(model)[f"{place}.weight"] for place in zeroed]
        assert faults(model) == []
    adapted = Adapted()
    nn.init.zeros_(adapted.b)  # both factors: nothing would ever move
    assert laws(adapted, TOKENS)["a"] != "zeros"


def test_the_bias_of_a_gate_is_the_models():
    assert laws(between(Highway()))["1.gate.bias"] is None
    assert laws(between(Highway(0.01)))["1.gate.bias"] is None  # set on purpose, if small
    assert laws(between(Highway(-100.0)))["1.gate.bias"] == "zeros"  # shut for ever
    plain = between(Highway())
    nn.init.uniform_(plain[1].gate.bias, -0.1, 0.1)
    assert laws(plain)["1.gate.bias"] == "zeros"
    assert laws(between(Highway()))["1.path.bias"] == "zeros"


@pytest.mark.parametrize("share", [torch.sigmoid, lambda best: best.softmax(-1)], ids=["sigmoid", "softmax"])
def test_routers_close_no_branch_and_biases_of_experts_are_zero(share):
    torch.manual_seed(0)
    found = laws(between(Routed(share)))
    assert found["1.router.weight"].startswith("normal")
    assert found["1.bias"] == "zeros"
    assert {found[f"1.down.{number}.weight"] for number in range(4)} == {"zeros"}


def test_experts_in_one_product_are_taken_apart():
    entry = plan(Stacked(), X)["up"]
    assert "4 weights in one, fan_in 16" in entry.reason
    role = next(role for role in roles.roles(Stacked(), None) if role.name == "up")
    assert role.kind == "unknown"  # without a batch


def test_the_bias_of_a_transposed_convolution_is_no_own_one():
    model = nn.Sequential(nn.Conv1d(2, 6, 3), nn.Tanh(), nn.ConvTranspose1d(6, 3, 3))
    for seed in range(5):
        torch.manual_seed(seed)
        nn.init.uniform_(model[2].bias, -1 / 3, 1 / 3)  # PyTorch's own: size(1) times the taps is 9
        assert plan(model, torch.randn(4, 2, 9))["2.bias"].law == "zeros"


class Overlapping(nn.Module):
    def __init__(self):
        super().__init__()
        both = torch.randn(3 * WIDTH // 2, WIDTH)
        self.first, self.second = nn.Parameter(both[:WIDTH]), nn.Parameter(both[WIDTH // 2 :])

    def forward(self, x):
        return torch.tanh(x @ self.first.T) @ self.second.T


class Expanded(nn.Module):
    def __init__(self):
        super().__init__()
        self.rows, self.head = nn.Parameter(torch.randn(1, WIDTH).expand(WIDTH, WIDTH)), nn.Linear(WIDTH, 2)

    def forward(self, x):
        return self.head(x @ self.rows.T)


def test_calibration_refuses_parameters_that_share_memory():
    model = Overlapping()
    before = model.first.detach().clone()
    with pytest.raises(InvalidInput, match="first and second"):
        calibrate_(model, X)
    assert torch.equal(model.first, before)
    with pytest.raises(InvalidInput, match="rows cannot be filled"):
        calibrate_(Expanded(), X)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_batch_without_numbers_is_refused(value):
    broken = X.clone()
    broken[3, 3] = value
    for act in (plan, calibrate_):
        with pytest.raises(InvalidInput, match="inf or nan in x"):
            act(nn.Linear(WIDTH, 2), broken)


class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.head = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 2)

    def forward(self, x, mask):
        q = self.qkv(x)
        return self.head(functional.scaled_dot_product_attention(q, q, q, attn_mask=mask))


def test_a_mask_with_minus_infinity_is_data_as_any():
    mask = torch.full((5, 5), -torch.inf).triu(1)
    x = torch.randn(4, 5, WIDTH)
    assert plan(Masked(), (x, mask))["qkv.weight"].law
    assert not calibrate_(Masked(), (x, mask)).refused


def test_a_batch_of_zeros_is_told():
    assert "zero in this batch" in plan(nn.Linear(WIDTH, 2), torch.zeros(4, WIDTH))["weight"].reason


@pytest.mark.parametrize("options", [{"plan": {"weight": "zeros"}}, {"only": 3}, {"only": [3]}])
def test_arguments_of_other_types_are_refused(options):
    with pytest.raises(InvalidInput):
        init_(nn.Linear(WIDTH, 2), X, seed=0, **options)


def test_overrides_are_a_mapping():
    with pytest.raises(InvalidInput, match="laws by patterns"):
        plan(nn.Linear(WIDTH, 2), X, overrides=["weight"])


class Turned(nn.Module):
    """Rotary positions cut heads in two, which makes no two weights; a gate and its value do."""

    def __init__(self):
        super().__init__()
        self.turn, self.both, self.head = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 8), nn.Linear(4, 2)

    def forward(self, x):
        left, right = self.turn(x).unflatten(-1, (4, 4)).chunk(2, -1)
        gate, value = self.both(torch.cat([right, left], -1).flatten(-2)).chunk(2, -1)
        return self.head(functional.silu(gate) * value)


def test_parts_are_those_of_the_units():
    found = plan(Turned(), X)
    assert "weights in one" not in found["turn.weight"].reason
    assert "2 weights in one" in found["both.weight"].reason
