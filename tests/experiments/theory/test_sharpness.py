"""Sharpness: exact on quadratics, and the rate at which gradient descent really leaves them."""

from __future__ import annotations

import numpy as np
import pytest

from symbreak.experiments.theory import hessian, sharpness
from symbreak.experiments.theory import sharpness as of_start
from symbreak.experiments.theory.hessian import STEP, hessian_product, second_derivative
from symbreak.experiments.theory.sharpness import largest_eigenvalue
from symbreak.network import Network, backward, cost, forward, stack, train_many
from symbreak.numerics import activations


def regression(seed=0, features=5, m=40):
    """Linear regression, whose cost is a quadratic with this Hessian."""
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(features, m)), rng.normal(size=(2, m))
    start = [
        Network.initialize((features, 2), "normal(1)", seed=s, activation="tanh", loss="squared-error")
        for s in range(3)
    ]
    with_ones = np.concatenate([X, np.ones((1, m))])
    return stack(start), X, Y, float(np.linalg.eigvalsh(with_ones @ with_ones.T / m)[-1])


def test_of_a_quadratic_it_is_exact():
    networks, X, Y, expected = regression()
    # Answers of size 10 at most are rounded, then divided by the step.
    rounding = 10 * X.shape[1] * np.finfo(float).eps / STEP
    assert sharpness(networks, X, Y) == pytest.approx([expected] * 3, abs=rounding)


@pytest.mark.parametrize(("share", "leaves"), [(0.98, False), (1.02, True)])
def test_gradient_descent_leaves_a_quadratic_just_above_it(share, leaves):
    networks, X, Y, _ = regression()
    rates = share * 2 / of_start(networks, X, Y)
    trained = train_many(networks, X, Y, iterations=1000, learning_rate=rates)
    assert (trained.final_cost > 10 * trained.curve[:, 0]).all() == leaves
    assert (trained.final_cost < trained.curve[:, 0]).all() != leaves


def numeric_hessian(network, X, Y, step=1e-4):
    """From costs alone, without gradients."""
    flat = np.concatenate([array.ravel() for array in network.parameters])

    def at(values):
        parameters, begin = [], 0
        for array in network.parameters:
            parameters.append(values[begin : begin + array.size].reshape(array.shape))
            begin += array.size
        moved = network.with_parameters(parameters)
        return float(cost(moved, forward(moved, X), Y))

    steps = step * np.eye(flat.size)
    return np.array(
        [
            [(at(flat + a + b) - at(flat + a - b) - at(flat - a + b) + at(flat - a - b)) / (4 * step**2) for b in steps]
            for a in steps
        ]
    )


@pytest.mark.parametrize("loss", ["cross-entropy", "squared-error"])
def test_of_a_network_it_is_the_hessians_largest_eigenvalue(loss):
    rng = np.random.default_rng(2)
    X, Y = rng.normal(size=(2, 30)), rng.integers(0, 2, (1, 30))
    start = [Network.initialize((2, 3, 1), f"normal({s})", seed=1, activation="tanh", loss=loss) for s in (0.3, 1, 2)]
    expected = [np.linalg.eigvalsh(numeric_hessian(each, X, Y)) for each in start]
    assert any(values[0] < -1e-3 for values in expected), "none of them is a saddle"
    # Second differences of costs near 1 err by eps / step^2, in each of 13 rows.
    tolerance = 13 * 4 * np.finfo(float).eps / 1e-8 + 13 * 1e-8 * 10
    assert sharpness(stack(start), X, Y) == pytest.approx([values[-1] for values in expected], abs=tolerance)


def jax_hessians(networks, X, Y):
    """By automatic differentiation, in float64."""
    import jax
    import jax.numpy as jnp

    activation = {"tanh": jnp.tanh, "relu": jax.nn.relu, "gelu": lambda z: jax.nn.gelu(z, approximate=False)}
    g, shapes = activation[networks.activation.text], [array.shape[1:] for array in networks.parameters]

    def value(flat):
        a, start, z = X, 0, None
        for k in range(0, len(shapes), 2):
            parts = []
            for shape in shapes[k : k + 2]:
                size = int(np.prod(shape))
                parts.append(flat[start : start + size].reshape(shape))
                start += size
            z = parts[0] @ a + parts[1]
            a = g(z)
        if networks.loss.text == "squared-error":
            return ((z - Y) ** 2).sum(0).mean() / 2
        if len(Y) == 1:
            return jnp.mean(jax.nn.softplus(z) - Y * z)
        return jnp.mean(jax.nn.logsumexp(z, axis=0) - (Y * z).sum(0))

    flat = np.concatenate([array.reshape(len(array), -1) for array in networks.parameters], axis=1)
    with jax.enable_x64(True):
        return np.array([jax.hessian(value)(jnp.array(one)) for one in flat])


def deep(activation, loss, n_y, scale):
    rng = np.random.default_rng(3)
    X, Y = rng.normal(size=(3, 25)), rng.random((n_y, 25))
    options = {"activation": activation, "loss": loss, "bias_init": f"normal({scale / 3})"}
    start = [Network.initialize((3, 5, 4, n_y), f"normal({scale})", seed=s, **options) for s in range(3)]
    return stack(start), X, Y


