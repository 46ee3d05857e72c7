"""Exchanges of modules that are proved to change no output: by brute force, by near misses, and by wrong rules."""

from __future__ import annotations

import pytest
import torch
from check.nets import Mixture, mlp
from torch import nn

from symbreak.torch import rules_of_exchange as rules
from symbreak.torch.expressions import Form, Reading
from symbreak.torch.observe import observe


class Ensemble(nn.Module):
    """Members whose outputs are put together in one of several ways."""

    def __init__(self, way, members=3):
        super().__init__()
        self.way = way
        self.members = nn.ModuleList(mlp(6, 5, 3, activation=nn.Tanh) for _ in range(members))
        for member in self.members[1:]:
            member.load_state_dict(self.members[0].state_dict())

    def forward(self, x):
        found = [member(x) for member in self.members]
        return {
            "mean": lambda: torch.stack(found).mean(0),
            "sum": lambda: sum(found),
            "product": lambda: found[0] * found[1],
            "first": lambda: torch.stack(found)[0],
            "weighed": lambda: 0.5 * found[0] + 2 * found[1] + 3 * found[2],
            "cat": lambda: torch.cat(found, 1),
            "difference": lambda: found[0] - found[1],
            "nested": lambda: torch.tanh(found[0] + found[1]) + found[2],
        }[self.way]()


def experts(*, router=0.0, copied=True):
    model = Mixture(6, 5, 3, experts=3)
    nn.init.constant_(model.router.weight, router)
    if copied:
        for expert in model.experts[1:]:
            expert.load_state_dict(model.experts[0].state_dict())
    return model


def found(model):
    torch.manual_seed(0)
    return observe(model, torch.randn(16, 6)).swaps


def changes_output(model, swap, *, values=True):
    """Whether the exchange changes the output where the modules differ."""
    torch.manual_seed(1)
    x = torch.randn(16, 6)
    named = dict(model.named_parameters())
    with torch.no_grad():
        for parameter in named.values():
            parameter.add_(torch.randn_like(parameter))
        before = model(x)
        for a, b in swap.pairs:
            one, other = named[a].clone(), named[b].clone()
            named[a].copy_(other)
            named[b].copy_(one)
        for name, axis, i, j in swap.slices:
            rows = named[name].movedim(axis, 0)
            one, other = rows[i].clone(), rows[j].clone()
            rows[i], rows[j] = other, one
        return float((model(x) - before).abs().max()) > 1e-5 * float(before.abs().max())


MODELS = {
    **{f"ensemble, {way}": (lambda way=way: Ensemble(way)) for way in ("mean", "sum", "product", "nested")},
    "experts": experts,
    "experts, constant router": lambda: experts(router=0.3),
}


@pytest.mark.parametrize("name", MODELS)
def test_an_exchange_that_is_found_changes_no_output(name):
    model = MODELS[name]()
    swaps = found(model)
    assert swaps
    assert not any(changes_output(model, swap) for swap in swaps)


@pytest.mark.parametrize("way", ["first", "weighed", "cat", "difference"])
def test_members_that_are_read_differently_are_not_exchanged(way):
    assert all(swap.pairs[0] not in {("members.0.0.weight", "members.1.0.weight")} for swap in found(Ensemble(way)))


def test_experts_that_differ_or_are_routed_differently_are_not_exchanged():
    assert not found(experts(copied=False))
    model = experts()
    with torch.no_grad():
        model.router.weight[1, 0] = 0.5
    assert all("experts.1.0.weight" not in pair for swap in found(model) for pair in swap.pairs)


class Einsum(Ensemble):
    """Experts weighed by a sum over them, written as a product of matrices; or one of them turned."""

    def __init__(self, *, turned=False):
        super().__init__("mean")
        self.router, self.turned = nn.Linear(6, 3), turned
        nn.init.constant_(self.router.weight, 0.2)
        nn.init.constant_(self.router.bias, 0.1)

    def forward(self, x):
        weights, outputs = self.router(x).softmax(-1), torch.stack([member(x) for member in self.members], 1)
        return torch.einsum("be,beo->bo", weights.flip(-1) if self.turned else weights, outputs)


