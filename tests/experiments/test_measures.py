"""What is counted, on networks whose counts are known."""

from __future__ import annotations

import numpy as np
import pytest

from symbreak.experiments import measures
from symbreak.network import Network, backward, forward, stack


def passes(weights, biases=None, activation="tanh", m=50, labels=None):
    rng = np.random.default_rng(0)
    network = Network.from_arrays(weights, biases, activation=activation)
    X = rng.normal(size=(network.sizes[0], m))
    Y = rng.integers(0, 2, (1, m)).astype(float) if labels is None else labels
    passed = forward(network, X, arithmetic="unitwise")
    return network, passed, backward(network, passed, Y, arithmetic="unitwise"), Y


def units(*args, **kwargs):
    network, passed, gradient, _ = passes(*args, **kwargs)
    return measures.effective_units(network, passed, gradient)[0].tolist()


W = np.random.default_rng(1).normal(size=(5, 3))
V = np.random.default_rng(2).normal(size=(1, 5))
TIED = np.repeat(W[:1], 5, axis=0)


def test_random_units_are_all_different():
    assert units([W, V]) == [5]


def test_equal_rows_count_once_only_if_what_comes_back_is_equal_too():
    assert units([TIED, np.ones((1, 5))]) == [1]
    assert units([TIED, V]) == [5], "their deltas differ"


def test_mirrored_units_count_once_under_an_odd_activation():
    w, v = np.vstack([W[:1], -W[:1]]), np.array([[0.7, -0.7]])
    assert units([w, v], activation="tanh") == [1]
    assert units([w, v], activation="relu") == [2]


def test_zero_and_minus_zero_are_one_number():
    assert units([np.array([[0.0, 0, 0], [-0.0, 0, 0]]), np.array([[0.0, -0.0]])]) == [1]


def test_every_hidden_layer_has_its_count():
    deep = [W, np.repeat(np.random.default_rng(3).normal(size=(1, 5)), 4, axis=0), np.ones((1, 4))]
    assert units(deep) == [5, 1]
    assert units([np.ones((1, 3))]) == []


def test_a_stack_is_counted_network_by_network():
    networks = [Network.from_arrays([w, np.ones((1, 5))], activation="tanh") for w in (W, TIED)]
    many = stack(networks)
    X, Y = np.random.default_rng(0).normal(size=(3, 20)), np.ones((1, 20))
    passed = forward(many, X, arithmetic="unitwise")
    assert measures.effective_units(many, passed, backward(many, passed, Y, arithmetic="unitwise")).tolist() == [
        [5],
        [1],
    ]


def test_saturation_is_the_share_in_flat_parts():
    z = np.array([[-10.0, -3.0, -2.9, 0.0, 2.9, 3.0, 10.0, 1.0]])
    network = Network.from_arrays([[[1.0]], [[1.0]]], activation="tanh")
    assert measures.saturated_share(network, forward(network, z)).tolist() == [[0.5]]
    relu = Network.from_arrays([[[1.0]], [[1.0]]], activation="relu")
    assert measures.saturated_share(relu, forward(relu, z)).tolist() == [[0.0]]


def test_dead_is_a_unit_without_slope_on_any_example():
    X = np.array([[1.0, 2.0, 3.0]])
    network = Network.from_arrays(
        [[[1.0], [-1.0], [0.0], [-1.0]], np.ones((1, 4))], [[0, 2.5, 0, 0], [0]], activation="relu"
    )
    # The second is alive on the first two examples; the third sits at 0, where the slope is taken as 0.
    assert measures.dead_share(network, forward(network, X)).tolist() == [[0.5]]


def test_gradient_norm():
    _, _, gradient, _ = passes([W, V])
    flat = np.concatenate([g.ravel() for g in gradient.parameters])
    assert measures.gradient_norm(gradient)[0] == pytest.approx(np.linalg.norm(flat), rel=1e-14)


def test_base_rates():
    Y = np.array([[1.0, 0, 0, 0]])
    assert measures.base_rate(Y, loss="cross-entropy") == pytest.approx(-(0.25 * np.log(0.25) + 0.75 * np.log(0.75)))
    assert measures.base_rate(np.eye(3), loss="cross-entropy") == pytest.approx(np.log(3))
    assert measures.base_rate(np.array([[1.0, 3.0]]), loss="squared-error") == 0.5
    # A network that knows only its bias cannot do better.
    network = Network.from_arrays([[[0.0]]], [[np.log(1 / 3)]], activation="tanh")
    from symbreak.network import cost

    assert float(cost(network, forward(network, np.ones((1, 4))), Y)) == pytest.approx(
        measures.base_rate(Y, loss="cross-entropy")
    )


def test_accuracy_of_each_task():
    network = Network.from_arrays([[[1.0]]], activation="tanh")
    passed = forward(network, np.array([[-1.0, 2.0, 3.0, -2.0]]))
    assert measures.accuracy(network, passed, np.array([[0, 1, 0, 0.0]]), regression=False).tolist() == [0.75]
    three = Network.from_arrays([[[1.0], [0.0], [-1.0]]], activation="tanh")
    passed = forward(three, np.array([[1.0, -1.0]]))
    assert measures.accuracy(three, passed, np.array([[1, 1], [0, 0], [0, 0.0]]), regression=False).tolist() == [0.5]
    line = Network.from_arrays([[[2.0]]], activation="tanh", loss="squared-error")
    passed = forward(line, np.array([[0.0, 1.0, 2.0]]))
    assert measures.accuracy(line, passed, np.array([[0.0, 2.0, 4.0]]), regression=True).tolist() == [1.0]
    assert measures.accuracy(line, passed, np.array([[0.0, 2.0, 1.0]]), regression=True)[0] == pytest.approx(1 - 9 / 2)
