"""Replay, forecast, merging and the one-ulp dial: what exact arithmetic promises, and what floats make of it."""

from __future__ import annotations

import numpy as np
import pytest

from symbreak.diagnosis.symmetry import merge, replay, steps_to_separate, symmetry
from symbreak.errors import InvalidInput, InvalidShape
from symbreak.network import Network, backward, descend, forward

RNG = np.random.default_rng(3)
X = RNG.normal(size=(2, 40))
Y = (X[:1] * X[1:] > 0.2).astype(float)
TIED = Network.from_arrays([np.full((4, 2), 0.5), np.full((1, 4), 0.5)], activation="tanh")


@pytest.mark.parametrize("optimizer", ["gd", "momentum", "adam", "adamw", "adam_l2"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_units_treated_alike_stay_equal_to_the_last_bit(optimizer, dtype):
    network = TIED.with_parameters([p.astype(dtype) for p in TIED.parameters])
    run = symmetry(network, optimizer=optimizer).certificate.replay(network, X, Y, steps=60, learning_rate=0.1)
    assert run.holds
    assert run.alike == 0.0
    assert run.dtype == np.dtype(dtype).name


def test_replay_takes_a_data_set_and_reports_both_runs():
    class Data:
        pass

    data = Data()
    data.X, data.Y = X, Y
    run = replay(TIED, data, steps=20)
    assert "every unit treated alike" in str(run)
    assert "BLAS" in str(run)
    assert "forecast" in str(run)


@pytest.mark.parametrize("eps", [1e-4, 1e-6])
@pytest.mark.parametrize(("optimizer", "rate"), [("gd", 2.0), ("adam", 0.05)])
def test_the_one_ulp_dial_measured_beside_predicted(eps, optimizer, rate):
    found = steps_to_separate(TIED, X, Y, eps, learning_rate=rate, optimizer=optimizer, steps=1500)
    assert found.measured is not None
    # The prediction is linear; what it neglects is of the order of the tolerance, and the growth of one step.
    assert abs(found.predicted - found.measured) <= 0.1 * found.measured + 2


def test_a_smaller_difference_takes_longer():
    steps = [steps_to_separate(TIED, X, Y, eps, learning_rate=2.0, steps=1500).measured for eps in (1e-4, 1e-5, 1e-6)]
    assert steps == sorted(steps)
    assert len(set(steps)) == 3


def test_forecast_of_float32_is_no_later_than_of_float64():
    found = symmetry(TIED, optimizer="adam")
    single, double = (
        found.forecast(X, Y, learning_rate=0.05, dtype=dtype, steps=1200) for dtype in (np.float32, "float64")
    )
    assert single.step is not None
    assert double.step is None or double.step >= single.step
    assert "in exact arithmetic" in str(double)


def test_a_saddle_of_zeros_has_no_rounding_to_grow():
    zeros = Network.from_arrays([np.zeros((4, 2)), np.zeros((1, 4))], activation="tanh")
    assert symmetry(zeros).forecast(X, Y, learning_rate=1.0, steps=50).step is None
    assert replay(zeros, X, Y, steps=50).blas == 0.0


# ---- merging


def merged_and_original(network, steps, rate):
    """Cost of the network and of its merged form over plain gradient descent."""
    small = merge(network)
    for step in descend(network, X, Y, iterations=steps, learning_rate=rate):
        passed = forward(small.network, X)
        yield step.forward.answer, passed.answer
        small = small.updated(backward(small.network, passed, Y).parameters, rate)


def mergeable(case):
    for seed in range(200):
        network, _, _, name = case(seed)
        fits = network.sizes[0] == 2 and network.sizes[-1] == 1 and name not in ("random", "near_ties")
        if fits and sum(merge(network).network.sizes) < sum(network.sizes):
            yield network


def test_merging_keeps_the_function_and_its_training(case):
    looked_at = 0
    for network in mergeable(case):
        gentle = network.with_parameters([p / 4 for p in network.parameters])
        for step, (one, other) in enumerate(merged_and_original(gentle, 20, 0.02)):
            scale = 1 + np.abs(one).max()
            # Rounding of some hundred operations a step, over all steps.
            assert np.abs(one - other).max() <= 1e-12 * scale * (step + 1), gentle
        looked_at += 1
    assert looked_at >= 5


def test_rates_without_the_factors_are_caught():
    small = merge(TIED)
    naive = type(small)(small.network, tuple(np.ones_like(f) for f in small.rate_factors), small.kept)
    assert small.network.sizes == (2, 1, 1)
    step = list(descend(TIED, X, Y, iterations=1, learning_rate=0.5))[-1]
    answers = []
    for form in (small, naive):
        gradient = backward(form.network, forward(form.network, X), Y).parameters
        answers.append(forward(form.updated(gradient, 0.5).network, X).answer)
    assert np.abs(answers[0] - step.forward.answer).max() < 1e-14
    assert np.abs(answers[1] - step.forward.answer).max() > 1e-3


def test_a_layer_of_zeros_keeps_one_unit():
    small = merge(Network.from_arrays([np.zeros((4, 2)), [[1.0, 2.0, 3.0, 4.0]]], activation="relu"))
    assert small.network.sizes == (2, 1, 1)
    assert (forward(small.network, X).answer == 0.5).all()


def test_wrong_arguments_are_refused():
    found = symmetry(TIED)
    with pytest.raises(InvalidInput, match="float32 or float64"):
        found.forecast(X, Y, learning_rate=1.0, dtype="int8")
    with pytest.raises(InvalidInput, match="learning rate"):
        found.forecast(X, Y, learning_rate=0)
    with pytest.raises(InvalidInput, match="Y beside"):
        found.forecast(X, learning_rate=1.0)
    with pytest.raises(InvalidShape):
        found.forecast(X.T, Y, learning_rate=1.0)
    with pytest.raises(InvalidInput, match="eps"):
        steps_to_separate(TIED, X, Y, 0, learning_rate=1.0)
    distinct = Network.from_arrays([[[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0]]], activation="tanh")
    with pytest.raises(InvalidInput, match="nothing to separate"):
        steps_to_separate(distinct, X, Y, learning_rate=1.0)
