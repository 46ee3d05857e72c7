"""What zeros are proved to hold still: against training, on products of every kind; wrong rules are caught."""

from __future__ import annotations

import copy

import pytest
import torch
from check.families import CASES, built
from check.nets import mlp
from torch import nn
from torch.nn import functional

import symbreak
from symbreak.torch import zero_rules
from symbreak.torch.observe import observe

STEPS = 30


def proved(model, x):
    found = observe(model, x).still
    return set(found.stuck) if found is not None else set()


def unmoved(model, x, *, seed=0):
    """Which parameters steps of gradient descent leave as they were, to the last bit, from a start like this one.

    All that is not zero is drawn anew, and the inputs too: what is proved holds for any of them.
    """
    torch.manual_seed(seed)
    twin = copy.deepcopy(model).double().train()
    with torch.no_grad():
        for parameter in twin.parameters():
            if parameter.any():
                parameter.normal_(0, 0.5)
    before = {name: p.detach().clone() for name, p in twin.named_parameters()}
    descent = torch.optim.SGD([p for p in twin.parameters() if p.requires_grad], lr=0.05)
    for _ in range(STEPS):
        given = torch.randn_like(x, dtype=torch.float64) if x.is_floating_point() else x
        output = twin(given)
        output = output if isinstance(output, torch.Tensor) else output.logits
        descent.zero_grad()
        ((output - torch.randn_like(output)) ** 2).mean().backward()
        descent.step()
    used = {name: p for name, p in twin.named_parameters() if p.grad is not None}
    return {name for name, p in used.items() if torch.equal(p, before[name])}


@pytest.mark.parametrize(("name", "breaking"), CASES)
def test_what_is_proved_never_moves(name, breaking):
    model, x = built(name, breaking)
    assert proved(model, x) <= unmoved(model, x)


class Net(nn.Module):
    """Two layers of six units with something in between."""

    def __init__(self, between):
        super().__init__()
        self.one, self.two, self.out = nn.Linear(4, 6), nn.Linear(4, 6), nn.Linear(6, 3)
        self.scale = nn.Parameter(torch.zeros(6))
        self.between = between

    def forward(self, x):
        return self.out(self.between(self, x))


