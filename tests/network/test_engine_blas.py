"""The engine by BLAS: the numbers of unit-alike arithmetic to rounding, noted by the same rules."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from symbreak.errors import InvalidInput, UnknownName
from symbreak.network import Network, stack, train_many
from symbreak.network.blas_threads import one_thread
from symbreak.network.engine import by_blas

RULES = ["gd", "gd_l2(0.1)", "momentum(0.5)", "adam", "adamw(0.1)", "adam_l2(0.1, 0.8, 0.99)"]
LOSSES = [("cross-entropy", 1), ("cross-entropy", 3), ("squared-error", 2), ("squared-error(sigmoid)", 2)]


def problem(loss=("cross-entropy", 1), dtype=np.float64, *, networks=6, m=37):
    rng = np.random.default_rng(0)
    name, n_y = loss
    options = {"loss": name, "bias_init": "normal(0.5)", "dtype": dtype}
    start = [Network.initialize((3, 5, 4, n_y), "xavier", seed=seed, **options) for seed in range(networks)]
    return stack(start), rng.normal(size=(3, m)).astype(dtype), rng.random((n_y, m)).astype(dtype)


def both(network, X, Y, **options):
    return [train_many(network, X, Y, arithmetic=name, **options) for name in ("unitwise", "blas")]


def furthest(one, other):
    """The largest difference of two curves or networks, in units of rounding."""
    arrays = [one.curve, *one.network.parameters], [other.curve, *other.network.parameters]
    pairs = zip(*arrays, strict=True)
    return max(float(np.abs(a - b).max() / np.finfo(a.dtype).eps / max(1, np.abs(a).max())) for a, b in pairs)


def allowed(iterations, m=37):
    """What rounding can come to: sums of m terms, some operations per layer, every update."""
    return iterations * m * 4


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("loss", LOSSES, ids=str)
@pytest.mark.parametrize("batch_size", [None, 10])
def test_the_numbers_agree_to_rounding(loss, dtype, batch_size):
    rates = np.linspace(0.01, 0.3, 18).reshape(6, 3)
    options = {"iterations": 20, "learning_rate": rates, "optimizer": RULES, "batch_size": batch_size, "record": [3]}
    unit, blas = both(*problem(loss, dtype), record_costs=True, watch=(1,), **options)
    assert blas.curve.dtype == dtype
    assert 0 < furthest(unit, blas) < allowed(20), "0: BLAS was not used"
    assert blas.iterations == unit.iterations == (0, 3, 20)
    np.testing.assert_allclose(blas.costs, unit.costs, rtol=allowed(20) * np.finfo(dtype).eps)
    np.testing.assert_allclose(blas.paths, unit.paths, atol=allowed(20) * np.finfo(dtype).eps)


def test_rates_that_are_mixed_up_would_be_noticed(monkeypatch):
    network, X, Y = problem()
    options = {"iterations": 20, "learning_rate": np.linspace(0.01, 0.3, 18).reshape(6, 3)}
    right = by_blas._own_rule

    def mixed(task, job, n):
        rule = job.rule._replace(rates=job.rule.rates[::-1])
        return right(task, replace(job, rule=rule), n)

    monkeypatch.setattr(by_blas, "_own_rule", mixed)
    assert furthest(*both(network, X, Y, **options)) > allowed(20)


@pytest.mark.parametrize("rule", RULES)
def test_biases_may_be_left_alone(rule):
    network, X, Y = problem()
    unit, blas = both(network, X, Y, iterations=5, learning_rate=0.1, optimizer=rule, train_biases=False)
    assert furthest(unit, blas) < allowed(5)
    for before, after in zip(network.biases, blas.network.biases, strict=True):
        assert np.array_equal(before, after)


@pytest.mark.parametrize("rule", RULES)
def test_two_pieces_are_one_training(rule):
    network, X, Y = problem()
    options = {"learning_rate": 0.1, "optimizer": rule, "arithmetic": "blas"}
    whole = train_many(network, X, Y, iterations=9, **options)
    half = train_many(network, X, Y, iterations=4, **options)
    rest = train_many(half.network, X, Y, iterations=5, memory=half.memory, **options)
    assert np.array_equal(rest.final_cost, whole.final_cost)
    forgotten = train_many(half.network, X, Y, iterations=5, **options)
    assert np.array_equal(forgotten.final_cost, whole.final_cost) is rule.startswith("gd")


@pytest.mark.parametrize("stop", [True, False])
def test_what_diverges_is_stopped_there(stop):
    network, X, Y = problem(("squared-error", 2))
    options = {"iterations": 30, "learning_rate": [0.1, 1e160, 0.1, 1e40, 1e3, 0.01], "threshold": 0.1}
    unit, blas = both(network, X, Y, stop_diverged=stop, **options)
    assert 0 < blas.diverged.sum() < 6
    assert blas.diverged_at.tolist() == unit.diverged_at.tolist()
    assert blas.reached.tolist() == unit.reached.tolist()
    ended = zip(blas.network.weights, unit.network.weights, strict=True)
    assert all(np.array_equal(np.isfinite(a), np.isfinite(b)) for a, b in ended)
    assert np.isnan(blas.final_cost[blas.diverged]).all() or not stop


def test_a_network_does_not_see_the_others_or_the_threads():
    network, X, Y = problem()
    options = {"iterations": 10, "learning_rate": 0.3, "arithmetic": "blas"}
    whole = train_many(network, X, Y, threads=1, **options)
    shared = train_many(network, X, Y, threads=3, **options)
    alone = train_many(stack([network[4]]), X, Y, **options)
    assert np.array_equal(whole.final_cost, shared.final_cost)
    assert alone.final_cost[0] == whole.final_cost[4]


def test_it_can_be_ended():
    done = []
    trained = train_many(
        *problem(),
        iterations=50,
        learning_rate=0.1,
        arithmetic="blas",
        threads=1,
        proceed=lambda n: bool(done.append(n)),
    )
    assert not trained.complete
    assert done == [1]


def test_a_failure_on_the_way_is_raised():
    def fails(updates):
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        train_many(*problem(), iterations=5, learning_rate=0.1, arithmetic="blas", proceed=fails)


def test_ties_are_not_watched_by_blas():
    network, X, Y = problem(networks=1)
    with pytest.raises(InvalidInput, match="ties are watched where rounding keeps them"):
        train_many(
            network, X, Y, iterations=1, learning_rate=0.1, arithmetic="blas", tied=[[0, 0, 2, 3, 4, 0, 1, 2, 3]]
        )


def test_another_arithmetic_is_refused():
    with pytest.raises(UnknownName, match="blas"):
        train_many(*problem(), iterations=1, learning_rate=0.1, arithmetic="bals")


def blas_threads():
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_networks_that_share_threads_keep_blas_to_one_and_give_it_back():
    """Without it each of our threads would wait for those of BLAS: hundreds of times slower."""
    before, seen = blas_threads(), []
    run = threading.Barrier(2)

    def inside():
        with one_thread():
            run.wait()
            seen.append(blas_threads())

    helper = threading.Thread(target=inside)
    helper.start()
    with one_thread():
        run.wait()
    helper.join()
    train_many(
        *problem(),
        iterations=1,
        learning_rate=0.1,
        arithmetic="blas",
        proceed=lambda n: bool(seen.append(blas_threads())) or True,
    )
    assert all(found == {1} for found in seen)
    assert len(seen) > 12
    assert blas_threads() == before
