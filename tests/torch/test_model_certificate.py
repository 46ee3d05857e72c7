"""Certificates of models: verified by a checker that asks the model again; altered ones and altered models rejected."""

from __future__ import annotations

import copy
import json

import pytest
import torch
from check.families import built
from check.nets import mlp
from torch import nn

import symbreak
from symbreak.diagnosis import model_checker
from symbreak.diagnosis.model_certificate import ModelCertificate
from symbreak.errors import InvalidInput
from symbreak.torch.observe import observe


class Grouped(nn.Module):
    """Channels in two groups."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.head = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 3, groups=2), nn.Linear(8, 3)

    def forward(self, x):
        return self.head(torch.tanh(self.two(torch.tanh(self.one(x)))).mean((2, 3)))


def tied(units=(0, 1)):
    """A grouped network with two equal filters."""
    torch.manual_seed(0)
    model, (i, j) = Grouped(), units
    with torch.no_grad():
        model.two.weight[j], model.two.bias[j] = model.two.weight[i], model.two.bias[i]
        model.head.weight[:, j] = model.head.weight[:, i]
    return model, torch.randn(4, 3, 6, 6)


# family and what breaks it, the theorem, and an entry of a weight that the proof rests on
PROOFS = {
    "clones": (lambda: built("relu", 0), "renaming", "0.weight"),
    "filters of a group": (tied, "renaming", "two.weight"),
    "batch norm": (lambda: built("resnet, batch norm", 0), "renaming", "one.weight"),
    "group norm": (lambda: built("resnet, group norm", 0), "renaming", "one.weight"),
    "depthwise": (lambda: built("depthwise", 0), "renaming", "depth.weight"),
    "heads": (lambda: built("attention", 0), "renaming", "layer.query.weight"),
    "gate": (lambda: built("gated mlp", 1), "renaming", "1.gate.weight"),
    "branch": (lambda: built("residual", 0), "renaming", "1.branch.0.weight"),
    "tied weights": (lambda: built("autoencoder", 0), "renaming", "code.weight"),
    "experts": (lambda: built("experts", 0), "exchange", "experts.1.0.weight"),
    "branches": (lambda: built("two branches", 0), "exchange", "right.0.weight"),
    "equal sums": (lambda: built("mlp, rigid", 0), "balanced classes", "2.weight"),
    "zeros": (lambda: built("gated mlp", 0), "zero factors", "1.gate.weight"),
    "zeros in heads": (lambda: built("attention", 1), "zero factors", "layer.key.weight"),
    "router": (lambda: built("experts", 0), "shift of equals", "router.weight"),
    "mirrored": (lambda: built("mlp", 0), "signed renaming", "0.weight"),
}


def proof(name):
    build, theorem, _ = PROOFS[name]
    model, x = build()
    found = symbreak.symmetry(model, x)
    return model, x, next(c for c in found.certificates if c.theorem == theorem)


@pytest.mark.parametrize("name", PROOFS)
def test_a_certificate_stands_and_survives_json(name):
    model, x, certificate = proof(name)
    assert certificate.operators
    again = ModelCertificate.from_json(json.dumps(certificate.to_json()))
    assert again == certificate
    assert again.verify(observe(model, x)).failures == ()


@pytest.mark.parametrize("name", PROOFS)
def test_it_falls_with_the_numbers_that_it_rests_on(name):
    model, x, certificate = proof(name)
    parameter = model.get_parameter(PROOFS[name][2])
    with torch.no_grad():
        parameter[(0,) * parameter.dim()] += 0.25
    assert not certificate.verify(observe(model, x))


def test_it_stands_whatever_the_other_numbers_are():
    model, x, certificate = proof("filters of a group")
    with torch.no_grad():
        model.one.weight.normal_()
        model.two.weight[3:].normal_()
        model.head.bias.normal_()
    assert certificate.verify(observe(model, torch.randn_like(x)))


def test_it_falls_with_an_operator():
    model, x, certificate = proof("clones")
    model[1] = nn.Sequential(nn.ReLU(), nn.PReLU(model[0].out_features))
    with torch.no_grad():
        model[1][1].weight[0] = 0.75
    assert not certificate.verify(observe(model, x))


def leaves(value, path=()):
    """Paths of all numbers and texts of a certificate."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from leaves(item, (*path, place))
    elif value is not None:
        yield path


def altered(data, path):
    data = copy.deepcopy(data)
    *way, last = path
    inner = data
    for step in way:
        inner = inner[step]
    old = inner[last]
    inner[last] = f"{old}x" if isinstance(old, str) else old + 1
    return data


def stands(data, observation):
    try:
        return bool(ModelCertificate.from_json(data).verify(observation))
    except InvalidInput:
        return False


ALTERED = ("filters of a group", "heads", "experts", "zeros", "mirrored", "router")


@pytest.mark.parametrize("name", [*ALTERED, "harmless"])
def test_no_word_of_it_can_be_altered(name):
    if name == "harmless":  # it rests on no number
        model, x = built("encoder layer", None)
        certificate = next(c for c in symbreak.symmetry(model, x).certificates if c.theorem == "shift")
    else:
        model, x, certificate = proof(name)
    data, observation = certificate.to_json(), observe(model, x)
    assert stands(data, observation)
    for path in leaves(data):
        if path[0] != "text":  # written from the rest
            assert not stands(altered(data, path), observation), path


FORGED = {
    "_apart": {"groups": [[0, 2]], "units": [["two", [[0, 2]]]]},  # filters that differ
    "_altered": {"optimizers": ["lion"]},
}


@pytest.mark.parametrize("part", FORGED)
def test_each_part_of_the_checker_is_needed(part, monkeypatch):
    model, x, certificate = proof("filters of a group")
    forged, observation = certificate.to_json() | FORGED[part], observe(model, x)
    assert not stands(forged, observation)
    monkeypatch.setattr(model_checker, part, lambda *_: iter(()))
    assert stands(forged, observation)


def test_units_of_a_later_group_are_told_by_their_own_numbers():
    model, x = tied((5, 6))
    found = symbreak.symmetry(model, x)
    assert [(m.module, t.units, t.status) for m in found.modules for t in m.ties] == [("two", (5, 6), "proved")]
    finding = symbreak.check(model, x, select=["symmetric-units"]).findings[0]
    assert finding.where.units == ((5, 6),)
    assert "5, 6 of 8" in finding.says


def test_a_sound_model_has_no_certificate():
    torch.manual_seed(0)
    assert symbreak.symmetry(mlp(4, 8, 2), torch.randn(16, 4)).certificates == ()


def test_something_else_is_refused():
    with pytest.raises(InvalidInput, match="not a certificate of a model"):
        ModelCertificate.from_json({"format": "other"})
    _, _, certificate = proof("clones")
    with pytest.raises(InvalidInput, match="observed model"):
        certificate.verify(3)