def test_experts_that_a_product_of_matrices_sums_up_are_exchanged_with_their_weights():
    swaps = found(Einsum())
    assert {place for swap in swaps for name, _, _, place in swap.slices if name == "router.weight"} == {1, 2}
    assert not any(changes_output(Einsum(), swap) for swap in swaps)
    assert all("members.1.0.weight" not in pair for swap in found(Einsum(turned=True)) for pair in swap.pairs)


class Position(nn.Module):
    """Copies that are fed differently."""

    def __init__(self):
        super().__init__()
        self.members = nn.ModuleList(mlp(6, 5, 3, activation=nn.Tanh) for _ in range(2))
        self.members[1].load_state_dict(self.members[0].state_dict())

    def forward(self, x):
        return self.members[0](x) + self.members[1](2 * x)


def test_copies_that_are_fed_differently_are_not_exchanged():
    assert not found(Position())


# --- wrong rules


def wrong(model):
    return [swap for swap in found(model) if changes_output(model, swap)]


def test_a_pick_that_does_not_follow_the_exchange_is_caught(monkeypatch):
    def stays(reading, record, output):
        return Form(reading.write(record, output))

    monkeypatch.setitem(rules.RULES, "select", stays)
    # With picks that stay, the router's rows no longer go with their experts: the proof is lost.
    assert not found(experts())


def test_sums_that_forget_their_factors_are_caught(monkeypatch):
    honest = Reading.write

    def forgetful(self, record, output=0, **changed):
        if record.target == "mul":
            return self.expressions.number(("mul", len(record.operand_shapes)))
        return honest(self, record, output, **changed)

    monkeypatch.setattr(Reading, "write", forgetful)
    assert wrong(Ensemble("weighed"))


def test_differences_taken_for_sums_are_caught(monkeypatch):
    honest = Reading.write

    def unsigned(self, record, output=0, **changed):
        if record.target == "sub":
            operands = [self.of(item).number for item in record.arguments.values() if self.of(item)]
            return self.expressions.added(operands)
        return honest(self, record, output, **changed)

    monkeypatch.setattr(Reading, "write", unsigned)
    assert wrong(Ensemble("difference", members=2))


class Sliced(nn.Module):
    """Experts whose weights are cut out of the router's answer in one of several ways."""

    def __init__(self, way):
        super().__init__()
        self.way, self.router, self.head = way, nn.Linear(6, 3, bias=False), nn.Linear(5, 2)
        self.experts = nn.ModuleList(nn.Linear(6, 5) for _ in range(3))
        for expert in self.experts[1:]:
            expert.load_state_dict(self.experts[0].state_dict())
        nn.init.zeros_(self.router.weight)

    def forward(self, x):
        weights = self.router(x).softmax(-1)
        pieces = {
            "slices": lambda: [weights[:, i : i + 1] for i in range(3)],
            "chunks": lambda: weights.chunk(3, -1),
            "sizes": lambda: weights.split([1, 1, 1], -1),
            "one twice": lambda: [weights[:, 0:1], weights[:, 0:1], weights[:, 2:3]],
            "two at once": lambda: [weights[:, 0:2].sum(1, keepdim=True), weights[:, 1:2], weights[:, 2:3]],
            "others first": lambda: [weights[:, 2 - i : 3 - i] * (i + 1) for i in range(3)],
            "unequal sizes": lambda: [p.sum(1, keepdim=True) for p in (*weights.split([1, 2], -1), weights)],
        }[self.way]()
        return self.head(sum(w * torch.tanh(expert(x)) for w, expert in zip(pieces, self.experts, strict=True)))


@pytest.mark.parametrize("way", ["slices", "chunks", "sizes"])
def test_experts_weighed_by_pieces_are_exchanged(way):
    seen = found(Sliced(way))
    assert len(seen) == 2
    assert all(swap.slices for swap in seen)
    assert not any(changes_output(Sliced(way), swap) for swap in seen)


@pytest.mark.parametrize("way", ["one twice", "two at once", "others first", "unequal sizes"])
def test_pieces_that_do_not_belong_to_the_experts_exchange_only_what_changes_nothing(way):
    seen = found(Sliced(way))
    assert len(seen) < 2
    assert not any(changes_output(Sliced(way), swap) for swap in seen)
