"""Models that look as if their units were tied, and are not: nothing may be proved of them that training refutes."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

import symbreak
from symbreak.diagnosis import chain, reach
from symbreak.diagnosis.rules import rule
from symbreak.torch import trace, wiring

UNITS = 6
RAMP = torch.arange(float(UNITS))


class Steered(torch.autograd.Function):
    """tanh, with a derivative that differs from unit to unit."""

    @staticmethod
    def forward(ctx, z):
        return z.tanh()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * RAMP.to(gradient)


def with_first(hidden, value):
    hidden = hidden.clone()
    hidden[:, 0] = value
    return hidden


def with_first_raised(hidden):
    hidden = hidden.clone()
    hidden[:, 0] += 1
    return hidden


def raised_through_a_view(hidden):
    hidden = hidden.clone()
    hidden.t()[0].mul_(3.0)
    return hidden


class Net(nn.Module):
    """Two layers of constants; `first` and `between` say what is unusual."""

    def __init__(self, first=None, between=None, activation=torch.tanh):
        super().__init__()
        self.a, self.b = nn.Linear(4, UNITS), nn.Linear(UNITS, 3)
        for parameter in self.parameters():
            nn.init.constant_(parameter, 0.3)
        self.noise = nn.Parameter(torch.randn(UNITS, 4), requires_grad=False)
        self.first, self.between, self.activation = first, between, activation

    def forward(self, x):
        z = self.first(self, x) if self.first is not None else self.a(x)
        hidden = self.activation(z)
        return self.b(self.between(hidden) if self.between is not None else hidden)


class Two(Net):
    def forward(self, x):
        hidden = torch.tanh(self.a(x))
        return self.b(hidden), hidden


def steered_by_hook():
    net = Net()
    net.a.weight.register_hook(lambda gradient: gradient * RAMP[:, None].to(gradient))
    return net


def linear(change_weight=lambda net: net.a.weight, change_bias=lambda net: net.a.bias):
    return lambda net, x: F.linear(x, change_weight(net), change_bias(net))


def squared(net, output, y):
    return F.mse_loss(output, y)


MODELS = {
    "plain": (Net, squared),
    "weight plus noise": (lambda: Net(linear(lambda n: n.a.weight + n.noise)), squared),
    "weight plus noise, no bias": (lambda: Net(linear(lambda n: n.a.weight + n.noise, lambda n: None)), squared),
    "weight times noise": (lambda: Net(linear(lambda n: n.a.weight * n.noise)), squared),
    "weight plus a ramp": (lambda: Net(linear(lambda n: n.a.weight + RAMP.to(n.a.weight)[:, None])), squared),
    "bias plus a ramp": (lambda: Net(linear(change_bias=lambda n: n.a.bias + RAMP.to(n.a.bias))), squared),
    "exponential of the weight": (lambda: Net(linear(lambda n: n.a.weight.exp())), squared),
    "units plus a ramp": (lambda: Net(between=lambda h: h + RAMP.to(h)), squared),
    "units times a mask": (lambda: Net(between=lambda h: h * (RAMP < 3)), squared),
    "half detached": (lambda: Net(between=lambda h: torch.cat([h[:, :3].detach(), h[:, 3:]], 1)), squared),
    "running sum": (lambda: Net(between=lambda h: h.cumsum(1)), squared),
    "neighbours": (lambda: Net(between=lambda h: h + h.roll(1, 1) * RAMP.to(h)), squared),
    "softmax": (lambda: Net(between=lambda h: h.softmax(1)), squared),
    "one filled": (lambda: Net(between=lambda h: h.index_fill(1, torch.tensor([2]), 0.0)), squared),
    "one written": (lambda: Net(between=lambda h: with_first(h, 0.7)), squared),
    "one raised in place": (lambda: Net(between=with_first_raised), squared),
    "one raised through a view": (lambda: Net(between=raised_through_a_view), squared),
    "one in the loss": (Two, lambda net, o, y: F.mse_loss(o[0], y) + o[1][:, 0].mean()),
    "one row in a penalty": (Net, lambda net, o, y: F.mse_loss(o, y) + net.a.weight[0].pow(2).sum()),
    "all rows in a penalty": (Net, lambda net, o, y: F.mse_loss(o, y) + net.a.weight.pow(2).sum()),
    "gradient hook": (steered_by_hook, squared),
    "own derivative": (lambda: Net(activation=Steered.apply), squared),
}
TIED = {"plain", "exponential of the weight", "softmax", "all rows in a penalty"}


def setting(name):
    torch.manual_seed(0)
    make, loss = MODELS[name]
    return make(), torch.randn(32, 4), torch.randn(32, 3), loss


def truth(name):
    """Groups of units that training in float64 keeps as one."""
    net, x, y, loss = setting(name)
    net, x, y = net.double(), x.double(), y.double()
    descent = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.05)
    for _ in range(30):
        descent.zero_grad()
        loss(net, net(x), y).backward()
        descent.step()
    rows = torch.cat([net.a.weight, net.a.bias[:, None], net.b.weight.T], 1).detach()
    return {(i, j) for i in range(UNITS) for j in range(i) if float((rows[i] - rows[j]).abs().max()) < 1e-9}


def told(name):
    """Pairs of units by the status under which they are reported."""
    net, x, y, loss = setting(name)
    report = symbreak.check(net, x, y, lambda output, y: loss(net, output, y), select=["symmetric-units"])
    found = {"proved": set(), "measured": set()}
    for finding in report.findings:
        if finding.severity == "error":
            pairs = {(i, j) for group in finding.where.units for i in group for j in group if j < i}
            found[finding.status] |= pairs
    return found


def claims_hold(name):
    found, kept = told(name), truth(name)
    assert found["proved"] | found["measured"] <= kept
    return found, kept


@pytest.mark.parametrize("name", MODELS)
def test_nothing_is_said_that_training_refutes(name):
    found, kept = claims_hold(name)
    assert (len(kept) == UNITS * (UNITS - 1) // 2) == (name in TIED)
    if name in TIED:
        assert found["proved"] == kept


def mirrored_pair(name):
    """A net with random weights, but for unit 1, which is the negative of unit 0."""
    net, x, y, loss = setting(name)
    for parameter in net.parameters():
        nn.init.normal_(parameter, 0, 0.5)
    with torch.no_grad():
        net.a.weight[1], net.a.bias[1], net.b.weight[:, 1] = -net.a.weight[0], -net.a.bias[0], -net.b.weight[:, 0]
    return net, x, y, loss


@pytest.mark.parametrize(
    "name", ["plain", "one row in a penalty", "gradient hook", "own derivative", "one raised in place"]
)
def test_mirrored_units_are_proved_only_where_gradients_agree(name):
    net, x, y, loss = mirrored_pair(name)
    report = symbreak.check(net, x, y, lambda output, y: loss(net, output, y), select=["symmetric-units"])
    found = symbreak.symmetry(net, x, y, lambda output, y: loss(net, output, y))
    proofs = [each.theorem for each in found.certificates if each.theorem != "shift"]
    assert bool([each for each in report.findings if each.status == "proved"]) == (name == "plain")
    assert proofs == (["signed renaming"] if name == "plain" else [])


def agreed(*_):
    return False


MUTANTS = {
    "gradients are not asked": ([(reach, "contradicted"), (chain, "contradicted"), (rule, "contradicted")], agreed),
    "computed weights are plain": ([(wiring.Wiring, "_is_plain_product")], lambda self, record: True),
    "other readers do not matter": ([(chain.Wires, "count_readers")], lambda self, operation: 1),
    "writes do not reach what was viewed": ([(trace.Recorder, "_write_through")], lambda self, target: None),
}


@pytest.mark.parametrize("name", ["one row in a penalty", "gradient hook", "own derivative"])
def test_without_gradients_too_much_is_proved(name, monkeypatch):
    for place, attribute in MUTANTS["gradients are not asked"][0]:
        monkeypatch.setattr(place, attribute, agreed)
    with pytest.raises(AssertionError):
        claims_hold(name)


@pytest.mark.parametrize(
    ("mutant", "name"),
    [
        ("computed weights are plain", "weight plus noise, no bias"),
        ("other readers do not matter", "one in the loss"),
        ("writes do not reach what was viewed", "one raised through a view"),
    ],
)
def test_each_structural_check_is_needed_where_gradients_are_not_asked(mutant, name, monkeypatch):
    for each in ("gradients are not asked", mutant):
        for place, attribute in MUTANTS[each][0]:
            monkeypatch.setattr(place, attribute, MUTANTS[each][1])
    if mutant.startswith("writes"):
        monkeypatch.setattr(chain.Wires, "count_readers", lambda self, operation: 1)
    with pytest.raises(AssertionError):
        claims_hold(name)


def test_a_model_and_its_copy_are_judged_alike():
    net, x, y, _ = setting("plain")
    first, second = (symbreak.check(each, x, y, F.mse_loss) for each in (net, copy.deepcopy(net)))
    assert first.to_json() == second.to_json()
