"""The sentence follows from the measurements, and changes when they change."""

from __future__ import annotations

import pytest

from symbreak.experiments.proof import Proof
from symbreak.experiments.result import Ends, NetworkSummary, Run
from symbreak.experiments.verdict import Facts, status, verdict

BASE = 0.7
ALL = ("W1", "b1", "W2", "b2")


def facts(*, runs=3, sizes=(2, 4, 1), proof=None, base=BASE, **changes):
    hidden = len(sizes) - 2
    values = {
        "final_cost": 0.2,
        "accuracy": 0.9,
        "iterations_to_half_base_rate": 100,
        "gradient_norm": 1.0,
        "effective_units": Ends(tuple(map(float, sizes[1:-1])), tuple(map(float, sizes[1:-1]))),
        "saturated": Ends((0.0,) * hidden, (0.0,) * hidden),
        "dead": Ends((0.0,) * hidden, (0.0,) * hidden),
        "overflowed_at": None,
        **changes,
    }
    network = NetworkSummary(sizes, "tanh", "cross-entropy", "gd", 1.2, 2000, None, runs, "unitwise")
    return Facts([Run(seed=i, cost=(), **values) for i in range(runs)], [proof] * runs, network, base)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "learns: half of the base-rate cost after 100 iterations"),
        (
            {"effective_units": Ends((1.0,), (1.0,)), "final_cost": 0.69},
            "4 units are one unit: identical in every forward and backward pass",
        ),
        (
            {"effective_units": Ends((1.0,), (1.0,)), "iterations_to_half_base_rate": 1},
            "4 units are one unit: identical in every forward and backward pass;"
            " even so it learns: half of the base-rate cost after 1 iteration",
        ),
        (
            {"final_cost": 0.7, "dead": Ends((0.2,), (0.9,))},
            "stays on the base-rate plateau for all 2000 iterations;"
            " 90% of a layer's units die: their slope becomes 0 on all examples",
        ),
        (
            {"effective_units": Ends((1.0,), (1.0,)), "proof": Proof((True,), ("b2",))},
            "4 units are one unit: identical in every forward and backward pass, for ever (proved);"
            " nothing but b2 ever moves",
        ),
        (
            {"effective_units": Ends((1.0,), (1.0,)), "proof": Proof((True,), ALL), "final_cost": 0.69},
            "4 units are one unit: identical in every forward and backward pass, for ever (proved)",
        ),
        (
            {"effective_units": Ends((1.0,), (1.0,)), "proof": Proof((False,), ALL), "final_cost": 0.69},
            "4 units are one unit: identical in every forward and backward pass",
        ),
        ({"effective_units": Ends((1.0,), (4.0,))}, "4 units are one unit at the start, and part during training"),
        ({"final_cost": 0.69}, "stays on the base-rate plateau for all 2000 iterations"),
        (
            {"final_cost": 0.69, "saturated": Ends((0.97,), (1.0,))},
            "stays on the base-rate plateau for all 2000 iterations;"
            " 97% of a layer's activations start in a flat part of tanh",
        ),
        ({"final_cost": 7.0}, "ends above the base rate (10 times its cost)"),
        (
            {"final_cost": 0.5, "iterations_to_half_base_rate": None},
            "learns slowly: 71% of the base-rate cost at the end",
        ),
        (
            {"saturated": Ends((0.6,), (0.7,))},
            "learns: half of the base-rate cost after 100 iterations,"
            " although 60% of a layer's activations start saturated",
        ),
        (
            {"overflowed_at": 12, "final_cost": None},
            "overflows: from iteration 12 on the cost is no longer a finite number; try a smaller learning rate",
        ),
        (
            {"sizes": (2, 8, 8, 1), "effective_units": Ends((8.0, 1.0), (8.0, 1.0)), "final_cost": 0.69},
            "8 units of hidden layer 2 are one unit: identical in every forward and backward pass",
        ),
        ({"sizes": (2, 1), "effective_units": Ends((), ())}, "learns: half of the base-rate cost after 100 iterations"),
        ({"sizes": (2, 1, 1)}, "learns: half of the base-rate cost after 100 iterations"),
    ],
)
def test_verdicts(changes, sentence):
    assert verdict(facts(**changes)) == sentence


def test_a_share_of_the_runs_is_told():
    good, bad = facts(runs=2), facts(runs=1, iterations_to_half_base_rate=None, final_cost=0.5)
    mixed = Facts([*good.runs, *bad.runs], [None] * 3, good.network, BASE)
    assert verdict(mixed) == "learns in 2 of 3 runs: half of the base-rate cost after 100 iterations"


def test_some_overflow():
    good, bad = facts(runs=2), facts(runs=1, overflowed_at=7, final_cost=None)
    mixed = Facts([*good.runs, *bad.runs], [None] * 3, good.network, BASE)
    assert verdict(mixed).startswith("overflows in 1 of 3 runs: from iteration 7")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"effective_units": Ends((1.0,), (1.0,)), "proof": Proof((True,), ALL)}, "proved"),
        ({"effective_units": Ends((1.0,), (1.0,)), "proof": Proof((False,), ALL)}, "measured"),
        ({"effective_units": Ends((1.0,), (1.0,))}, "measured"),
        ({"proof": Proof((True,), ALL)}, "measured"),
        ({"effective_units": Ends((1.0,), (1.0,)), "proof": Proof((True,), ALL), "overflowed_at": 3}, "measured"),
    ],
)
def test_proved_is_said_only_of_a_theorem(changes, expected):
    assert status(facts(**changes)) == expected
