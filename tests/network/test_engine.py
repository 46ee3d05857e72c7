"""The engine has the reference's bits, network by network, whatever trains beside it; broken engines are noticed."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbreak.errors import InvalidInput, InvalidShape, UnknownName
from symbreak.network import (
    Network,
    arithmetic,
    backward,
    cost,
    descend,
    forward,
    optimizers,
    stack,
    train_many,
    unitwise,
)
from symbreak.network.engine import many
from symbreak.numerics import activations

DTYPES = [np.float64, np.float32]
LOSSES = [("cross-entropy", 1), ("cross-entropy", 3), ("squared-error", 2), ("squared-error(sigmoid)", 2)]
RULES = ["gd", "gd_l2(0.1)", "momentum(0.5)", "adam", "adamw(0.1)", "adam_l2(0.1, 0.8, 0.99)"]
HIDDEN = [(), (4,), (5, 3), (9, 1, 6)]


def problem(hidden=(4,), activation="tanh", loss=("cross-entropy", 1), dtype=np.float64, *, networks=2, m=37, seed=0):
    """A stack of networks, and data that fill no whole number of vectors."""
    rng = np.random.default_rng(seed)
    name, n_y = loss
    options = {"activation": activation, "loss": name, "bias_init": "normal(0.5)", "dtype": dtype}
    many_of_them = [Network.initialize((3, *hidden, n_y), "normal(1)", seed=s, **options) for s in range(networks)]
    return stack(many_of_them), rng.normal(size=(3, m)).astype(dtype), rng.random((n_y, m)).astype(dtype)


def reference(network, X, Y, **options):
    """The parameters after the last step, and the costs of all."""
    costs = []
    for step in descend(network, X, Y, arithmetic="unitwise", **options):
        costs.append(step.cost)
    return step.network, np.array(costs).T


def same(one, other):
    return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=True)


def alike(network, other):
    return all(same(a, b) for a, b in zip(network.parameters, other.parameters, strict=True))


def check_against_reference(network, X, Y, **options):
    expected, costs = reference(network, X, Y, **options)
    trained = train_many(network, X, Y, record_costs=True, stop_diverged=False, **options)
    assert alike(trained.network, expected)
    assert same(trained.costs, costs)
    if options.get("batch_size") is None:
        assert same(trained.final_cost, costs[:, -1])


# Every activation, loss, rule, depth and kind of batch, in both dtypes; a kernel is compiled for each activation.
GRID = [
    (dtype, activation, LOSSES[i % len(LOSSES)])
    for dtype, (i, activation) in itertools.product(DTYPES, enumerate([*activations.CATALOGUE, "leaky_relu(0.2)"]))
]


@pytest.mark.parametrize(("dtype", "activation", "loss"), GRID)
def test_bits_are_those_of_the_reference(dtype, activation, loss):
    for i, rule in enumerate(RULES):
        network, X, Y = problem(HIDDEN[i % len(HIDDEN)], activation, loss, dtype)
        check_against_reference(
            network, X, Y, iterations=12, learning_rate=0.2, optimizer=rule, batch_size=[None, 7, 32][i % 3]
        )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", LOSSES)
def test_bits_under_every_loss(loss, dtype):
    network, X, Y = problem((6,), "tanh", loss, dtype, m=400)
    check_against_reference(network, X, Y, iterations=30, learning_rate=0.7)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 9), max_size=3),
    st.integers(1, 70),
    st.integers(1, 5),
    st.sampled_from(RULES),
    st.floats(1e-3, 10),
    st.integers(0, 20),
    st.data(),
)
def test_bits_at_random(hidden, m, networks, rule, rate, iterations, data):
    network, X, Y = problem(tuple(hidden), "tanh", networks=networks, m=m, seed=m)
    batch = data.draw(st.none() | st.integers(1, m))
    check_against_reference(
        network, X, Y, iterations=iterations, learning_rate=rate, optimizer=rule, batch_size=batch, batch_seed=m
    )


UNITWISE = arithmetic.get("unitwise")


def fused(w, a):
    """A product of float32 in which each multiplication and addition is rounded once."""
    total = np.zeros((*w.shape[:-1], a.shape[-1]), np.float32)
    for j in range(w.shape[-1]):
        exact = w[..., :, j : j + 1].astype(np.float64) * a[..., j : j + 1, :]
        total = (total + exact).astype(np.float32)
    return total


def in_halves(values):
    """A sum that two threads share."""
    middle = values.shape[-1] // 2
    return unitwise.sum_examples(values[..., :middle]) + unitwise.sum_examples(values[..., middle:])


def summing(sum_examples):
    def gradient(dz, a):
        return sum_examples(dz[..., :, None, :] * a[..., None, :, :])[..., 0]

    return replace(UNITWISE, sum_examples=sum_examples, weight_gradient=gradient)


def forgetful(name):
    """The rule of that name, which starts afresh at every step."""
    rule = optimizers.get(name)
    return optimizers.Optimizer(name, lambda p, g, state, rate: (rule.update(p, g, state, rate)[0], state))


ARITHMETICS = {
    "the reference": (UNITWISE, True),
    "the same sums once more": (summing(unitwise.sum_examples), True),
    "a sum from the last to the first": (summing(lambda v: unitwise.sum_examples(v[..., ::-1])), False),
    "a sum by the library": (summing(lambda v: v.sum(axis=-1, keepdims=True)), False),
    "a sum shared by two threads": (summing(in_halves), False),
    "a fused multiply-add": (replace(UNITWISE, product=fused), False),
    "a product from the last input to the first": (
        replace(UNITWISE, product=lambda w, a: unitwise.product(w[..., ::-1], a[..., ::-1, :])),
        False,
    ),
    "the library's tanh": (replace(UNITWISE, math=activations.LIBRARY), False),
}


@pytest.mark.parametrize(("ops", "alike_expected"), ARITHMETICS.values(), ids=ARITHMETICS)
def test_another_order_of_operations_is_noticed(ops, alike_expected):
    network, X, Y = problem((5, 3), dtype=np.float32, m=400)
    options = {"iterations": 10, "learning_rate": 0.5}
    for step in descend(network, X, Y, arithmetic=ops, **options):
        pass
    assert alike(train_many(network, X, Y, **options).network, step.network) is alike_expected


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_that_forgets_its_state_is_noticed(rule):
    network, X, Y = problem()
    options = {"iterations": 3, "learning_rate": 0.5}
    expected, _ = reference(network, X, Y, optimizer=forgetful(rule), **options)
    trained = train_many(network, X, Y, optimizer=rule, **options)
    assert alike(trained.network, expected) is rule.startswith("gd")


DIGEST = """
import hashlib, numpy as np
from symbreak.network import Network, stack, train_many
digest = hashlib.sha256()
for dtype in (np.float32, np.float64):
    start = stack([Network.initialize((3, 5, 1), "normal(1)", seed=seed, dtype=dtype) for seed in range(3)])
    X = np.linspace(-2, 2, 150).reshape(3, 50)
    trained = train_many(start, X, X[:1] > X[1:2], iterations=50, learning_rate=0.5, optimizer="adam")
    for array in (*trained.network.parameters, trained.final_cost):
        digest.update(array.tobytes())
