"""`backward_propagation`: every gradient against central differences of the cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.grade import consequence
from symbreak.grade.checks import forward, reference
from symbreak.grade.checks.arranging import arranged
from symbreak.grade.checks.check import Check, Finding, fails, nothing_to_see, passes
from symbreak.grade.checks.closeness import close, first_difference, ratio
from symbreak.grade.checks.common import Fault, Unseen, common, each
from symbreak.grade.checks.outputs import with_one_output
from symbreak.grade.checks.parameters import array, arrays_of, kind, label, shapes_of
from symbreak.grade.checks.trial import Case, Trial, Tried
from symbreak.grade.plan import Sizes

Array = NDArray[Any]
KEYS = ("dW1", "db1", "dW2", "db2")


def cases(trial: Trial) -> list[Case]:
    """Return a call for every shape and seed; the labels of one are of dtype uint8."""
    seeds = trial.plan.seeds
    hidden = own_activation(trial)
    return [_case(trial, sizes, seeds[i % len(seeds)], hidden, i == 1) for i, sizes in enumerate(trial.plan.shapes)]


def own_activation(trial: Trial) -> str:
    """Return the activation of the learner's own forward pass, so that a ReLU network is judged as one."""
    if "forward_propagation" not in trial.subject.functions:
        return "tanh"
    case = forward.forward_case(trial, with_one_output(trial.plan.shapes)[0], trial.plan.seeds[0])
    outcome = trial.call("forward_propagation", *case.args, seed=0)
    if outcome.failed:
        return "tanh"
    return forward.hidden_activation(case.facts, forward.taken_apart(outcome.value)[1]) or "tanh"


def _case(trial: Trial, sizes: Sizes, seed: int, hidden: str, unsigned: bool) -> Case:
    m = trial.plan.examples
    params, x = reference.parameters(sizes, seed), reference.inputs(sizes[0], m, seed)
    y = reference.labels(sizes[-1], m, seed)
    cache, answer = _cache(trial, params, x, hidden)
    args = _arguments(trial, x, y.astype(np.uint8) if unsigned else y, params, cache)
    facts = {"sizes": sizes, "m": m, "hidden": hidden, "cache": reference.forward(params, x, hidden, answer), "X": x}
    facts |= {"Y": y, "parameters": params, "right": reference.differences(sizes, m, seed, hidden, answer)}
    return Case(f"{label(sizes)}, m={m}{', Y of dtype uint8' if unsigned else ''}", args, facts=facts)


def _cache(trial: Trial, params: dict[str, Array], x: Array, hidden: str) -> tuple[dict[str, Any], str]:
    """Return the learner's own cache where it is right, for it may hold more, else ours; and the output's function."""
    ours = reference.forward(params, x, hidden)
    if "forward_propagation" in trial.subject.functions:
        args = arranged(trial, "forward_propagation", {"X": x, "parameters": params})
        outcome = trial.call("forward_propagation", *args, seed=0)
        _, own = forward.taken_apart(outcome.value) if not outcome.failed else (None, {})
        for answer in reference.ANSWERS:
            right = reference.forward(params, x, hidden, answer)
            if all((found := array(own.get(key))) is not None and close(found, right[key]) for key in ("A1", "A2")):
                return ours | own, answer
    return ours, "sigmoid"


def _arguments(trial: Trial, x: Array, y: Array, params: Any, cache: Any) -> tuple[Any, ...]:
    return arranged(trial, trial.function, {"parameters": params, "cache": cache, "X": x, "Y": y})


def _keys(trial: Trial, tried: Tried) -> Fault | None:
    if arrays_of(tried.value, KEYS) is not None:
        return None
    why = "The update looks each gradient up by the name of its parameter, with a d in front."
    return f"a dict with {', '.join(KEYS)}", kind(tried.value), why, "Capitals count."


def _shapes(trial: Trial, tried: Tried) -> Fault | Unseen | None:
    found = arrays_of(tried.value, KEYS)
    if found is None:
        return Unseen("Not all gradients are there: see backward-keys.")
    for key, shape in shapes_of(tried.case.facts["sizes"]).items():
        got = found[f"d{key}"].shape
        if got == shape:
            continue
        why = f"A gradient has the shape of its parameter; {_update_consequence(shape, got)}"
        hint = "What does np.sum do to the axis that it sums over?" if key[0] == "b" else "Which factor is transposed?"
        return f"d{key} of shape {shape}", str(got), why, hint
    return None


def _update_consequence(shape: tuple[int, int], got: tuple[int, ...]) -> str:
    """Tell what NumPy makes of the update."""
    try:
        after = np.broadcast_shapes(shape, got)
    except ValueError:
        return f"the update {shape} - {got} is refused by NumPy."
    same = "keeps its shape by accident, which another size would not" if after == shape else f"makes {after}"
    return f"the update {shape} - {got} {same}, and nobody is told."


