"""check(deep=True): what values alone do not show, with the reason; and nothing on sound models."""

from __future__ import annotations

import pytest
import torch
from check.families import FAMILIES, built
from check.nets import mlp

from symbreak import check
from symbreak.diagnosis.model_certificate import ModelCertificate
from symbreak.errors import InvalidInput
from symbreak.torch.observe import observe

RULES = ("symmetric-units", "stuck-parameters")


def findings(name, breaking, *, deep=True):
    model, x = built(name, breaking)
    return check(model, x, deep=deep, select=RULES).findings


@pytest.mark.parametrize("name", FAMILIES)
def test_sound_starts_have_no_errors(name):
    assert not [f for f in findings(name, None) if f.severity != "info"]


@pytest.mark.parametrize(
    ("name", "breaking", "parameter"),
    [
        ("attention", 1, "layer.query.weight"),
        ("gated mlp", 0, "1.gate.weight"),
        ("lora", 1, "0.lora_A"),
        ("experts", 0, "router.weight"),
    ],
)
def test_zeros_that_wait_for_each_other_are_lost(name, breaking, parameter):
    found = [f for f in findings(name, breaking) if f.rule == "stuck-parameters" and parameter in f.where.parameters]
    assert [f.severity for f in found] == ["error"]


@pytest.mark.parametrize(
    ("name", "parameter", "reason"),
    [("resnet, batch norm", "one.bias", "norm"), ("attention", "layer.key.bias", "softmax")],
)
def test_what_no_output_depends_on_is_harmless(name, parameter, reason):
    found = [f for f in findings(name, None) if parameter in f.where.parameters]
    assert [f.severity for f in found] == ["info"]
    assert "harmless" in found[0].says
    assert reason in found[0].says
    assert not [f for f in findings(name, None, deep=False) if parameter in f.where.parameters]


def test_copied_experts_under_a_zero_router_are_proved_with_the_steps():
    found = [f for f in findings("experts", 0) if f.rule == "symmetric-units"]
    assert [(f.status, f.where.modules) for f in found] == [("proved", ("experts.0", "experts.1", "experts.2"))]
    assert "through step 3 nothing parts them" in found[0].says
    assert found[0].evidence["witness"] == {"optimizer": "adamw", "steps": 3, "held": True}


@pytest.mark.parametrize("deep", [False, True])
def test_their_router_is_told_once_and_proved_with_and_without_a_deep_check(deep):
    found = [f for f in findings("experts", 0, deep=deep) if "router.weight" in f.where.parameters]
    assert [(f.rule, f.severity, f.status) for f in found] == [("stuck-parameters", "error", "proved")]
    model, x = built("experts", 0)
    for proof in map(ModelCertificate.from_json, found[0].evidence["certificates"]):
        assert proof.theorem == "shift of equals"
        assert proof.verify(observe(model, x))


def test_units_with_equal_sums_only_are_found():
    assert not [f for f in findings("mlp, rigid", None) if f.severity == "error"]
    found = [f for f in findings("mlp, rigid", 0) if f.rule == "symmetric-units"]
    assert found


def test_a_deep_check_needs_a_batch():
    model, _ = built("mlp", None)
    with pytest.raises(InvalidInput, match="deep"):
        check(model, deep=True)


def test_progress_is_told_of_a_deep_check_and_of_no_other():
    torch.manual_seed(0)
    network, x, y = mlp(4, 8, 2), torch.randn(32, 4), torch.randint(2, (32,))
    seen: list[tuple[int, int]] = []
    check(network, x, y, progress=lambda done, bound: seen.append((done, bound)))
    assert seen == []
    check(network, x, y, deep=True, progress=lambda done, bound: seen.append((done, bound)))
    assert [done for done, _ in seen] == list(range(1, len(seen) + 1))
    assert len(seen) <= seen[0][1]


class Parallel(torch.nn.Module):
    """Two branches that are added, each ending in a bias of zeros, as attention and MLP do in parallel blocks."""

    def __init__(self):
        super().__init__()
        self.left, self.right, self.head = mlp(6, 8, 5), mlp(6, 8, 5), torch.nn.Linear(5, 3)
        for branch in (self.left, self.right):
            torch.nn.init.zeros_(branch[-1].bias)

    def forward(self, x):
        return self.head(torch.tanh(self.left(x) + self.right(x)))


class OneKey(torch.nn.Module):
    """Attention to a single place: softmax over one score, so that no query and no key matters."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.head = (torch.nn.Linear(6, 6) for _ in range(4))

    def forward(self, x):
        shared = x.mean(1, keepdim=True)
        scores = self.q(x) @ self.k(shared).transpose(1, 2)
        return self.head(scores.softmax(-1) @ self.v(shared)).mean(1)


def off():
    """A unit of ReLU that no sample wakes: dead-units judges it."""
    model = mlp(6, 8, 3)
    with torch.no_grad():
        model[0].weight[2] *= 0.05
        model[0].bias[2] = -0.15
    return model


@pytest.mark.parametrize(
    ("build", "shape"), [(Parallel, (64, 6)), (OneKey, (32, 5, 6)), (off, (64, 6))], ids=["parallel", "one key", "off"]
)
@pytest.mark.parametrize("deep", [False, True])
def test_what_is_no_fault_is_no_finding(build, shape, deep):
    torch.manual_seed(0)
    found = check(build(), torch.randn(shape), deep=deep, select=RULES).findings
    assert not [f for f in found if f.severity != "info"]


class Off(torch.nn.Module):
    """A branch whose ReLU is off for every input: its weights are stuck, though no zero of a parameter holds them."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.head = (torch.nn.Linear(n, m) for n, m in ((6, 8), (8, 8), (8, 8), (8, 3)))
        torch.nn.init.constant_(self.b.bias, -100.0)

    def forward(self, x):
        z = torch.tanh(self.a(x))
        return self.head(z + self.c(torch.relu(self.b(z))))


def test_a_layer_that_is_off_is_stuck():
    torch.manual_seed(0)
    found = check(Off(), torch.randn(64, 6), select=RULES).findings
    assert [(f.rule, f.where.parameters) for f in found] == [("stuck-parameters", ("b.weight", "b.bias", "c.weight"))]


def test_the_fix_of_copied_experts_parts_them_all():
    model, x = built("experts", 0)
    _, again = check(model, x, deep=True, select=RULES).fix_()
    assert not [f for f in again.findings if f.severity != "info"]