def products(networks, X, Y):
    """The whole Hessian of each network, a column for each product."""
    size = sum(array[0].size for array in networks.parameters)
    product = hessian_product(networks, X, Y)
    columns = [product(np.broadcast_to(one, (len(networks.weights[0]), size))) for one in np.eye(size)]
    return np.stack(columns, axis=-1)


def differences(networks, X, Y, scale):
    """The whole Hessian of each network, from gradients a step to both sides, so small that no kink is met."""
    kinked = bool(networks.activation.kinks)
    step = scale * (1e-8 if kinked else 1e-5)
    flat = np.concatenate([array.reshape(len(array), -1) for array in networks.parameters], axis=1)

    def gradient(values):
        parameters, begin = [], 0
        for array in networks.parameters:
            size = array[0].size
            parameters.append(values[:, begin : begin + size].reshape(array.shape))
            begin += size
        moved = networks.with_parameters(parameters)
        found = backward(moved, forward(moved, X), Y).parameters
        return np.concatenate([array.reshape(len(array), -1) for array in found], axis=1)

    steps = step * np.eye(flat.shape[1])
    return np.stack([(gradient(flat + one) - gradient(flat - one)) / (2 * step) for one in steps], axis=-1)


KINDS = [
    ("tanh", "cross-entropy", 1, 1.0),
    ("relu", "squared-error", 2, 1.0),
    ("relu", "cross-entropy", 3, 1e-3),
    ("gelu", "cross-entropy", 3, 1.0),
    ("tanh", "squared-error", 1, 1e-3),
]


@pytest.mark.parametrize("kind", KINDS)
def test_products_are_those_of_the_hessian(kind):
    networks, X, Y = deep(*kind)
    expected, scale = differences(networks, X, Y, kind[-1]), kind[-1]
    # What rounding of gradients of size 1 leaves after division by the step, and the step's own error.
    rounding = 100 * np.finfo(float).eps / (scale * (1e-8 if kind[0] == "relu" else 1e-5))
    assert np.abs(products(networks, X, Y) - expected).max() <= (rounding + 1e-8) * max(1, np.abs(expected).max())


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_products_are_those_of_automatic_differentiation(kind):
    networks, X, Y = deep(*kind)
    expected = jax_hessians(networks, X, Y)
    # Second derivatives are differences, so that they err by their rounding and by the next but one derivative.
    error = 100 * (np.finfo(float).eps / STEP + STEP**2)
    assert np.abs(products(networks, X, Y) - expected).max() <= error * np.abs(expected).max()


@pytest.mark.parametrize("mutant", [lambda g, z: np.zeros_like(z), lambda g, z: g.derivative(z)])
def test_wrong_second_derivatives_are_noticed(monkeypatch, mutant):
    monkeypatch.setattr(hessian, "second_derivative", mutant)
    networks, X, Y = deep(*KINDS[0])
    expected = differences(networks, X, Y, 1.0)
    assert np.abs(products(networks, X, Y) - expected).max() > 1e-3 * np.abs(expected).max()


def test_kinks_bend_nothing():
    near = np.array([-1e-12, 0.0, 1e-12, -1.5 * STEP, 1.5 * STEP])
    assert (second_derivative(activations.get("leaky_relu"), near) == 0).all()
    elu = second_derivative(activations.get("elu(2)"), near)
    assert elu == pytest.approx([2, 0, 0, 2, 0], abs=10 * STEP)


def matrices(*spectra):
    rng = np.random.default_rng(5)
    found = []
    for spectrum in spectra:
        q, _ = np.linalg.qr(rng.normal(size=(len(spectrum), len(spectrum))))
        found.append(q @ np.diag(spectrum) @ q.T)
    return np.array(found)


def by_power(product, first, rounds=300):
    """Power iteration: the eigenvalue that is largest in size, whatever its sign."""
    v = first
    for _ in range(rounds):
        v = product(v)
        v = v / np.linalg.norm(v, axis=1, keepdims=True)
    return (product(v) * v).sum(axis=1)


SPECTRA = [np.linspace(1, 20, 20), np.linspace(-50, 3, 20), np.array([7.0] + [0.0] * 19), np.full(20, 2.5)]


@pytest.mark.parametrize(("method", "right"), [(largest_eigenvalue, True), (by_power, False)])
def test_the_largest_not_the_largest_in_size(method, right):
    H = matrices(*SPECTRA)
    first = np.random.default_rng(6).normal(size=(len(H), 20))
    found = method(lambda v: np.einsum("rij,rj->ri", H, v), first)
    assert np.allclose(found, [spectrum.max() for spectrum in SPECTRA], rtol=1e-10) is right


def test_many_dimensions_settle_to_some_digits():
    rng = np.random.default_rng(7)
    spectrum = np.sort(rng.gamma(0.5, size=500))
    found = largest_eigenvalue(lambda v: spectrum * v, rng.normal(size=(1, 500)))
    assert found[0] == pytest.approx(spectrum[-1], rel=1e-3)