def _matches(keys: tuple[str, str]) -> Callable[[Trial], Finding]:
    def look(trial: Trial) -> Finding:
        usable = [(tried, arrays_of(tried.value, keys)) for tried in trial.usable]
        found = [(tried, arrays) for tried, arrays in usable if arrays is not None]
        if not found:
            return nothing_to_see(f"There are no {' and '.join(keys)} to look at.")
        for tried, arrays in found:
            for key in keys:
                fault = _wrong(trial, tried, key, arrays)
                if fault:
                    return fails(*fault)
        return passes("the slopes of the cost", f"equal to central differences in {len(found)} calls")

    return look


def _wrong(trial: Trial, tried: Tried, key: str, arrays: Mapping[str, Array]) -> Fault | None:
    """Compare one gradient. A column that lost its axis is compared all the same: its shape is another check's."""
    facts = tried.case.facts
    right, found = facts["right"][key], arrays[key]
    if found.size != right.size:
        got, said = f"shape {found.shape}", f"shape {right.shape}"
    else:
        found = found.reshape(right.shape)
        if close(found, right):
            return None
        said, got = first_difference(found, right)
    cause, hint = _cause(facts, key, found, right)
    why = f"{cause} {consequence.with_gradients(lambda *state: _own_gradients(trial, *state))}"
    return f"{key}: {said}", f"{got} ({tried.case.label})", why.strip(), hint


def _cause(facts: Mapping[str, Any], key: str, found: Array, right: Array) -> tuple[str, str]:
    m, factor = facts["m"], ratio(found, right)
    if factor is not None:
        for value, cause, hint in (
            (m, f"This is {m} times the slope: the sum over examples, not their mean.", "What is m for?"),
            (1 / m, f"This is a slope divided by {m} once too often.", "Where does 1/m already come in?"),
            (-1, "The sign is turned: the update then climbs.", "A2 - Y, or Y - A2?"),
        ):
            if abs(factor / value - 1) < 1e-3:
                return cause, hint
        return f"This is {factor:.4g} times the slope.", "Which constant does the formula have?"
    if key in ("dW1", "db1") and found.shape == right.shape:
        return _hidden_cause(facts, key, found)
    return "This is not the slope of the cost.", "Move one weight by 0.0001, see how the cost moves, and compare."


def _hidden_cause(facts: Mapping[str, Any], key: str, found: Array) -> tuple[str, str]:
    """Try what is commonly put in the place of g'(Z1)."""
    cache, x, m = facts["cache"], facts["X"], facts["m"]
    pulled = facts["parameters"]["W2"].T @ (cache["A2"] - facts["Y"])
    z, a = cache["Z1"], cache["A1"]
    suspects = (
        (np.ones_like(a), "The activation's slope g'(Z1) is missing.", "The chain rule has one more factor."),
        (1 - z**2, "g' was computed from Z1 where A1 is meant.", "What is squared in the derivative of tanh?"),
        (1 - a, "This has 1 - A1 where the derivative of tanh has another power.", "Differentiate tanh again."),
        (a * (1 - a), "This is the sigmoid's slope, but the hidden layer uses tanh.", "Which g made A1?"),
        ((z > 0).astype(float), "This is ReLU's slope, but the hidden layer does not use it.", "Which g made A1?"),
        (1 - a**2, "This is tanh's slope, but the hidden layer does not use it.", "Which g made A1?"),
    )
    for slope, cause, hint in suspects:
        dz = pulled * slope
        guess = dz @ x.T / m if key == "dW1" else dz.sum(axis=1, keepdims=True) / m
        if close(found, guess):
            return cause, hint
    return "This is not the slope of the cost.", "Check W2^T dZ2 first, then g'(Z1), then the product with X."


def _own_gradients(trial: Trial, params: Mapping[str, Array], x: Array, y: Array) -> Mapping[str, Array] | None:
    cache = reference.forward(params, x)
    outcome = trial.call(trial.function, *_arguments(trial, x, y, dict(params), cache), seed=0)
    found = arrays_of(outcome.value, KEYS) if not outcome.failed else None
    fitting = found is not None and all(found[f"d{key}"].size == entry.size for key, entry in params.items())
    return {f"d{key}": found[f"d{key}"].reshape(entry.shape) for key, entry in params.items()} if fitting else None  # type: ignore[index]


CHECKS = (
    *common("backward"),
    Check("backward-keys", "returns a dict dW1, db1, dW2, db2", each(_keys)),
    Check("backward-shapes", "gradients shaped as their parameters", each(_shapes)),
    Check("backward-output", "dW2 and db2 are the slopes of the cost", _matches(("dW2", "db2")), weight=2),
    Check("backward-hidden", "dW1 and db1 are the slopes of the cost", _matches(("dW1", "db1")), weight=3),
)
