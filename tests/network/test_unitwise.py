"""Unit-alike arithmetic: kernels have the reference's bits, rows cannot tell each other apart, ties survive."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbreak.network import Network, arithmetic, descend, kernels, stack, unitwise

SIZES = st.tuples(*[st.integers(1, n) for n in (3, 5, 9, 37)])


@settings(max_examples=60, deadline=None)
@given(SIZES, st.sampled_from([np.float64, np.float32]), st.integers(0, 2**32 - 1), st.booleans())
def test_kernels_have_the_bits_of_the_reference(sizes, dtype, seed, shared):
    networks, rows, inner, examples = sizes
    rng = np.random.default_rng(seed)
    w = rng.normal(size=(networks, rows, inner)).astype(dtype)
    a = rng.normal(size=(1 if shared else networks, inner, examples)).astype(dtype)
    dz = rng.normal(size=(networks, rows, examples)).astype(dtype)
    m = arithmetic.padded(dz).shape[-1]
    product, gradient = np.empty((networks, rows, m), dtype), np.empty((networks, rows, inner), dtype)
    source, deltas = arithmetic.padded(a).reshape(-1), arithmetic.padded(dz).reshape(-1)
    kernels.products(w.reshape(-1), rows, inner, source, m, product.reshape(-1))
    kernels.weight_gradients(deltas, rows, source, inner, m, gradient.reshape(-1))
    np.testing.assert_array_equal(product[..., :examples], unitwise.product(w, a))
    np.testing.assert_array_equal(gradient, unitwise.weight_gradient(dz, a))


def test_sums_are_right_and_run_in_the_stated_order():
    values = np.zeros(19)
    values[[0, 1, 2, 3, 18]] = 1e16, 1.0, -1e16, 1.0, 3.0
    # Lane 2 holds elements 2 and 18; the other lanes one element each.
    lanes = [1e16, 1.0, -1e16 + 3.0, 1.0]
    assert unitwise.sum_examples(values)[0] == (lanes[0] + lanes[2]) + (lanes[1] + lanes[3])
    halves = np.zeros(16)
    halves[[0, 8, 4, 12]] = 1e16, -1e16, 1.0, 1.0
    assert unitwise.sum_examples(halves)[0] == 2.0, "lanes 8 apart come first"


@pytest.mark.parametrize("m", [1, 15, 16, 17, 400])
def test_every_row_is_treated_alike(m):
    """The same row at any place of any matrix gives the same bits."""
    rng = np.random.default_rng(m)
    w, a = rng.normal(size=(1, 13)), rng.normal(size=(13, m))
    alone = arithmetic.get("unitwise").product(w, a)
    for rows in (2, 3, 17, 64):
        many = np.repeat(w, rows, axis=0)
        assert (arithmetic.get("unitwise").product(many, a) == alone).all()


def tied(activation, dtype=np.float64, units=5):
    rng = np.random.default_rng(1)
    w1 = np.repeat(rng.normal(size=(1, 3)), units, axis=0)
    w2 = np.repeat(rng.normal(size=(1, 1)), units, axis=1)
    b1 = np.full((units, 1), 0.3)
    X, Y = rng.normal(size=(3, 401)), rng.integers(0, 2, (1, 401)).astype(float)
    arrays = ([w1.astype(dtype), w2.astype(dtype)], [b1.astype(dtype), np.zeros((1, 1), dtype)])
    return Network.from_arrays(*arrays, activation=activation), X, Y


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("optimizer", ["gd", "momentum", "adam"])
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu", "gelu", "mish"])
def test_tied_units_stay_tied_to_the_last_bit(activation, optimizer, dtype):
    network, X, Y = tied(activation, dtype)
    for step in descend(network, X, Y, iterations=150, learning_rate=0.3, optimizer=optimizer, arithmetic="unitwise"):
        pass
    w1, w2 = step.network.weights
    assert (w1 == w1[0]).all()
    assert (w2 == w2[0, 0]).all()
    assert not np.array_equal(w1, network.weights[0]), "nothing was trained"


def test_mirrored_tanh_units_stay_mirrored():
    rng = np.random.default_rng(2)
    w, v = rng.normal(size=(1, 3)), rng.normal(size=(1, 1))
    network = Network.from_arrays([np.vstack([w, -w]), np.hstack([v, -v])], activation="tanh")
    X, Y = rng.normal(size=(3, 57)), rng.integers(0, 2, (1, 57)).astype(float)
    for step in descend(network, X, Y, iterations=200, learning_rate=0.5, arithmetic="unitwise"):
        pass
    assert (step.network.weights[0][0] == -step.network.weights[0][1]).all()


def test_a_network_trains_alike_alone_and_in_company():
    rng = np.random.default_rng(3)
    X, Y = rng.normal(size=(2, 400)), rng.integers(0, 2, (1, 400)).astype(float)
    networks = [
        Network.from_arrays([rng.normal(size=(6, 2)), rng.normal(size=(1, 6))], activation="tanh") for _ in range(9)
    ]
    for many in descend(stack(networks), X, Y, iterations=30, learning_rate=1.2, arithmetic="unitwise"):
        pass
    for alone in descend(networks[4], X, Y, iterations=30, learning_rate=1.2, arithmetic="unitwise"):
        pass
    for a, b in zip(many.network[4].parameters, alone.network.parameters, strict=True):
        np.testing.assert_array_equal(a, b)
