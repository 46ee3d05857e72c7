"""Descending: update rules against an independent library, batches, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from symbreak.errors import InvalidInput, InvalidShape, UnknownName
from symbreak.network import Network, descend, optimizers


def problem(m=20):
    rng = np.random.default_rng(0)
    network = Network.from_arrays([rng.normal(size=(4, 3)), rng.normal(size=(1, 4))], activation="tanh")
    return network, rng.normal(size=(3, m)), rng.integers(0, 2, (1, m)).astype(float)


def last(*args, **kwargs):
    for step in descend(*args, **kwargs):
        pass
    return step


def torch_run(make, iterations=25):
    network, X, Y = problem()
    parameters = [torch.tensor(p, requires_grad=True) for p in network.parameters]
    optimizer = make(parameters)
    w1, b1, w2, b2 = parameters
    for _ in range(iterations):
        optimizer.zero_grad()
        z = w2 @ torch.tanh(w1 @ torch.tensor(X) + b1) + b2
        torch.nn.functional.binary_cross_entropy_with_logits(z, torch.tensor(Y)).backward()
        optimizer.step()
    return [p.detach().numpy() for p in parameters]


@pytest.mark.parametrize(
    ("name", "rate", "make"),
    [
        ("gd", 0.3, lambda p: torch.optim.SGD(p, lr=0.3)),
        # torch's dampening makes its momentum the average that the course uses, but for the first step.
        ("adam", 0.05, lambda p: torch.optim.Adam(p, lr=0.05)),
        ("adam(0.8, 0.99)", 0.05, lambda p: torch.optim.Adam(p, lr=0.05, betas=(0.8, 0.99))),
    ],
)
@pytest.mark.parametrize("arithmetic", ["blas", "unitwise"])
def test_updates_are_torchs(name, rate, make, arithmetic):
    network, X, Y = problem()
    step = last(network, X, Y, iterations=25, learning_rate=rate, optimizer=name, arithmetic=arithmetic)
    for mine, theirs in zip(step.network.parameters, torch_run(make), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12)


def test_momentum_averages_gradients():
    parameters, rate, beta = [np.array([1.0])], 0.1, 0.9
    rule = optimizers.get("momentum")
    state = rule.start(parameters)
    velocity, value = 0.0, 1.0
    for gradient in (1.0, -2.0, 0.5):
        parameters, state = rule.update(parameters, [np.array([gradient])], state, rate)
        velocity = beta * velocity + (1 - beta) * gradient
        value -= rate * velocity
        assert parameters[0][0] == pytest.approx(value, rel=1e-15)


def test_steps_run_from_the_start_to_the_last_update():
    network, X, Y = problem()
    steps = list(descend(network, X, Y, iterations=3, learning_rate=0.1))
    assert [step.iteration for step in steps] == [0, 1, 2, 3]
    assert steps[0].network.weights[0] is network.weights[0]
    expected = network.weights[0] - 0.1 * steps[0].gradient.weights[0]
    np.testing.assert_array_equal(steps[1].network.weights[0], expected)


def test_an_epoch_of_mini_batches_sees_every_example_once():
    network, X, Y = problem(m=10)
    X = np.vstack([X[:2], np.arange(10)[None]])
    steps = list(descend(network, X, Y, iterations=7, learning_rate=0.1, batch_size=4))
    epochs = [[s.forward.activations[0][2] for s in steps[i : i + 3]] for i in (0, 3)]
    for epoch in epochs:
        assert [len(batch) for batch in epoch] == [4, 4, 2]
        assert sorted(np.concatenate(epoch)) == list(range(10))
    assert not np.array_equal(np.concatenate(epochs[0]), np.concatenate(epochs[1])), "never shuffled again"


def test_two_networks_see_the_same_batches():
    network, X, Y = problem()
    other = network.with_parameters([2 * p for p in network.parameters])
    runs = [list(descend(n, X, Y, iterations=4, learning_rate=0.1, batch_size=6)) for n in (network, other)]
    for a, b in zip(*runs, strict=True):
        np.testing.assert_array_equal(a.forward.activations[0], b.forward.activations[0])


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf"), True, "fast"])
def test_a_rate_must_be_above_zero(rate):
    network, X, Y = problem()
    with pytest.raises(InvalidInput, match="learning rate must be above 0"):
        last(network, X, Y, iterations=1, learning_rate=rate)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"iterations": -1}, InvalidInput, "iterations"),
        ({"iterations": 2.5}, InvalidInput, "iterations"),
        ({"iterations": 10**23}, InvalidInput, "a whole number from 0 to 1,000,000,000,000"),
        ({"batch_size": 0}, InvalidInput, "batch size"),
        ({"batch_size": 21}, InvalidInput, "from 1 to 20"),
        ({"optimizer": "adamm"}, UnknownName, "try: adam"),
        ({"optimizer": "adam(2)"}, InvalidInput, "decay rate"),
        ({"optimizer": "gd(1)"}, InvalidInput, "does not take"),
    ],
)
def test_bad_options_are_refused(options, error, words):
    network, X, Y = problem()
    with pytest.raises(error, match=words):
        last(network, X, Y, **{"iterations": 1, "learning_rate": 0.1, **options})


def test_targets_of_another_shape_are_refused_not_broadcast():
    network, X, Y = problem()
    for wrong in (Y.T, Y[0], np.vstack([Y, Y])):
        with pytest.raises(InvalidShape, match="Y has one row for each output"):
            last(network, X, wrong, iterations=1, learning_rate=0.1)


@pytest.mark.parametrize("name", ["X", "Y"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_before_the_first_step(name, bad):
    network, X, Y = problem()
    {"X": X, "Y": Y}[name][0, 7] = bad
    with pytest.raises(InvalidInput, match=rf"{name} must be finite\n  got: {bad} at \(0, 7\)"):
        descend(network, X, Y, iterations=1, learning_rate=0.1)


def test_inputs_beyond_float32_are_told_as_infinite():
    network, X, Y = problem()
    small = Network.from_arrays([w.astype(np.float32) for w in network.weights], activation="tanh")
    X[2, 1] = 1e300
    with pytest.raises(InvalidInput, match=r"inf at \(2, 1\)"):
        descend(small, X, Y, iterations=1, learning_rate=0.1)


@pytest.mark.parametrize("bad", [-1, 1.5])
def test_only_cross_entropy_wants_targets_from_0_to_1(bad):
    network, X, Y = problem()
    Y[0, 5] = bad
    with pytest.raises(InvalidInput, match=rf"got: {float(bad)} at \(0, 5\)"):
        descend(network, X, Y, iterations=1, learning_rate=0.1)
    for loss in ("squared-error", "squared-error(sigmoid)"):
        other = Network.from_arrays(network.weights, activation="tanh", loss=loss)
        assert last(other, X, Y, iterations=1, learning_rate=0.1).iteration == 1


def test_training_itself_may_overflow():
    network, X, Y = problem()
    line = Network.from_arrays(network.weights, activation="relu", loss="squared-error")
    assert not np.isfinite(last(line, X, Y, iterations=60, learning_rate=1e30).cost)