print(digest.hexdigest())
"""


def test_the_same_bits_without_this_machines_instructions():
    found = set()
    for processor in ({}, {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}):
        run = subprocess.run(
            [sys.executable, "-c", DIGEST], env={**os.environ, **processor}, capture_output=True, text=True, check=True
        )
        found.add(run.stdout)
    assert len(found) == 1


def settings_of_each():
    network, X, Y = problem((5, 3), networks=7, m=50)
    rates = np.linspace(0.1, 2.0, 14).reshape(7, 2) @ np.ones((2, 3))
    return network, X, Y, {"learning_rate": rates, "optimizer": [*RULES, "momentum(0.7)"], "iterations": 25}


def test_each_network_has_its_own_rates_and_rule():
    network, X, Y, options = settings_of_each()
    trained = train_many(network, X, Y, **options)
    for i in range(7):
        own = {**options, "learning_rate": options["learning_rate"][i, 0], "optimizer": options["optimizer"][i]}
        expected, _ = reference(network[i], X, Y, **own)
        assert alike(trained.network[i], expected)


def test_a_rate_for_each_layer_is_that_of_its_weights_and_biases():
    network, X, Y = problem((5, 3), networks=1)
    rates = [0.9, 0.1, 0.4]
    parameters = list(network.parameters)
    for _ in range(9):
        now = network.with_parameters(parameters)
        gradient = backward(now, forward(now, X, arithmetic="unitwise"), Y, arithmetic="unitwise").parameters
        parameters = [p - rates[k // 2] * g for k, (p, g) in enumerate(zip(parameters, gradient, strict=True))]
    trained = train_many(network, X, Y, iterations=9, learning_rate=[rates])
    assert alike(trained.network, network.with_parameters(parameters))


def test_biases_may_be_left_alone():
    network, X, Y = problem((5,))
    for rule in RULES:
        trained = train_many(network, X, Y, iterations=5, learning_rate=0.3, optimizer=rule, train_biases=False)
        assert all(map(same, trained.network.biases, network.biases))
        one, _ = reference(network, X, Y, iterations=1, learning_rate=0.3, optimizer=rule)
        after_one = train_many(network, X, Y, iterations=1, learning_rate=0.3, optimizer=rule, train_biases=False)
        assert all(map(same, after_one.network.weights, one.weights))


def test_company_threads_and_chunks_change_no_bit(monkeypatch):
    network, X, Y, options = settings_of_each()
    whole = train_many(network, X, Y, threads=1, record_costs=True, **options)
    for threads, work in itertools.product((1, 2, 3), (1, 10**5, 2**28)):
        monkeypatch.setattr(many, "CALL_WORK", work)
        cut = train_many(network, X, Y, threads=threads, record_costs=True, **options)
        assert alike(cut.network, whole.network)
        assert same(cut.costs, whole.costs)
    alone = train_many(
        stack([network[4]]), X, Y, iterations=25, learning_rate=options["learning_rate"][4:5], optimizer=RULES[4]
    )
    assert alike(alone.network[0], whole.network[4])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rule", RULES)
def test_tied_units_stay_tied_to_the_last_bit(rule, dtype):
    rng = np.random.default_rng(1)
    w1, w2 = np.repeat(rng.normal(size=(1, 3)), 6, axis=0), np.repeat(rng.normal(size=(1, 1)), 6, axis=1)
    network = Network.from_arrays([w1.astype(dtype), w2.astype(dtype)], activation="tanh")
    X, Y = rng.normal(size=(3, 401)), rng.integers(0, 2, (1, 401))
    trained = train_many(stack([network]), X, Y, iterations=150, learning_rate=0.3, optimizer=rule).network[0]
    assert (trained.weights[0] == trained.weights[0][0]).all()
    assert (trained.weights[1] == trained.weights[1][0, 0]).all()
    assert not same(trained.weights[0], network.weights[0]), "nothing was trained"


def exploding():
    """Three networks of which the middle one overflows."""
    network, X, Y = problem((8,), "relu", ("squared-error", 2), networks=3)
    return network, X, Y, {"iterations": 80, "learning_rate": [1e-3, 1e3, 1e-3]}


def test_what_diverges_is_stopped_and_disturbs_nobody():
    network, X, Y, options = exploding()
    trained = train_many(network, X, Y, record=range(81), **options)
    assert trained.diverged.tolist() == [False, True, False]
    at = trained.diverged_at[1]
    steps = list(descend(network[1], X, Y, iterations=at, learning_rate=1e3, arithmetic="unitwise"))
    assert [bool(np.isfinite(step.cost)) for step in steps] == [True] * at + [False]
    assert alike(trained.network[1], steps[-1].network)
    assert np.isnan(trained.curve[1, at + 1 :]).all()
    calm = train_many(stack([network[0], network[2]]), X, Y, iterations=80, learning_rate=1e-3)
    assert alike(calm.network[1], trained.network[2])
    on = train_many(network, X, Y, stop_diverged=False, **options)
    assert on.diverged_at.tolist() == trained.diverged_at.tolist()
    assert not np.isfinite(on.network[1].weights[0]).all()


def test_divergence_is_seen_also_where_no_cost_is_asked_for():
    network, X, Y, options = exploding()
    asked = train_many(network, X, Y, record_costs=True, **options)
    assert train_many(network, X, Y, **options).diverged_at.tolist() == asked.diverged_at.tolist()


def test_curve_threshold_and_path_are_those_of_the_steps():
    network, X, Y = problem((4,), networks=3, m=60)
    steps = list(descend(network, X, Y, iterations=40, learning_rate=2.0, arithmetic="unitwise"))
    costs = np.array([step.cost for step in steps])
    limits = [costs[0, 0], costs[25, 1], 0.0]
    trained = train_many(
        network, X, Y, iterations=40, learning_rate=2.0, record=(3, 17), threshold=limits, watch=(2, 0)
    )
    assert trained.iterations == (0, 3, 17, 40)
    assert same(trained.curve, costs[[0, 3, 17, 40]].T)
    assert same(trained.final_cost, costs[-1])
    assert trained.reached.tolist() == [0, int(np.argmax(costs[:, 1] <= limits[1])), -1]
    path = trained.parameters_at(0)
    for k, t in enumerate(trained.iterations):
        assert alike(path[k], steps[t].network[0])


def test_with_mini_batches_the_curve_is_of_all_examples():
    network, X, Y = problem((4,), networks=2, m=60)
    trained = train_many(network, X, Y, iterations=20, learning_rate=0.5, batch_size=16, record=(10,))
    seen = forward(trained.network, X, arithmetic="unitwise")
    assert same(trained.final_cost, cost(trained.network, seen, Y, arithmetic="unitwise"))


def test_it_can_be_ended():
    network, X, Y = problem(networks=9)
    seen = []
    ended = train_many(network, X, Y, iterations=5, learning_rate=1.0, proceed=lambda n: bool(seen.append(n)))
    assert not ended.complete
    counted = []
    trained = train_many(network, X, Y, iterations=5, learning_rate=1.0, proceed=lambda n: counted.append(n) or True)
    assert trained.complete
    assert sum(counted) == 9 * 6


def test_an_error_in_a_thread_is_the_callers():
    network, X, Y = problem(networks=9)

    def fail(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_many(network, X, Y, iterations=5, learning_rate=1.0, proceed=fail)


BAD = [
    ({"learning_rate": 0.0}, InvalidInput, "above 0"),
    ({"learning_rate": [1.0, np.nan]}, InvalidInput, "above 0"),
    ({"learning_rate": "fast"}, InvalidInput, "must be numbers"),
    ({"learning_rate": [1.0, 1.0, 1.0]}, InvalidShape, r"\(2, 2\)"),
    ({"learning_rate": np.ones((2, 3))}, InvalidShape, r"\(2, 2\)"),
    ({"learning_rate": np.ones((1, 2, 2))}, InvalidShape, r"\(2, 2\)"),
    ({"iterations": -1}, InvalidInput, "iterations"),
    ({"optimizer": "adamm"}, UnknownName, "adam"),
    ({"optimizer": ["gd"]}, InvalidInput, "1 or 2"),
    ({"batch_size": 38}, InvalidInput, "batch size"),
    ({"record": (6,)}, InvalidInput, "recorded iteration"),
    ({"watch": (2,)}, InvalidInput, "watched network"),
    ({"threshold": [1.0, 2.0, 3.0]}, InvalidShape, "threshold"),
    ({"threads": 0}, InvalidInput, "threads"),
]


@pytest.mark.parametrize(("options", "error", "words"), BAD)
def test_bad_input_is_refused(options, error, words):
    network, X, Y = problem()
    with pytest.raises(error, match=words):
        train_many(network, X, Y, **{"iterations": 5, "learning_rate": 0.1, **options})


def test_only_what_is_compiled_is_taken():
    network, X, Y = problem()
    with pytest.raises(InvalidShape, match="stack"):
        train_many(network[0], X, Y, iterations=1, learning_rate=0.1)
    with pytest.raises(InvalidShape, match="one column for each example"):
        train_many(network, X.T, Y, iterations=1, learning_rate=0.1)
    other = replace(network, activation=replace(activations.get("tanh"), slope=lambda z, a, m: 1 - a))
    with pytest.raises(InvalidInput, match="an activation of the catalogue"):
        train_many(other, X, Y, iterations=1, learning_rate=0.1)
    mine = optimizers.Optimizer("gd", lambda p, g, s, r: (p, s))
    with pytest.raises(InvalidInput, match="an update rule of the catalogue"):
        train_many(network, X, Y, iterations=1, learning_rate=0.1, optimizer=mine)
