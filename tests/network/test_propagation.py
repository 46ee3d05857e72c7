"""Forward and backward: proved against finite differences and autograd, for every activation, loss and arithmetic."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
import torch

from symbreak.errors import InvalidInput, InvalidShape, UnknownName
from symbreak.network import Network, backward, cost, forward, losses, stack
from symbreak.numerics import activations

ACTIVATIONS = [*activations.CATALOGUE, "leaky_relu(0.2)"]
CASES = [("cross-entropy", 1), ("cross-entropy", 3), ("squared-error", 2), ("squared-error(sigmoid)", 2)]
ARITHMETICS = ["blas", "unitwise"]


def example(activation="tanh", loss="cross-entropy", n_y=1, sizes=(3, 5, 4), m=7, dtype=np.float64):
    rng = np.random.default_rng(0)
    chain = (*sizes, n_y)
    weights = [rng.normal(size=(o, i)).astype(dtype) for i, o in pairwise(chain)]
    biases = [rng.normal(size=(o, 1)).astype(dtype) for o in chain[1:]]
    X = rng.normal(size=(chain[0], m)).astype(dtype)
    labels = rng.integers(0, max(2, n_y), m)
    Y = np.eye(n_y)[labels].T if n_y > 1 and loss == "cross-entropy" else rng.integers(0, 2, (n_y, m))
    if loss == "squared-error":
        Y = rng.normal(size=(n_y, m))
    return Network.from_arrays(weights, biases, activation=activation, loss=loss), X, Y.astype(dtype)


def cost_at(network, X, Y, arithmetic="blas"):
    return float(cost(network, forward(network, X, arithmetic=arithmetic), Y, arithmetic=arithmetic))


def worst_difference(network, X, Y, arithmetic="blas") -> float:
    """Largest distance between backward and central differences of the cost, relative to the gradient's size."""
    passed = forward(network, X, arithmetic=arithmetic)
    gradient = backward(network, passed, Y, arithmetic=arithmetic).parameters
    h = 1e-5
    worst = 0.0
    for k, array in enumerate(network.parameters):
        numeric = np.empty_like(array)
        for index in np.ndindex(array.shape):
            shifted = [p.copy() for p in network.parameters]
            shifted[k][index] += h
            above = cost_at(network.with_parameters(shifted), X, Y, arithmetic)
            shifted[k][index] -= 2 * h
            below = cost_at(network.with_parameters(shifted), X, Y, arithmetic)
            numeric[index] = (above - below) / (2 * h)
        worst = max(worst, float(np.abs(numeric - gradient[k]).max()))
    return worst / max(1.0, max(float(np.abs(g).max()) for g in gradient))