class Product(nn.Module):
    """Attention of which each part can be zero."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(4, 4, bias=False) for _ in range(4))

    def forward(self, x):
        q, k, v = (layer(x).unflatten(-1, (2, 2)).transpose(1, 2) for layer in (self.q, self.k, self.v))
        return self.out(functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


def net(between, *zero):
    def build():
        model = Net(between)
        for name in zero:
            for parameter in [model.scale] if name == "scale" else model.get_submodule(name).parameters():
                nn.init.zeros_(parameter)
        return model, torch.randn(8, 4)

    return build


def product(*zero):
    def build():
        model = Product()
        for name in zero:
            nn.init.zeros_(model.get_submodule(name).weight)
        return model, torch.randn(8, 5, 4)

    return build


def norm(kind, *zero):
    def build():
        model = nn.Sequential(nn.Linear(4, 6, bias=False), kind, nn.Linear(6, 3))
        for place in zero:
            for parameter in model[place].parameters():
                nn.init.zeros_(parameter)
        return model, torch.randn(8, 4)

    return build


def convolved(*zero):
    def build():
        model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Tanh(), nn.Conv2d(4, 3, 3))
        for place in zero:
            for parameter in model[place].parameters():
                nn.init.zeros_(parameter)
        return model, torch.randn(2, 2, 6, 6)

    return build


ONE, TWO = {"one.weight", "one.bias"}, {"two.weight", "two.bias"}
# a start, and all of its parameters that no gradient reaches
STARTS = {
    "both factors": (net(lambda m, x: m.one(x) * m.two(x), "one", "two"), {*ONE, *TWO, "out.weight"}),
    "one factor": (net(lambda m, x: m.one(x) * m.two(x), "one"), set()),
    "a factor and the way on": (net(lambda m, x: m.one(x) * m.two(x), "one", "out"), {*ONE, *TWO, "out.weight"}),
    "gate": (net(lambda m, x: functional.silu(m.one(x)) * m.two(x), "one", "two"), {*ONE, *TWO, "out.weight"}),
    "gate that is open": (net(lambda m, x: torch.sigmoid(m.one(x)) * m.two(x), "one", "two"), set()),
    "quotient": (net(lambda m, x: m.scale / (1 + m.one(x) ** 2), "scale", "out"), {*ONE, "scale", "out.weight"}),
    "off": (net(lambda m, x: torch.relu(m.one(x)), "one"), {*ONE, "out.weight"}),
    "off, clipped": (net(lambda m, x: functional.relu6(m.one(x)), "one"), {*ONE, "out.weight"}),
    "not off": (net(lambda m, x: m.one(x).clamp(min=0), "one"), set()),
    "not off, clipped": (net(lambda m, x: functional.hardtanh(m.one(x)), "one"), set()),
    "clipped above zero": (net(lambda m, x: functional.hardtanh(m.one(x), 0.5, 1), "one"), ONE),
    "leaking": (net(lambda m, x: functional.leaky_relu(m.one(x)), "one"), set()),
    "scaled away": (net(lambda m, x: m.scale * torch.tanh(m.one(x)), "scale"), set()),
    "scaled away twice": (net(lambda m, x: m.scale * torch.tanh(m.one(x)), "scale", "out"),
                          {*ONE, "scale", "out.weight"}),
    "added": (net(lambda m, x: m.one(x) + m.two(x), "one", "two"), set()),
    "added, then nothing": (net(lambda m, x: m.one(x) + m.two(x), "one", "two", "out"),
                            {*ONE, *TWO, "out.weight"}),
    "beside": (net(lambda m, x: torch.cat([m.one(x)[:, :3], m.two(x)[:, 3:]], 1), "one", "out"), ONE),
    "chosen": (net(lambda m, x: torch.where(x[:, :1] > 0, m.one(x), m.two(x)), "one", "two", "out"),
               {*ONE, *TWO, "out.weight"}),
    "queries and keys": (product("q", "k"), {"q.weight", "k.weight"}),
    "queries": (product("q"), set()),
    "values": (product("v"), set()),
    "values and the way on": (product("v", "out"), {"q.weight", "k.weight", "v.weight", "out.weight"}),
    "all of attention": (product("q", "k", "v", "out"), {"q.weight", "k.weight", "v.weight", "out.weight"}),
    "layer norm of zeros": (norm(nn.LayerNorm(6), 0, 1), {"0.weight", "1.weight"}),
    "layer norm": (norm(nn.LayerNorm(6), 1), set()),
    "layer norm, and nothing behind": (norm(nn.LayerNorm(6), 1, 2), {"0.weight", "1.weight", "2.weight", "1.bias"}),
    "batch norm of zeros": (norm(nn.BatchNorm1d(6), 0, 1), {"0.weight", "1.weight"}),
    "group norm of zeros": (norm(nn.GroupNorm(2, 6), 0, 1), {"0.weight", "1.weight"}),
    "rms norm of zeros": (norm(nn.RMSNorm(6), 0, 1), {"0.weight", "1.weight", "2.weight"}),
    "both kernels": (convolved(0, 2), {"0.weight", "0.bias", "2.weight"}),
    "one kernel": (convolved(2), set()),
}  # fmt: skip


# Half of the columns of `out` stay zero, and half do not: zeros are told of whole tensors.
INCOMPLETE = {"beside"}


@pytest.mark.parametrize("name", STARTS)
def test_it_is_what_training_leaves_alone(name):
    torch.manual_seed(1)
    build, expected = STARTS[name]
    model, x = build()
    assert unmoved(model, x) == expected
    assert proved(model, x) == (set() if name in INCOMPLETE else expected)


# --- mutants: rules that find zeros, or stop gradients, where there are none


def every(given):
    """A wrong rule: whatever goes in, a zero comes out."""
    return True


def any_of(given):
    """A wrong rule: one zero among the terms is enough."""
    return given.is_zero("self", "other")


def all_stopped(given):
    """A wrong rule: nothing comes back past this operation."""
    return list(given.record.arguments)


MUTANTS = [
    ("_ZERO", "sigmoid", every, "gate that is open"),
    ("_ZERO", "add", any_of, "beside, added"),
    ("_ZERO", "hardtanh", every, "clipped above zero, then nothing"),
    ("_ZERO", "native_layer_norm", every, "layer norm"),
    ("_CUT", "mul", all_stopped, "one factor"),
    ("_CUT", "leaky_relu", all_stopped, "leaking"),
    ("_CUT", "clamp", all_stopped, "not off"),
    ("_CUT", "hardtanh", all_stopped, "not off, clipped"),
    ("_CUT", "mm", all_stopped, "queries"),
    ("_CUT", "convolution", all_stopped, "one kernel"),
    ("_CUT", "native_layer_norm", all_stopped, "layer norm"),
    ("_CUT", "_scaled_dot_product_flash_attention_for_cpu", all_stopped, "values"),
]
STARTS |= {
    "beside, added": (net(lambda m, x: m.one(x) + m.two(x), "one", "out"), set()),
    "clipped above zero, then nothing": (net(lambda m, x: functional.hardtanh(m.one(x), 0.5, 1), "one", "out"), ONE),
}


@pytest.mark.parametrize(("table", "operation", "rule", "name"), MUTANTS, ids=[f"{m[0]}{m[1]}" for m in MUTANTS])
def test_a_wrong_rule_is_caught(table, operation, rule, name, monkeypatch):
    torch.manual_seed(1)
    monkeypatch.setitem(getattr(zero_rules, table), operation, rule)
    model, x = STARTS[name][0]()
    assert not proved(model, x) <= unmoved(model, x)


# --- what is said of it


def test_a_zero_that_a_step_would_move_is_none():
    """LoRA's B, a zero head: right, and nothing is proved of them."""
    for name in ("lora", "mlp"):
        model, x = built(name, None)
        last = model[-1].lora_B if name == "lora" else model[-1].weight
        with torch.no_grad():
            last.zero_()
        assert observe(model, x).still is None


