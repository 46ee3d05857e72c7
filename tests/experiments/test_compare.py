"""The comparison end to end: its numbers against an independent loop, its promises, its JSON, its errors."""

from __future__ import annotations

import itertools
import json
import threading
import time

import numpy as np
import pytest

from symbreak import datasets
from symbreak.errors import InvalidInput, UnknownName
from symbreak.experiments import CompareResult, Settings, compare, running
from symbreak.experiments import comparison as module
from symbreak.network import Network

QUICK = {"seeds": 3, "iterations": 60}


def quick(**changes):
    return compare(Settings(**{**QUICK, **changes}))


def test_cost_and_accuracy_are_those_of_a_plain_loop():
    result = quick(inits=("normal(1)",))
    data = datasets.load("planar")
    for run in result.rows[0].runs:
        (w1, w2), (b1, b2) = (lambda n: (n.weights, n.biases))(
            Network.initialize((2, 4, 1), "normal(1)", seed=run.seed)
        )
        costs = []
        for _ in range(61):
            a1 = np.tanh(w1 @ data.X + b1)
            a2 = 1 / (1 + np.exp(-(w2 @ a1 + b2)))
            costs.append(float(-(data.Y * np.log(a2) + (1 - data.Y) * np.log(1 - a2)).mean()))
            accuracy = float(((a2 > 0.5) == data.Y).mean())
            dz2 = (a2 - data.Y) / 400
            dz1 = (w2.T @ dz2) * (1 - a1**2)
            grads = [dz1 @ data.X.T, dz1.sum(1, keepdims=True), dz2 @ a1.T, dz2.sum(1, keepdims=True)]
            w1, b1, w2, b2 = (p - 1.2 * g for p, g in zip((w1, b1, w2, b2), grads, strict=True))
        for iteration, cost in run.cost:
            assert cost == pytest.approx(costs[iteration], rel=1e-9)
        assert run.final_cost == pytest.approx(costs[60], rel=1e-9)
        assert run.accuracy == accuracy
        half = [i for i, cost in enumerate(costs) if cost <= np.log(2) / 2]
        assert run.iterations_to_half_base_rate == (half[0] if half else None)


def test_zeros_and_constants_are_one_unit_and_random_starts_are_several():
    result = quick(inits=("zeros", "constant(0.5)", "normal(0.01)", "he"))
    ends = {row.init: (row.effective_units.start, row.effective_units.end) for row in result.rows}
    assert ends == {
        "zeros": ((1,), (1,)),
        "constant(0.5)": ((1,), (1,)),
        "normal(0.01)": ((4,), (4,)),
        "he": ((4,), (4,)),
    }
    assert "4 units are one unit" in result.rows[0].verdict
    assert [row.status for row in result.rows] == ["proved", "proved", "measured", "measured"]


def test_the_same_bits_whatever_the_grouping_and_the_threads(monkeypatch):
    whole = quick(inits=("he", "zeros"))
    monkeypatch.setattr(module, "GROUP_NUMBERS", 1)
    monkeypatch.setattr(module.os, "cpu_count", lambda: 1)
    assert quick(inits=("he", "zeros")) == whole


def test_json_goes_out_and_comes_back():
    result = quick(inits=("zeros", "normal(100)"), layers=(5, 3))
    text = json.dumps(result.to_json(), allow_nan=False)
    assert CompareResult.from_json(json.loads(text)) == result
    data = json.loads(text)
    assert data["schema"] == "symbreak/compare/1"
    row = data["rows"][0]
    assert row["effective_units"] == {"start": [1, 1], "end": [1, 1]}
    assert row["iterations_to_half_base_rate"] == {"median": None, "min": None, "max": None}
    assert row["runs"][0]["cost"][0][0] == 0
    assert data["command"] == (
        "symbreak compare --init zeros --init 'normal(100)' --layers 5,3 --seeds 3 --iterations 60"
    )


def test_real_data_is_split_and_standardized():
    result = quick(data="breast-cancer", inits=("he",), layers=(8,), learning_rate=0.3)
    assert result.data.standardized
    assert (result.data.training_samples, result.data.held_out_samples) == (455, 114)
    assert result.rows[0].accuracy.median > 0.9 > result.data.base_rate_score


def test_many_classes():
    result = quick(data="iris", inits=("zeros", "he"), layers=(6,), learning_rate=0.3, iterations=200)
    assert result.network.sizes == (4, 6, 3)
    assert result.data.base_rate_cost == pytest.approx(np.log(3), rel=1e-3)
    assert result.rows[1].accuracy.median > 0.8


def regression():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2, 120))
    return datasets.Dataset("plane", X, (X[:1] - 2 * X[1:]) * 1000, features=("a", "b"), classes=(), task="regression")


def test_a_regression_goes_with_squared_error():
    result = compare(Settings(inits=("xavier",), learning_rate=0.1, iterations=400, seeds=2), data=regression())
    assert (result.network.loss, result.data.score) == ("squared-error", "r2")
    assert result.rows[0].accuracy.median > 0.9


def test_a_regression_refuses_cross_entropy():
    with pytest.raises(InvalidInput, match="loss for numbers"):
        compare(Settings(loss="cross-entropy"), data=regression())


def test_no_hidden_layer():
    result = quick(inits=("zeros", "normal(1)"), layers=(), iterations=300)
    zero, random = result.rows
    assert zero.effective_units.start == ()
    assert zero.final_cost.median == pytest.approx(random.final_cost.median, abs=1e-3), "one optimum for every start"


