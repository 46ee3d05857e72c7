"""What can be added to parameters without changing any output: by brute force, against training; wrong rules caught."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from check.families import built
from check.nets import Mixture
from torch import nn
from torch.nn import functional

import symbreak
from symbreak.diagnosis.invariance import Shift
from symbreak.diagnosis.model_certificate import ModelCertificate
from symbreak.torch import rules_of_shifts as rules
from symbreak.torch.observe import observe

_spec = importlib.util.spec_from_file_location("models_with_spaces", Path(__file__).with_name("test_spaces.py"))
models = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(models)


class Between(nn.Module):
    """A layer, something that may take its bias away, and another one."""

    def __init__(self, between, width=6):
        super().__init__()
        self.one, self.two, self.own = nn.Linear(5, width), nn.Linear(width, 3), nn.Parameter(torch.randn(width))
        self.between = between

    def forward(self, x):
        return self.two(self.between(self, self.one(x)))


class Convolved(nn.Module):
    def __init__(self, between):
        super().__init__()
        self.one, self.two, self.between = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 4, 3), between

    def forward(self, x):
        return self.two(self.between(self.one(x))).tanh().mean((2, 3))


class Scores(nn.Module):
    """Attention written out, with a mask; positions turn the keys, or not."""

    def __init__(self, *, turned=False, fill=-torch.inf):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(5, 6) for _ in range(3))
        self.out, self.turned, self.fill = nn.Linear(6, 3), turned, fill

    def forward(self, x):
        q, k, v = (layer(x).unflatten(-1, (2, 3)).transpose(1, 2) for layer in (self.query, self.key, self.value))
        if self.turned:
            k = k * torch.arange(x.shape[1]).to(k)[:, None].cos()
        scores = q @ k.transpose(-1, -2) / 3**0.5
        later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
        scores = scores.masked_fill(later, self.fill)
        return self.out((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))


def over_samples(z):
    return functional.batch_norm(z, None, None, None, None, True)


def vectors():
    return torch.randn(16, 5)


def images():
    return torch.randn(4, 3, 8, 8)


def sequences():
    return torch.randn(4, 4, 5)


# a start, its inputs, and what may be added to which parameter
BIAS, ROWS = Shift("one.bias"), Shift("one.weight", along=0)
STARTS = {
    "softmax": (lambda: Between(lambda m, z: z.softmax(-1)), vectors, {ROWS, Shift("one.bias", along=0)}),
    "log softmax": (lambda: Between(lambda m, z: z.log_softmax(-1)), vectors, {ROWS, Shift("one.bias", along=0)}),
    "softmax of samples": (lambda: Between(lambda m, z: z.softmax(0)), vectors, {BIAS, Shift("one.bias", along=0)}),
    "scaled, then softmax": (lambda: Between(lambda m, z: (3 * z / 2 - 1).softmax(-1)), vectors,
                             {ROWS, Shift("one.bias", along=0)}),
    "each scaled, then softmax": (lambda: Between(lambda m, z: (z * m.own).softmax(-1)), vectors, set()),
    "layer norm": (lambda: Between(lambda m, z: functional.layer_norm(z, (6,), m.own)), vectors,
                   {ROWS, Shift("one.bias", along=0)}),
    "rms norm": (lambda: Between(lambda m, z: functional.rms_norm(z, (6,))), vectors, set()),
    "batch norm": (lambda: Between(lambda m, z: functional.batch_norm(z, None, None, m.own, m.own, True)), vectors,
                   {BIAS, Shift("one.bias", along=0)}),
    "batch norm after tanh": (lambda: Between(lambda m, z: over_samples(z.tanh())),
                              vectors, set()),
    "batch norm and a way around": (lambda: Between(lambda m, z: z + over_samples(z)),
                                    vectors, set()),
    "group norm": (lambda: Between(lambda m, z: functional.group_norm(z, 2)), vectors,
                   {ROWS, Shift("one.bias", along=0)}),
    "mean taken away": (lambda: Between(lambda m, z: z - z.mean(-1, keepdim=True)), vectors, set()),
    "filters": (lambda: Convolved(nn.BatchNorm2d(6)), images, {BIAS, Shift("one.bias", along=0)}),
    "filters, each sample": (lambda: Convolved(nn.InstanceNorm2d(6, affine=True)), images,
                             {BIAS, Shift("one.bias", along=0)}),
    "filters, groups": (lambda: Convolved(nn.GroupNorm(2, 6)), images, {Shift("one.bias", along=0)}),
    "filters, plain": (lambda: Convolved(nn.Tanh()), images, set()),
    "filters, known statistics": (lambda: Convolved(Known(6)), images, set()),
    "keys": (Scores, sequences, {Shift("key.bias"), Shift("key.bias", along=0), Shift("key.bias", places=(1, 2))}),
    "keys, turned": (lambda: Scores(turned=True), sequences, set()),
    "keys, nearly masked": (lambda: Scores(fill=-5.0), sequences, set()),
}  # fmt: skip


class Known(nn.BatchNorm2d):
    def forward(self, x):
        return functional.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, False)


def ready(name):
    if name in models.MODELS:
        return models.ready(name)
    torch.manual_seed(2)
    build, inputs, _ = STARTS[name]
    return build().double().train(), inputs().double()


def asked(found):
    """All shifts of every parameter: of each entry, of a part, and of all slices along an axis alike."""
    for p in found.parameters:
        if p.trainable and p.shape:
            yield Shift(p.name)
            yield from (Shift(p.name, along=axis) for axis in range(len(p.shape)))
            yield from [Shift(p.name, places=(1, 2))] if p.shape[0] > 2 else []


def changes_output(model, x, shift):
    parameter = model.get_parameter(shift.parameter)
    added = torch.randn(parameter.shape, dtype=parameter.dtype)
    if shift.along is not None:
        added = added.select(shift.along, 0).unsqueeze(shift.along).expand(parameter.shape)
    if shift.places:
        added[[place for place in range(len(added)) if place not in shift.places]] = 0
    state = {k: v.clone() for k, v in model.state_dict().items()}
    with torch.no_grad():
        before = models.main(model(x))
        model.load_state_dict(state)
        parameter.add_(added)
        after = models.main(model(x))
        model.load_state_dict(state)
    return float((after - before).abs().max()) > models.ROUNDING_OF_FLOAT32 * float(before.abs().max())


def let_through(name):
    model, x = ready(name)
    found = observe(model, x)
    return model, x, {shift for shift in asked(found) if found.vanish(shift) is not None}


def wrong(name):
    model, x, kept = let_through(name)
    return [shift for shift in kept if changes_output(model, x, shift)]


@pytest.mark.parametrize("name", [*STARTS, *models.MODELS])
def test_nothing_vanishes_that_changes_an_output(name):
    assert not wrong(name)


@pytest.mark.parametrize("name", STARTS)
def test_what_vanishes_is_found(name):
    _, _, kept = let_through(name)
    assert STARTS[name][2] <= kept
    if not STARTS[name][2]:
        assert not kept


# --- what is said of it


@pytest.mark.parametrize(
    ("name", "parameter", "slices"),
    [
        ("resnet, batch norm", "one.bias", 6),
        ("attention", "layer.key.bias", 8),
        ("encoder layer", "layer.self_attn.in_proj_bias", 8),
        ("gpt", "blocks.0.attention.key.bias", 8),
        ("vit", "vit.layers.0.attention.k_proj.bias", 8),
    ],
)
def test_harmless_parameters_are_proved(name, parameter, slices):
    model, x = built(name, None)
    found = symbreak.symmetry(model, x)
    still = next(f for f in found.frozen if f.parameter == parameter)
    assert (still.kind, still.status, still.slices) == ("harmless", "proved", slices)
    certificate = found.certificates[still.certificates[0]]
    assert certificate.theorem == "shift"
    again = ModelCertificate.from_json(json.dumps(certificate.to_json()))
    assert again == certificate
    assert again.verify(observe(model, x)).failures == ()
    with torch.no_grad():
        for each in model.parameters():  # it holds wherever the parameters are
            each.add_(0.1 * torch.randn_like(each))
    assert again.verify(observe(model, x))
    other = next(f"{n}" for n, p in model.named_parameters() if n not in certificate.stuck and p.dim() == 1)
    forged = replace(certificate, shifts=(*certificate.shifts, Shift(other)), stuck=(*certificate.stuck, other))
    assert not forged.verify(observe(model, x))


def routed(*, constant=0.0, bias=False, weigh=lambda logits: logits.softmax(-1)):
    class Routed(Mixture):
        def forward(self, x):
            weights = weigh(self.router(x))
            return sum(weights[:, i, None] * expert(x) for i, expert in enumerate(self.experts))

    torch.manual_seed(0)
    model = Routed(6, 5, 3, experts=3)
    if bias:
        model.router = nn.Linear(6, 3)
        nn.init.constant_(model.router.bias, 0.3)
    nn.init.constant_(model.router.weight, constant)
    for expert in model.experts[1:]:
        expert.load_state_dict(model.experts[0].state_dict())
    return model, torch.randn(32, 6)


def chosen(logits):
    """The two largest, at a tie the first ones: an exchange of experts does not go through."""
    best = logits.topk(2, -1)
    return torch.zeros_like(logits).scatter(-1, best.indices, best.values.softmax(-1))


ROUTERS = {
    "zero": ({}, {"router.weight"}),
    "equal rows": ({"constant": 0.2}, {"router.weight"}),
    "with a bias": ({"bias": True}, {"router.weight", "router.bias"}),
    "warmed": ({"weigh": lambda z: (z / 0.5).softmax(-1)}, {"router.weight"}),
    "the best two": ({"weigh": chosen}, set()),
    "sigmoid": ({"weigh": lambda z: z.sigmoid()}, set()),
}


def moved(model, x, steps=40):
    """Which parameters AdamW without decay moves."""
    twin = type(model)(6, 5, 3, experts=3)
    twin.router = nn.Linear(6, 3, bias=model.router.bias is not None)
    twin.load_state_dict(model.state_dict())
    twin, x, before = twin.double(), x.double(), {n: p.detach().double().clone() for n, p in model.named_parameters()}
    descent = torch.optim.SGD(twin.parameters(), lr=0.05)
    for _ in range(steps):
        descent.zero_grad()
        ((twin(x) - x[:, :3].sin()) ** 2).mean().backward()
        descent.step()
    return {name for name, p in twin.named_parameters() if float((p - before[name]).detach().abs().max()) > 1e-9}


@pytest.mark.parametrize("name", ROUTERS)
def test_routers_of_copied_experts(name):
    options, expected = ROUTERS[name]
    model, x = routed(**options)
    found = symbreak.symmetry(model, x)
    proved = {f.parameter for f in found.frozen if f.status == "proved" and f.parameter.startswith("router")}
    assert proved == expected
    assert not proved & moved(model, x)
    for place, each in enumerate(found.certificates):
        if each.theorem == "shift of equals":
            assert each.verify(observe(model, x)).failures == ()
            assert ModelCertificate.from_json(json.dumps(each.to_json())) == each
            assert any(place in f.certificates for f in found.frozen)
            assert not replace(each, slices=each.slices[:-1], pairs=each.pairs[:4]).verify(observe(model, x))


def test_a_router_falls_with_its_rows_and_with_its_experts():
    for parameter in ("router.weight", "experts.1.0.weight"):
        model, x = routed()
        certificate = next(c for c in symbreak.symmetry(model, x).certificates if c.theorem == "shift of equals")
        with torch.no_grad():
            model.get_parameter(parameter)[1, 0] += 0.25
        assert not certificate.verify(observe(model, x))


# --- mutants: rules under which too much vanishes


def gone(given):
    """A wrong rule: nothing is left of what is added."""
    return "shift before a norm", [given.none()]


def as_first(given):
    """A wrong rule: what comes out moves like the first operand that does."""
    return "shift of a sum", [next(m for m in (*given.named.values(), *given.listed) if bool((m < 0).any()))]


MUTANTS = [
    ("_softmax", gone, "softmax"),
    ("_log_softmax", gone, "log softmax"),
    ("native_layer_norm", gone, "layer norm"),
    ("native_group_norm", gone, "group norm"),
    ("native_batch_norm", gone, "filters, known statistics"),
    ("tanh", gone, "batch norm after tanh"),
    ("tanh", as_first, "batch norm after tanh"),
    ("mul", as_first, "each scaled, then softmax"),
    ("mul", as_first, "keys, turned"),
    ("masked_fill", as_first, "keys, nearly masked"),
    ("_scaled_dot_product_flash_attention_for_cpu", gone, "attention"),
]


@pytest.mark.parametrize(
    ("operation", "rule", "name"), MUTANTS, ids=[f"{m[0]}-{m[1].__name__}-{m[2]}" for m in MUTANTS]
)
def test_a_wrong_rule_is_caught(operation, rule, name, monkeypatch):
    monkeypatch.setitem(rules.RULES, operation, rule)
    assert wrong(name)
