"""What has one cause, or one cure, is told once."""

from __future__ import annotations

import torch
from check.nets import mlp
from torch import nn

from symbreak import check


def dead_at(*layers: int) -> nn.Module:
    torch.manual_seed(0)
    network = mlp(8, 16, 16, 16, 16, 3)
    with torch.no_grad():
        for layer in layers:
            network.get_parameter(f"{layer}.bias").fill_(-100.0)
    return network


def told(network: nn.Module) -> list[tuple[str, ...]]:
    report = check(network, torch.randn(64, 8), torch.randint(3, (64,)), select=["dead-units"])
    return [finding.where.parameters for finding in report.findings]


def test_layers_that_are_wholly_off_are_one_finding_with_all_their_names():
    (names,) = told(dead_at(0, 2, 4))
    assert {"0.bias", "2.bias", "4.bias"} <= set(names)
    assert "6.bias" not in names


def test_the_cure_is_for_all_of_them():
    network = dead_at(2, 4)
    repaired, again = check(network, torch.randn(64, 8), select=["dead-units"]).fix_()
    assert not repaired.get_parameter("2.bias").any()
    assert not repaired.get_parameter("4.bias").any()
    assert again.ok


def test_a_layer_that_is_partly_off_is_told_apart():
    network = dead_at(2)
    with torch.no_grad():
        network.get_parameter("0.bias")[:14] = -100.0
    assert [names[-1] for names in told(network)] == ["2.bias", "0.bias"]
