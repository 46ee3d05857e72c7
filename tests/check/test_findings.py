"""Every field of every finding says something, and what was measured can be measured again."""

from __future__ import annotations

import copy
import json
import math

import pytest
import torch
from check.suites import BAD
from torch import nn

import symbreak
from symbreak import check
from symbreak.report.sarif import sarif

X = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))
Y = torch.arange(64) % 3


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_no_field_is_empty_and_numbers_come_out_again(case):
    model, *given = case.build()
    report = check(model, *given)
    for finding in report.findings:
        filled = {name: getattr(finding, name) for name in ("says", "expected", "why", "evidence", "measured")}
        assert [name for name, value in filled.items() if not value] == []
        assert finding.where.parameters + finding.where.modules
        assert finding.fix or finding.severity == "info"
        again = finding.evidence.get("again")
        if again is None:
            assert finding.status == "proved"
            continue
        x, y, loss_fn = (*given, None, None, None)[:3]
        names = {"symbreak": symbreak, "model": model, "x": x, "y": y, "loss_fn": loss_fn}
        if isinstance(model, nn.Module):  # a builder may leave other garbage in memory each time
            same = eval(again, names).findings
            assert str(finding.measured) in [str(each.measured) for each in same]


def test_made_up_input_is_said_wherever_a_number_rests_on_it():
    of_values = ("non-finite", "uninitialized-memory", "overwritten-init", "cloned-layers")
    found = [f for case in BAD for f in check(*case.build(), synthetic=True).findings if f.rule not in of_values]
    assert len(found) > 100
    assert all(finding.synthetic or finding.status == "proved" for finding in found)


def test_numbers_that_are_not_finite_go_into_every_format(tmp_path):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 3))
    with torch.no_grad():
        model[2].weight.fill_(3e38)
    x = X.clone()
    x[0] = math.inf
    report = check(model, x, Y)
    assert not all(math.isfinite(v) for f in report.findings for v in f.measured.values() if isinstance(v, float))
    report.to_json(tmp_path / "r.json")
    data = json.loads((tmp_path / "r.json").read_text())
    assert json.dumps(sarif(data), allow_nan=False)
    assert "Infinity" not in report.to_html()


def snapshot(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def changed(model, before):
    return {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}


class Tuned(nn.Module):
    """A pretrained body and a new head of ten layers whose weights are far too small."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Linear(8, 16), nn.Tanh())
        layers = [layer for _ in range(10) for layer in (nn.Linear(16, 16), nn.ReLU())]
        self.head = nn.Sequential(*layers, nn.Linear(16, 3))
        for parameter in self.head.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.01)

    def forward(self, x):
        return self.head(self.body(x))


def test_a_repair_leaves_pretrained_weights_alone():
    model = Tuned()
    report = check(model, X, Y, only="head.*")
    assert {"vanishing-signal", "vanishing-gradient"} <= {f.rule for f in report.findings}
    before = snapshot(model)
    repaired, after = report.fix_()
    assert changed(model, before) == set()
    assert changed(repaired, before)
    assert all(name.startswith("head.") for name in changed(repaired, before))
    assert "vanishing-gradient" not in {f.rule for f in after.findings}
    in_place, _ = report.fix_(inplace=True)
    assert in_place is model
    assert changed(model, before)


def test_the_repair_of_a_copy_leaves_the_original_and_all_else_alone():
    torch.manual_seed(0)
    block = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8))
    model = nn.Sequential(nn.Linear(8, 8), block, copy.deepcopy(block), nn.Linear(8, 3))
    report = check(model, X, Y, select="cloned-layers")
    before = snapshot(model)
    repaired, after = report.fix_()
    assert after.ok
    assert {name.split(".")[0] for name in changed(repaired, before)} == {"2"}


def test_layers_of_a_transformer_are_drawn_anew():
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    model = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
    report = check(model, torch.randn(4, 5, 8), select="cloned-layers")
    assert not report.ok
    assert report.fix_()[1].ok


def test_the_gates_of_all_steps_make_one_finding_each():
    torch.manual_seed(0)
    model = nn.LSTM(8, 16, batch_first=True)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=20.0)
    report = check(model, torch.randn(4, 40, 8), select="saturated-units")
    assert 1 <= len(report.findings) <= 3
    assert all(finding.measured["steps"] > 1 for finding in report.findings)
    assert report.fix_()[1].ok


def test_a_repair_goes_by_the_activation():
    def deep(activation):
        torch.manual_seed(0)
        layers = [layer for _ in range(12) for layer in (nn.Linear(32, 32), activation())]
        model = nn.Sequential(nn.Linear(8, 32), *layers, nn.Linear(32, 3))
        for parameter in model.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.02)
        return check(model, X, Y)

    for activation, law in ((nn.ReLU, "kaiming_normal_"), (nn.Tanh, "xavier_normal_")):
        report = deep(activation)
        assert {law} == {
            name for name in ("kaiming_normal_", "xavier_normal_") for f in report.findings
            if f.rule == "vanishing-gradient" and name in f.fix
        }  # fmt: skip
        assert "vanishing-gradient" not in {f.rule for f in report.fix_()[1].findings}
