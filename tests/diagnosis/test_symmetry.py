"""The lesson's own networks, the properties, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from symbreak.diagnosis.symmetry import symmetry
from symbreak.errors import InvalidInput, InvalidShape, UnknownName
from symbreak.network import Network, optimizers
from symbreak.network.optimizers import Optimizer

ZEROS = [np.zeros((4, 2)), np.zeros((1, 4))]
OUT = np.array([[0.5, -1.25, 2.0, 0.75]])


def lesson(weights, activation, **options):
    return symmetry(Network.from_arrays(weights, activation=activation), **options)


def test_zeros_with_sigmoid_are_one_unit_that_moves():
    found = lesson(ZEROS, "sigmoid")
    (only,) = found.layers[0].classes
    assert (only.units, only.zero, only.frozen, only.tier, only.status) == (
        (0, 1, 2, 3),
        False,
        None,
        "clone",
        "proved",
    )
    assert (found.effective_units, found.moving) == ((1,), ("W1", "b1", "W2", "b2"))


@pytest.mark.parametrize(("activation", "factor"), [("tanh", "W2^T"), ("relu", "g'(Z1)"), ("gelu", "W2^T")])
def test_zeros_with_an_activation_through_zero_move_the_output_bias_only(activation, factor):
    found = lesson(ZEROS, activation)
    (only,) = found.layers[0].classes
    assert (only.zero, only.frozen, only.dead) == (True, factor, False)
    assert "dropout" in only.optimizers
    assert (found.effective_units, found.moving) == ((0,), ("b2",))


def test_relu_with_zero_incoming_weights_is_frozen_whatever_goes_out():
    found = lesson([ZEROS[0], OUT], "relu")
    (only,) = found.layers[0].classes
    assert (only.zero, only.frozen, found.moving) == (True, "g'(Z1)", ("b2",))
    # The choice g'(0) = 1/2 lets the gradient through, and the outgoing weights part the units.
    moved = lesson([ZEROS[0], OUT], "relu(0.5)", optimizer="adam")
    assert moved.effective_units == (4,)
    assert moved.relation(1, 0, 1).kind == "same now, parts at step 1"
    # Under gradient descent each row becomes its outgoing weight times one row: as many units as there are signs.
    assert lesson([ZEROS[0], OUT], "relu(0.5)").effective_units == (2,)


def test_constant_rows_with_random_outgoing_weights_are_refuted():
    found = lesson([np.ones((4, 2)), OUT], "tanh")
    relation = found.relation(1, 0, 1)
    assert (relation.kind, relation.status, relation.step) == ("same now, parts at step 1", "refuted", 1)
    assert relation.witness.proved
    assert {entry.name.split("[")[0] for entry in relation.witness.entries} == {"dW1", "db1"}
    assert all(entry.first != entry.second for entry in relation.witness.entries)
    assert found.certificate.status == "refuted"


@pytest.mark.parametrize("zero_layers", [0, 1, 2])
def test_zero_layers_above_delay_the_parting(zero_layers):
    rng = np.random.default_rng(1)
    top = [np.zeros((3, 3)) for _ in range(zero_layers)]
    weights = [np.ones((3, 2)), rng.integers(1, 9, (3, 3)) * np.arange(1, 4) / 8, *top, np.ones((1, 3))]
    relation = lesson(weights, "sigmoid").relation(1, 0, 1)
    assert (relation.step, relation.status) == (1 + zero_layers, "refuted")


def test_mirrored_collinear_dead_near_and_distinct():
    mirrored = lesson([[[1, 2], [-1, -2], [3, 4]], [[1, -1, 2]]], "tanh")
    assert (mirrored.relation(1, 0, 1).kind, mirrored.relation(1, 0, 1).factor) == ("mirrored", -1)
    assert mirrored.relation(1, 0, 2).kind == "distinct"
    assert mirrored.relation(1, 0, 2).witness.proved
    collinear = [[[1, 2], [2, 4]], [[1.5, 3]]]
    assert lesson(collinear, "relu").relation(1, 0, 1).kind == "collinear"
    assert lesson(collinear, "relu", optimizer="momentum").relation(1, 0, 1).factor == 2
    assert lesson(collinear, "relu", optimizer="adam").relation(1, 0, 1).kind == "distinct"
    assert lesson(collinear, "tanh").relation(1, 0, 1).kind == "distinct"
    negative = [[[-1, -2], [-2, -1], [1, 1]], [[1, 2, 3]]]
    assert lesson(negative, "relu", input_range=(0, None)).relation(1, 0, 1).kind == "dead by sign"
    assert lesson(negative, "relu").relation(1, 0, 1).kind == "distinct"
    near = lesson([[[1, 2], [1, 2.0001]], [[1, 1]]], "tanh")
    assert near.relation(1, 0, 1, eps=1e-3).kind == "near"
    assert near.relation(1, 0, 1, eps=1e-5).kind == "distinct"


RIGID = np.array([[22, -8, -4, -2, 37], [21, 24, 12, -10, -2], [2, 6, 14, 8, 15], [-9, 14, 14, 40, -14]]) / 64


def test_tiers_and_the_optimizers_that_keep_them():
    balanced = [np.ones((5, 3)), RIGID, np.ones((2, 4))]
    assert {c.tier for layer in lesson(balanced, "tanh").layers for c in layer.classes} == {"balanced"}
    assert lesson(balanced, "tanh", optimizer="adamw").effective_units == (1, 1)
    assert lesson(balanced, "tanh", optimizer="adam_l2").effective_units == (5, 4)
    assert lesson(balanced, "tanh", optimizer="adam_l2(0)").effective_units == (1, 1)
    circulant = [np.ones((3, 2)), [[1, 2, 3], [3, 1, 2], [2, 3, 1]], np.ones((1, 3))]
    found = lesson(circulant, "tanh", optimizer="adam_l2")
    assert [c.tier for layer in found.layers for c in layer.classes] == ["orbit", "orbit"]


def test_equal_lists_without_an_automorphism_are_multisets():
    """A hexagon beside two triangles: every unit has two neighbours, yet no permutation carries one into the other."""
    hexagon = np.roll(np.eye(6), 1, 0) + np.eye(6)
    triangle = np.roll(np.eye(3), 1, 0) + np.eye(3)
    middle = np.zeros((12, 12))
    middle[:6, :6], middle[6:9, 6:9], middle[9:, 9:] = hexagon, triangle, triangle
    found = lesson([np.ones((12, 2)), middle, np.ones((1, 12))], "tanh", optimizer="adam_l2")
    assert [c.tier for layer in found.layers for c in layer.classes] == ["multiset", "multiset"]


def test_a_network_without_hidden_layers_has_nothing_to_prove():
    found = symmetry(Network.from_arrays([np.ones((2, 3))], activation="tanh"))
    assert found.layers == ()
    assert "no hidden layer" in str(found)
    assert found.certificate.status == "undecided"


def test_an_unknown_update_leaves_everything_undecided():
    odd = Optimizer("adam", lambda parameters, gradients, state, rate: (list(parameters), state))
    found = lesson(ZEROS, "sigmoid", optimizer=odd)
    relation = found.relation(1, 0, 1)
    assert (relation.status, found.proved) == ("undecided", False)
    assert "nothing is known of the update" in relation.reason
    assert not found.certificate.verify(found.network)


# ---- properties


@pytest.mark.parametrize("seed", range(0, 96, 3))
def test_permuting_units_permutes_classes(seed, case):
    network, optimizer, positive, _ = case(seed)
    rng = np.random.default_rng(seed)
    orders = [
        np.arange(network.sizes[0]),
        *(rng.permutation(n) for n in network.sizes[1:-1]),
        np.arange(network.sizes[-1]),
    ]
    weights = [w[np.ix_(high, low)] for w, low, high in zip(network.weights, orders[:-1], orders[1:], strict=True)]
    biases = [b[order] for b, order in zip(network.biases, orders[1:], strict=True)]
    moved = network.with_parameters([a for pair in zip(weights, biases, strict=True) for a in pair])
    options = {"optimizer": optimizer, "input_range": (0, None) if positive else None}
    one, other = symmetry(network, **options), symmetry(moved, **options)
    for layer, order in zip(range(1, len(one.layers) + 1), orders[1:-1], strict=True):
        place = {int(unit): n for n, unit in enumerate(order)}
        mapped = {frozenset(place[u] for u in c.units) for c in one.layers[layer - 1].classes}
        assert mapped == {frozenset(c.units) for c in other.layers[layer - 1].classes}


@pytest.mark.parametrize("power", [-300, -61, -1, 1, 61, 300])
@pytest.mark.parametrize("seed", range(0, 48, 5))
def test_scaling_by_a_power_of_two_changes_nothing(seed, power, case):
    network, optimizer, positive, _ = case(seed)
    scaled = network.with_parameters([p * 2.0**power for p in network.parameters])
    options = {"optimizer": optimizer, "input_range": (0, None) if positive else None}
    one, other = symmetry(network, **options), symmetry(scaled, **options)
    assert [layer.classes for layer in one.layers] == [layer.classes for layer in other.layers]


def test_a_weight_and_its_product_with_two_to_the_61_do_not_collide():
    found = lesson([[[1.0, 0.0], [2.0**61, 0.0]], [[1.0, 1.0]]], "tanh")
    assert found.effective_units == (2,)


def test_sums_that_floats_would_round_are_told_apart():
    one = [[1.0, 2.0**-60, 0.0], [1.0, 0.0, 0.0]]
    assert lesson([one, [[1.0, 1.0]]], "tanh").effective_units == (2,)
    tiny = [np.ones((3, 1)), [[1.0, 1e-30, -1e-30], [1.0, 0.0, 0.0]], [[1.0, 1.0]]]
    assert lesson(tiny, "tanh").rounds[0].active[2].classes == 1


def test_minus_zero_is_zero():
    found = lesson([[[0.0, 1.0], [-0.0, 1.0]], [[1.0, 1.0]]], "tanh")
    assert found.relation(1, 0, 1).kind == "same for ever"


def test_float32_numbers_are_taken_as_they_are():
    third = np.float32(1) / np.float32(3)
    low = np.array([[third], [third]], np.float32)
    assert lesson([low, np.ones((1, 2), np.float32)], "tanh").effective_units == (1,)


# ---- refused


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_is_refused(bad):
    network = Network.from_arrays(ZEROS, activation="tanh")
    weights = (np.full((4, 2), bad), network.weights[1])
    broken = Network(weights, network.biases, network.activation, network.loss)
    with pytest.raises(InvalidInput, match="W1 must be finite"):
        symmetry(broken)


def test_other_wrong_inputs_are_refused():
    network = Network.from_arrays(ZEROS, activation="tanh")
    with pytest.raises(InvalidInput, match="a symbreak Network"):
        symmetry(ZEROS)
    with pytest.raises(UnknownName, match="optimizer"):
        symmetry(network, optimizer="sgdd")
    for bounds in ((1, 0), (0,), "positive", (np.nan, 1), (0, 0)):
        with pytest.raises(InvalidInput, match="range"):
            symmetry(network, input_range=bounds)
    found = symmetry(network)
    with pytest.raises(InvalidInput, match="hidden layer"):
        found.relation(2, 0, 1)
    with pytest.raises(InvalidInput, match="no such unit"):
        found.relation(1, 0, 4)
    with pytest.raises(InvalidInput, match="eps"):
        lesson([[[1.0], [2.0]], [[1.0, 1.0]]], "tanh").relation(1, 0, 1, eps=-1)


def test_a_stack_is_refused():
    from symbreak.network import stack

    with pytest.raises(InvalidShape, match="one network at a time"):
        symmetry(stack([Network.from_arrays(ZEROS, activation="tanh")] * 2))


def test_every_catalogued_optimizer_is_known():
    from symbreak.diagnosis.symmetry.rules import KINDS

    assert set(KINDS) == set(optimizers.CATALOGUE)


def test_text_says_in_exact_arithmetic_wherever_it_says_for_ever():
    for activation in ("sigmoid", "tanh"):
        text = str(lesson(ZEROS, activation))
        assert "for ever" in text
        assert "in exact arithmetic" in text