# Central differences err by h^2 times a third derivative (here below 50) and by rounding / h.
FINITE_DIFFERENCES = 50 * 1e-10 + 16 * np.finfo(float).eps / 1e-5


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize(("loss", "n_y"), CASES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_backward_is_the_derivative_of_the_cost(activation, loss, n_y, arithmetic):
    network, X, Y = example(activation, loss, n_y)
    assert worst_difference(network, X, Y, arithmetic) < FINITE_DIFFERENCES


MUTANTS = {
    "slope forgotten": lambda net: dataclasses.replace(
        net, activation=dataclasses.replace(net.activation, slope=lambda z, a, m: np.ones_like(z))
    ),
    "gradient of another loss": lambda net: dataclasses.replace(
        net, loss=dataclasses.replace(net.loss, gradient=losses.get("squared-error").gradient)
    ),
    "sign error": lambda net: dataclasses.replace(
        net, loss=dataclasses.replace(net.loss, gradient=lambda z, y, m: -losses.get("cross-entropy").gradient(z, y, m))
    ),
}


@pytest.mark.parametrize("mutate", MUTANTS.values(), ids=MUTANTS)
def test_a_wrong_backward_is_noticed(mutate):
    network, X, Y = example()
    assert worst_difference(mutate(network), X, Y) > FINITE_DIFFERENCES


@pytest.mark.parametrize(("loss", "n_y"), CASES)
def test_autograd_agrees(loss, n_y):
    network, X, Y = example("gelu", loss, n_y)
    parameters = [torch.tensor(p, requires_grad=True) for p in network.parameters]
    a = torch.tensor(X)
    for w, b in zip(parameters[::2], parameters[1::2], strict=True):
        z = w @ a + b
        a = torch.nn.functional.gelu(z)
    y = torch.tensor(Y)
    if loss == "cross-entropy" and n_y == 1:
        value = torch.nn.functional.binary_cross_entropy_with_logits(z, y)
    elif loss == "cross-entropy":
        value = torch.nn.functional.cross_entropy(z.T, y.argmax(dim=0))
    else:
        value = (((torch.sigmoid(z) if "sigmoid" in loss else z) - y) ** 2).sum(dim=0).mean() / 2
    value.backward()
    passed = forward(network, X)
    assert float(cost(network, passed, Y)) == pytest.approx(float(value.detach()), rel=1e-12)
    for mine, theirs in zip(backward(network, passed, Y).parameters, parameters, strict=True):
        np.testing.assert_allclose(mine, theirs.grad.numpy(), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_no_hidden_layer_is_logistic_regression(arithmetic):
    network, X, Y = example(sizes=(3,), n_y=1)
    passed = forward(network, X, arithmetic=arithmetic)
    p = 1 / (1 + np.exp(-(network.weights[0] @ X + network.biases[0])))
    np.testing.assert_allclose(passed.answer, p, rtol=1e-14)
    gradient = backward(network, passed, Y, arithmetic=arithmetic)
    np.testing.assert_allclose(gradient.weights[0], (p - Y) @ X.T / X.shape[1], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize(("loss", "n_y"), CASES)
def test_a_stack_is_its_networks(loss, n_y, arithmetic):
    network, X, Y = example("tanh", loss, n_y)
    others = [network.with_parameters([p * factor for p in network.parameters]) for factor in (1.0, -0.5, 3.0)]
    many = stack(others)
    passed = forward(many, X, arithmetic=arithmetic)
    gradient = backward(many, passed, Y, arithmetic=arithmetic)
    for i, one in enumerate(others):
        alone = forward(one, X, arithmetic=arithmetic)
        compare = np.testing.assert_array_equal if arithmetic == "unitwise" else close
        compare(passed.answer[i], alone.answer)
        compare(cost(many, passed, Y, arithmetic=arithmetic)[i], cost(one, alone, Y, arithmetic=arithmetic))
        for g, h in zip(gradient.parameters, backward(one, alone, Y, arithmetic=arithmetic).parameters, strict=True):
            compare(g[i], h)


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)


def test_far_logits_keep_the_cost_finite_and_the_gradient_near_one():
    network = Network.from_arrays([[[1.0]]], activation="tanh")
    X, Y = np.array([[1000.0, -1000.0]]), np.array([[0.0, 1.0]])
    with np.errstate(over="raise", invalid="raise"):
        passed = forward(network, X)
        assert cost(network, passed, Y) == 1000.0
        assert backward(network, passed, Y).weights[0][0, 0] == 1000.0


def test_softmax_of_far_logits():
    network = Network.from_arrays([[[1000.0], [0.0], [-1000.0]]], activation="tanh")
    with np.errstate(over="raise", invalid="raise"):
        passed = forward(network, np.ones((1, 1)))
        assert cost(network, passed, np.array([[0.0], [0.0], [1.0]])) == 2000.0
    assert passed.answer.ravel().tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_float32_stays_float32(arithmetic):
    network, X, Y = example(dtype=np.float32)
    passed = forward(network, X, arithmetic=arithmetic)
    gradient = backward(network, passed, Y, arithmetic=arithmetic)
    assert {a.dtype for a in (*passed.pre_activations, *passed.activations, *gradient.parameters)} == {
        np.dtype("float32")
    }


def test_from_arrays_takes_vectors_as_biases_and_copies():
    w = np.ones((4, 2))
    network = Network.from_arrays([w, np.ones((1, 4))], [np.zeros(4), [0]], activation="relu")
    w[:] = 9
    assert network.weights[0].max() == 1
    assert [b.shape for b in network.biases] == [(4, 1), (1, 1)]
    assert repr(network) == "Network(2-4-1, relu, cross-entropy)"


@pytest.mark.parametrize(
    ("weights", "biases", "error", "words"),
    [
        ([np.ones((4, 2)), np.ones((4, 1))], None, InvalidShape, "n_out of the layer before"),
        ([np.ones((4, 2))], [np.zeros((1, 4))], InvalidShape, "each b is"),
        ([np.ones(3)], None, InvalidShape, "each W is"),
        ([], None, InvalidShape, "each W is"),
        ([np.ones((1, 2)) * np.nan], None, InvalidInput, "W1 must be finite"),
        ([np.array([["a", "b"]])], None, InvalidInput, "must hold numbers"),
        ([[[1.0, 2.0], [3.0]]], None, InvalidShape, "lists of different lengths"),
        ([np.ones((2, 2))], [[[1.0, 2.0], [3.0]]], InvalidShape, "lists of different lengths"),
        (5, None, InvalidInput, "a list of arrays"),
    ],
)
def test_bad_arrays_are_refused(weights, biases, error, words):
    with pytest.raises(error, match=words):
        Network.from_arrays(weights, biases, activation="tanh")


def test_bad_names_and_data_are_refused():
    network, X, _ = example()
    with pytest.raises(UnknownName, match="cross-entropy"):
        Network.from_arrays([[[1.0]]], activation="tanh", loss="crossentropy")
    with pytest.raises(UnknownName, match="unitwise"):
        forward(network, X, arithmetic="unitwize")
    with pytest.raises(InvalidShape, match=r"X\.T"):
        forward(network, X.T)


@pytest.mark.parametrize("function", [cost, backward])
def test_targets_of_another_shape_are_refused_not_broadcast(function):
    network, X, Y = example()
    passed = forward(network, X)
    for wrong in (Y.T, Y[0], Y[:, :1], Y[:, :3], np.vstack([Y, Y]), Y[None], np.stack([Y, Y])):
        with pytest.raises(InvalidShape, match="Y has one row for each output"):
            function(network, passed, wrong)


@pytest.mark.parametrize("function", [cost, backward])
def test_a_stack_takes_one_y_for_all_or_one_for_each(function):
    network, X, Y = example()
    many = stack([network, network])
    passed = forward(many, X)
    function(many, passed, Y)
    function(many, passed, np.stack([Y, Y]))
    with pytest.raises(InvalidShape, match="Y has one row"):
        function(many, passed, np.stack([Y, Y, Y]))


def test_unsigned_targets_do_not_widen_float32():
    network, X, Y = example(dtype=np.float32)
    passed = forward(network, X)
    for kind in (np.uint8, np.int64, bool):
        assert cost(network, passed, Y.astype(kind)).dtype == np.float32
        mine, plain = (backward(network, passed, y).parameters for y in (Y.astype(kind), Y))
        assert all(a.dtype == np.float32 and np.array_equal(a, b) for a, b in zip(mine, plain, strict=True))


@pytest.mark.parametrize("sizes", [5, (), (2,), "24", (2, 0, 1), (2, 4.0, 1), (2, True), None])
def test_sizes_that_are_none_are_refused(sizes):
    with pytest.raises(InvalidShape, match="whole numbers >= 1"):
        Network.initialize(sizes, "he", seed=0)


def test_a_network_beyond_memory_is_refused_before_it_is_made():
    for sizes in ((2, 10**14, 1), np.array([2, 2**62, 4]), (2**16, 2**15)):
        with pytest.raises(InvalidInput, match="too large for the memory"):
            Network.initialize(sizes, "zeros", seed=0)
    assert Network.initialize(np.array([2, 4, 1]), "zeros", seed=0).sizes == (2, 4, 1)


@pytest.mark.parametrize("dtype", [np.float16, int, "half", np.complex128])
def test_only_two_dtypes_are_computed_in(dtype):
    with pytest.raises(InvalidInput, match="float64 or float32"):
        Network.initialize((2, 4, 1), "he", seed=0, dtype=dtype)


@pytest.mark.parametrize("dtype", [np.float32, "float32", np.dtype("float32")])
def test_a_dtype_may_be_spelled(dtype):
    assert Network.initialize((2, 4, 1), "he", seed=0, dtype=dtype).weights[0].dtype == np.float32


def kin(sizes=(2, 4, 1), activation="tanh", loss="cross-entropy", dtype=np.float64):
    return Network.initialize(sizes, "he", seed=0, activation=activation, loss=loss, dtype=dtype)


@pytest.mark.parametrize(
    ("other", "error", "words"),
    [
        (
            {"sizes": (2, 5, 1)},
            InvalidShape,
            r"same sizes\n  got: \(2, 4, 1\) for network 0, \(2, 5, 1\) for network 2",
        ),
        ({"sizes": (2, 4, 1, 1)}, InvalidShape, "same sizes"),
        ({"activation": "relu"}, InvalidInput, "relu"),
        ({"loss": "squared-error"}, InvalidInput, "squared-error"),
        ({"dtype": np.float32}, InvalidInput, "float32"),
    ],
)
def test_a_stack_is_of_one_kind(other, error, words):
    with pytest.raises(error, match=words):
        stack([kin(), kin(), kin(**other)])


def test_an_empty_stack_is_refused():
    with pytest.raises(InvalidInput, match="needs a network"):
        stack([])
