"""`nn_model`: does it learn? On blobs that a straight line parts, where every right solution does."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.grade.checks import reference
from symbreak.grade.checks.backward import own_activation
from symbreak.grade.checks.check import Check, Finding, fails, nothing_to_see, passes, warns
from symbreak.grade.checks.common import Fault, common, each
from symbreak.grade.checks.parameters import arrays_of, kind, shapes_of
from symbreak.grade.checks.trial import Case, Trial, Tried

Array = NDArray[Any]

ITERATIONS = 400
FEW = 2
"""Iterations of the second run, which must have learned less."""

HIDDEN_SIZES = (3, 5)
# What learners call the arguments behind X, Y and n_h.
ITERATION_NAMES = ("num_iter", "n_iter", "iter", "num_epoch", "n_epoch", "epoch", "num_steps", "steps", "max_iter")
RATE_NAMES = ("learning_rate", "lr", "alpha", "rate")
PRINT_NAMES = ("print", "verbose")

RATE = 1.2
EXAMPLES = 61
LEARNED = 0.5
"""Share of the base-rate cost that must be gone: right solutions from any usual start lose more than nine tenths."""

DISTANCE = 2.0
"""Of each blob's middle from the origin, in standard deviations."""

TOO_MUCH = 1e6


def cases(trial: Trial) -> list[Case]:
    """Return a run for each number of hidden units."""
    return [_case(trial, n_h, ITERATIONS) for n_h in HIDDEN_SIZES]


def _case(trial: Trial, n_h: int, iterations: int) -> Case:
    x, y = _blobs(trial.plan.seeds[0])
    names = trial.subject.functions.get(trial.function, ())[3:]
    given = {ITERATION_NAMES: iterations, RATE_NAMES: RATE, PRINT_NAMES: False}
    kwargs = {name: value for words, value in given.items() for name in names if _is_called(name, words)}
    args: tuple[Any, ...] = (x, y, n_h)
    if not any(_is_called(name, ITERATION_NAMES) for name in names):
        args = (*args, iterations)
    facts = {"X": x, "Y": y, "sizes": (2, n_h, 1)}
    return Case(f"n_h={n_h}, m={EXAMPLES}, {iterations} iterations", args, kwargs, trial.plan.seeds[0], facts)


def _is_called(name: str, words: tuple[str, ...]) -> bool:
    return name.lower().startswith(words)


def _blobs(seed: int) -> tuple[Array, Array]:
    y = (np.arange(EXAMPLES) % 2)[None, :].astype(np.float64)
    noise = reference.inputs(2, EXAMPLES, seed) / 2
    return noise + DISTANCE * (2 * y - 1) * np.array([[1.0], [0.5]]), y


def _parameters(tried: Tried) -> dict[str, Array] | None:
    """Return the parameters; beside them a run may return its costs."""
    shapes = shapes_of(tried.case.facts["sizes"])
    value = tried.value
    beside = value if isinstance(value, (tuple, list)) else value.values() if isinstance(value, dict) else ()
    for candidate in (value, *beside):
        found = arrays_of(candidate, shapes)
        if found is not None:
            return found
    return None


def _keys(trial: Trial, tried: Tried) -> Fault | None:
    shapes = shapes_of(tried.case.facts["sizes"])
    found = _parameters(tried)
    expected = "a dict with " + ", ".join(f"{key} {shape}" for key, shape in shapes.items())
    why = "Whoever trains a network wants its parameters, to predict with."
    if found is None:
        return expected, kind(tried.value), why, "What does the last line return?"
    wrong = [f"{key} {found[key].shape}" for key, shape in shapes.items() if found[key].shape != shape]
    return (expected, ", ".join(wrong), why, "Which function makes the first parameters?") if wrong else None


def _cost(trial: Trial, tried: Tried) -> float | None:
    found, facts = _parameters(tried), tried.case.facts
    if found is None or any(found[key].shape != shape for key, shape in shapes_of(facts["sizes"]).items()):
        return None
    if not all(np.isfinite(entry).all() and np.abs(entry).max() < TOO_MUCH for entry in found.values()):
        return float("inf")
    told = "forward_propagation" in trial.subject.functions
    hidden = (own_activation(trial),) if told else reference.HIDDEN  # a model in one piece does not say what it uses
    return min(reference.cost(found, facts["X"], facts["Y"], name, "sigmoid") for name in hidden)