def test_code_that_goes_by_what_training_changes_is_not_followed():
    class Steered(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two, self.other = nn.Linear(4, 6), nn.Linear(6, 3), nn.Linear(4, 3)

        def forward(self, x):
            y = self.other(x)
            return self.two(torch.tanh(self.one(x))) + y if float(self.other.bias.detach()[0]) < 9 else y + self.one(x)

    model, x = Steered(), torch.randn(8, 4)
    for layer in (model.one, model.two):
        for parameter in layer.parameters():
            nn.init.zeros_(parameter)
    assert observe(model, x).still is None


def test_a_gradient_of_its_own_is_believed():
    """Straight-through: the operations say zero, the gradient on the batch does not."""

    class Through(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return torch.relu(x)

        @staticmethod
        def backward(ctx, gradient):
            return gradient

    model = Net(lambda m, x: Through.apply(m.one(x)))
    for parameter in model.one.parameters():
        nn.init.zeros_(parameter)
    report = symbreak.check(model, torch.randn(8, 4), select=["stuck-parameters"])
    assert not [f for f in report.findings if f.status == "proved" and "one.weight" in f.where.parameters]


def test_keys_that_are_kept_for_the_next_call_are_no_output():
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 4, "num_key_value_heads": 2}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=24, intermediate_size=12, max_position_embeddings=32, **sizes))
    attention = model.model.layers[0].self_attn
    for layer in (attention.q_proj, attention.k_proj):
        nn.init.zeros_(layer.weight)
    x = torch.arange(24).reshape(2, 12)
    assert proved(model, x) == unmoved(model, x) == {f"model.layers.0.self_attn.{k}_proj.weight" for k in "qk"}
    ties = {m.module[-6:]: m.ties for m in symbreak.symmetry(model, x).modules if m.ties}
    assert [(name, tie.relation, tie.status) for name, (tie,) in ties.items()] == [
        ("q_proj", "zero", "proved"),
        ("k_proj", "zero", "proved"),
    ]


def test_check_proves_it_with_a_certificate():
    model, x = built("attention", 1)
    finding = next(f for f in symbreak.check(model, x, select=["stuck-parameters"]).findings)
    assert finding.status == "proved"
    assert finding.where.parameters[0] == "layer.query.weight"
    assert finding.evidence["certificate"]["theorem"] == "zero factors"


def test_dropout_does_not_free_what_zeros_hold():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.Dropout(0.5), nn.Tanh(), nn.Linear(6, 3))
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    x = torch.randn(8, 4)
    assert proved(model, x) == unmoved(model, x) == {"0.weight", "0.bias", "3.weight"}


def test_frozen_zeros_count():
    model = mlp(4, 6, 3)
    nn.init.zeros_(model[-1].weight)
    model[-1].weight.requires_grad_(False)
    found = observe(model, torch.randn(8, 4)).still
    assert set(found.stuck) == {"0.weight", "0.bias"}
    assert found.zeros == (f"{len(model) - 1}.weight",)