def test_a_cost_that_is_finite_again_after_an_overflow_stays_an_overflow():
    result = compare(Settings(activation="relu", learning_rate=100.0, inits=("he",), seeds=4, iterations=300))
    overflowed = [run for run in result.rows[0].runs if run.overflowed_at is not None]
    assert overflowed
    for run in overflowed:
        assert all(cost is None for iteration, cost in run.cost if iteration >= run.overflowed_at)


def test_overflow_is_reported_as_such():
    result = quick(
        inits=("normal(100)", "he"),
        activation="relu",
        layers=(8, 8),
        loss="squared-error",
        learning_rate=5.0,
        iterations=300,
    )
    row = result.rows[0]
    assert row.overflowed == 3
    assert row.verdict.startswith("overflows")
    assert row.final_cost.median is None
    for run in row.runs:
        assert run.overflowed_at is not None
        assert run.final_cost is None
        for iteration, cost in run.cost:
            assert (cost is None) == (iteration >= run.overflowed_at)
    json.dumps(result.to_json(), allow_nan=False)


@pytest.mark.parametrize(("optimizer", "rate"), [("momentum", 0.3), ("adam", 0.05)])
def test_mini_batches_and_other_optimizers(optimizer, rate):
    result = quick(inits=("he", "zeros"), optimizer=optimizer, batch_size=50, learning_rate=rate, iterations=150)
    learned, zeros = result.rows
    assert learned.final_cost.median < 0.9 * result.data.base_rate_cost
    assert zeros.effective_units.end == (1,)
    assert learned.runs[0].cost[-1][0] == 150


def test_progress_reaches_its_end_and_never_falls():
    seen = []
    compare(Settings(**QUICK), progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] == 7 * 3 * 61
    assert all(a[0] <= b[0] for a, b in itertools.pairwise(seen))


def test_an_interrupt_keeps_what_is_finished(monkeypatch):
    finished = threading.Event()
    train = running.train

    def second_hangs(settings, problem, group, on_progress):
        if group.init == "zeros":
            outcome = train(settings, problem, group, on_progress)
            finished.set()
            return outcome
        while on_progress(0):
            time.sleep(0.001)
        return None

    def interrupted(done, total):
        if finished.is_set():
            raise KeyboardInterrupt

    monkeypatch.setattr(module, "train", second_hangs)
    result = compare(Settings(inits=("zeros", "he"), **QUICK), progress=interrupted)
    assert result.interrupted
    assert [row.init for row in result.rows] == ["zeros"]
    assert len(result.rows[0].runs) == 3


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"inits": ()}, InvalidInput, "something to compare"),
        ({"inits": ("hee",)}, UnknownName, "try: he"),
        ({"data": "plannar"}, InvalidInput, "planar"),
        ({"layers": (0,)}, InvalidInput, "hidden layer"),
        ({"seeds": 0}, InvalidInput, "seeds"),
        ({"iterations": 0}, InvalidInput, "iterations"),
        ({"learning_rate": 0}, InvalidInput, "above 0"),
        ({"batch_size": 401}, InvalidInput, "training split"),
        ({"activation": "thanh"}, UnknownName, "tanh"),
        ({"optimizer": "sgdd"}, UnknownName, "gd"),
        ({"loss": "entropy"}, UnknownName, "cross-entropy"),
        ({"arithmetic": "exact"}, UnknownName, "unitwise"),
    ],
)
def test_bad_settings_are_refused(changes, error, words):
    with pytest.raises(error, match=words):
        quick(**changes)


def test_checkpoints_hold_both_ends():
    for iterations in (1, 2, 59, 2000, 10_000):
        marks = running.checkpoints(iterations)
        assert {0, iterations} <= marks
        assert max(marks) == iterations
        assert len(marks) <= running.CHECKPOINTS + 2


def test_what_is_no_entry_of_a_catalogue_is_refused_not_replaced():
    from dataclasses import replace

    import symbreak
    from symbreak.numerics import activations

    mine = replace(activations.get("relu"), text="tanh")
    with pytest.raises(InvalidInput, match="of the catalogue"):
        symbreak.compare(activation=mine, **QUICK)
    named = symbreak.compare(activation=activations.get("relu"), inits="he", **QUICK)
    assert named.result.network.activation == "relu"
    assert [row.init for row in named.rows] == ["he"]


def test_numpy_numbers_go_to_json():
    import symbreak

    found = symbreak.compare(inits="he", seeds=np.int64(2), iterations=np.int32(5), learning_rate=np.float32(0.5))
    assert json.loads(json.dumps(found.to_json()))["network"]["learning_rate"] == 0.5


def test_data_in_memory_is_recorded_as_python():
    import symbreak

    found = symbreak.compare(regression(), inits=["zeros"], seeds=1, iterations=2, learning_rate=0.1)
    assert found.result.command == (
        "symbreak.compare(data, inits=('zeros',), seeds=1, iterations=2, learning_rate=0.1)"
    )


def test_what_overflowed_has_no_end():
    result = quick(inits=("normal(100)",), activation="relu", layers=(8, 8), loss="squared-error", learning_rate=5.0)
    for run in result.rows[0].runs:
        assert (run.effective_units.end == (None, None)) == (run.overflowed_at is not None)
    assert CompareResult.from_json(json.loads(json.dumps(result.to_json()))) == result
