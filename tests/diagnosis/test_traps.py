"""Networks and documents on which a careless proof is false, each once believed."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest

from symbreak import datasets, merge, steps_to_separate
from symbreak.diagnosis.symmetry import Certificate, symmetry
from symbreak.network import Network, descend
from symbreak.network.optimizers import Optimizer


def network(weights, biases, activation="tanh", loss="squared-error"):
    return Network.from_arrays(weights, biases, activation=activation, loss=loss)


CANCELLING = network(
    [[[1.0, 2], [1, 2]], [[1.0, -1], [-1, 1], [2, -2], [-2, 2]], np.ones((1, 4))],
    [np.zeros(2), np.full(4, 0.5), np.zeros(1)],
)


def test_lists_that_cancel_part_under_a_coupled_decay():
    """Their sums are 0, so plain updates keep the units one; adam_l2 changes w and -w unequally."""
    found = symmetry(CANCELLING, optimizer="adam_l2")
    assert len(found.layers[1].classes) > 1
    plain = symmetry(CANCELLING, optimizer="adam")
    assert [c.units for c in plain.layers[1].classes] == [(0, 1, 2, 3)]
    assert "adam_l2" not in plain.layers[1].classes[0].optimizers
    X, Y = np.array([[0.5], [0.25]]), np.array([[1.0]])
    for step in descend(CANCELLING, X, Y, iterations=3, learning_rate=0.1, optimizer="adam_l2(0.3)"):
        pass
    answers = step.forward.activations[2][:, 0]
    assert abs(answers[0] - answers[2]) > 0.1


@pytest.mark.parametrize("optimizer", ["gd", "adam", "adam_l2"])
def test_every_certificate_of_the_trap_is_verified(optimizer):
    assert symmetry(CANCELLING, optimizer=optimizer).certificate.verify(CANCELLING)


def test_a_decay_that_overshoots_is_named_where_it_matters():
    dead = network([[[-1.0]], [[1.0]]], [[-1.0], [0.0]], activation="relu")
    text = str(symmetry(dead, optimizer="gd_l2(1)", input_range=(0, None)))
    assert "times weight decay below 1" in text
    assert "rate times decay below 1" in str(symmetry(dead, input_range=(0, None)))


def test_near_is_as_sure_as_what_tells_the_two_apart():
    both_off = network([[[1.0], [0.5]], [[1.0, 2.0]]], [[-2.0, -2.0], [0.0]], activation="relu")
    found = symmetry(both_off, input_range=(0, 1))
    assert found.relation(1, 0, 1).status == "undecided"
    near = found.relation(1, 0, 1, eps=1.0)
    assert (near.kind, near.status) == ("near", "undecided")


def test_a_group_has_the_step_of_the_first_to_leave():
    weights = [[[-1, -1], [-1, 0], [0, 0]], np.zeros((4, 3)), [[0, 0, 0, 1], [1, -1, 1, -1]], [[-1, 0]]]
    biases = [[0, 0, -1], [0] * 4, [0, -1], [0]]
    found = symmetry(network(weights, biases, activation="silu"), optimizer="momentum", input_range=(None, 0))
    for parting in found.partings:
        others = [found.relation(parting.layer, parting.units[0], u) for u in parting.units[1:]]
        assert parting.step == min(r.step for r in others if r.step is not None)


def test_of_an_unknown_update_nothing_is_said():
    mine = Optimizer("mine", lambda p, g, s, r: ([a + r for a in p], s))
    zeros = network([np.zeros((4, 2)), np.zeros((1, 4))], None)
    found = symmetry(zeros, optimizer=mine)
    assert found.moving == ("W1", "b1", "W2", "b2")
    assert all(c.frozen is None for layer in found.layers for c in layer.classes)


def documents():
    """Certificates of every sort: tied, zero, dead, refuted."""
    cases = [
        (network([np.ones((3, 2)), np.ones((1, 3))], None, activation="sigmoid"), None),
        (network([np.zeros((3, 2)), np.zeros((1, 3))], None), None),
        (network([-np.ones((3, 2)), np.ones((1, 3))], [-np.ones(3), [0.0]], activation="relu"), (0, None)),
        (network([np.ones((2, 2)), [[1.0, 2.0]]], None), None),
    ]
    return [(net, symmetry(net, input_range=bounds).certificate.to_json()) for net, bounds in cases]


def alterations(value, path=()):
    """Every leaf of a document, changed."""
    if isinstance(value, dict):
        for key in value:
            yield from alterations(value[key], (*path, key))
    elif isinstance(value, (list, tuple)) and value:
        yield path, []
        for index, item in enumerate(value):
            yield from alterations(item, (*path, index))
    else:
        flipped = {bool: lambda v: not v, int: lambda v: v + 1, float: lambda v: v + 0.5, str: lambda v: f"{v}x"}
        yield path, flipped.get(type(value), lambda v: "something")(value)


def changed(document, path, value):
    altered = copy.deepcopy(document)
    place = altered
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return altered


@pytest.mark.parametrize("case", range(4))
def test_a_certificate_with_anything_changed_is_rejected(case):
    net, document = documents()[case]
    document = json.loads(json.dumps(document))
    assert Certificate(document).verify(net)
    paths = list(alterations(document))
    assert len(paths) > 20
    for path, value in paths:
        assert not Certificate(changed(document, path, value)).verify(net), path


@pytest.mark.parametrize("case", range(4))
def test_a_certificate_of_another_network_is_rejected(case):
    net, document = documents()[case]
    parameters = [p.copy() for p in net.parameters]
    for array in parameters:
        array.flat[0] += 1
        assert not Certificate(document).verify(net.with_parameters(parameters))


def test_a_data_set_may_stand_for_x_and_y():
    data = datasets.load("xor")
    net = Network.initialize((2, 3, 1), "constant(0.5)", seed=0)
    assert steps_to_separate(net, data, 1e-3).eps == 1e-3
    assert symmetry(net).certificate.replay(net, data, 20, "gd").steps == 20
    assert merge(net).network.sizes == (2, 1, 1)