def _learns(trial: Trial) -> Finding:
    costs = [(tried, cost) for tried in trial.usable if (cost := _cost(trial, tried)) is not None]
    if not costs:
        return nothing_to_see("There are no trained parameters to look at.")
    y = costs[0][0].case.facts["Y"]
    base = float(-(y.mean() * np.log(y.mean()) + (1 - y.mean()) * np.log(1 - y.mean())))
    expected = f"a cost below {LEARNED * base:.3g}, half of what answering the base rate costs"
    for tried, cost in costs:
        if not cost < LEARNED * base:
            why = (
                "Two blobs that a straight line parts are the easiest data there are. A cost that stays near"
                f" {base:.3g} means that nothing reaches the weights; one that grows, that the steps go up or too far;"
                " one in between, that few of the examples are learned from, or little from each."
            )
            hint = "Print the cost of every iteration: where does it stop falling? Then look at the gradients there."
            return fails(expected, f"{cost:.3g} ({tried.case.label})", why, hint)
    return passes(expected, ", ".join(f"{cost:.3g}" for _, cost in costs))


def _iterations(trial: Trial) -> Finding:
    if not trial.usable or _cost(trial, trial.usable[0]) is None:
        return nothing_to_see("There are no trained parameters to look at.")
    expected = f"a higher cost after {FEW} iterations than after {ITERATIONS}"
    many, few = trial.usable[0], _few(trial)
    short, long = (None if few.outcome.failed else _cost(trial, few)), _cost(trial, many)
    if short is not None and long is not None and short > long:
        return _counts(trial) or passes(expected, f"{short:.3g} and {long:.3g}")
    got = "no parameters from the short run" if short is None else f"{short:.6g} and {long:.6g}"
    why = "How long to train is for the caller to say; a loop that runs as often as it likes cannot be steered."
    return fails(expected, got, why, "What does the loop count to, and what does each round start from?")


def _few(trial: Trial) -> Tried:
    """Return the run of few iterations, beside the first one."""
    return _run_of(trial, FEW)


def _run_of(trial: Trial, iterations: int) -> Tried:
    key = f"{iterations} iterations"
    return trial.once(key, _case(trial, trial.usable[0].case.facts["sizes"][1], iterations))


def _counts(trial: Trial) -> Finding | None:
    """Return a warning if one iteration, from one seed, leaves the start as it is."""
    none, one = (_parameters(_run_of(trial, iterations)) for iterations in (0, 1))
    if none is None or one is None or any(not np.array_equal(none[key], one[key]) for key in none):
        return None
    why = (
        "After one iteration the parameters are those after none: the loop makes one update less than it is told, or"
        " what is returned is from before the last one. Of thousands nobody misses it; of one, everything."
    )
    return warns("one update in one iteration", "none", why, "Where does the range begin, and where does it end?")


def _all_move(trial: Trial) -> Finding:
    """From one seed, a parameter that is trained is another one later; without a seed it is so anyway."""
    expected = "every parameter changes in training"
    found = _parameters(trial.usable[0]) if trial.usable else None
    before = None if found is None else _parameters(_few(trial))
    if found is None or before is None:
        return nothing_to_see("There are no two runs to compare.")
    still = [key for key in found if np.array_equal(found[key], before[key], equal_nan=True)]
    if not still:
        return passes(expected, "all four differ")
    if len(still) == len(found):
        return nothing_to_see("Both runs end alike: see model-iterations.")
    got = f"{', '.join(still)} as after {FEW} iterations ({trial.usable[0].case.label})"
    why = (
        "Random hidden units that are never trained can be enough for data that a straight line parts, and for no"
        " others: the rest of the network makes the best of what chance gave it."
    )
    return fails(expected, got, why, "Which entries of the dict does the update return?")


CHECKS = (
    *common("model"),
    Check("model-returns", "returns the parameters", each(_keys)),
    Check("model-learns", "learns what a straight line can part", _learns, weight=3),
    Check("model-all", "trains every parameter", _all_move),
    Check("model-iterations", "trains as long as it is told", _iterations),
)
