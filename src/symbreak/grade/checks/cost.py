"""`compute_cost`: the cross-entropy of answers and labels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.grade.checks import reference
from symbreak.grade.checks.check import Check, Finding, fails, nothing_to_see, passes, warns
from symbreak.grade.checks.closeness import TOLERANCE
from symbreak.grade.checks.common import Fault, Unseen, common, each
from symbreak.grade.checks.explain import explain, outcome_text
from symbreak.grade.checks.outputs import several, told
from symbreak.grade.checks.parameters import array, kind
from symbreak.grade.checks.trial import Case, Trial, Tried

Array = NDArray[Any]


def cases(trial: Trial) -> list[Case]:
    """Return calls for every seed and two numbers of examples: a forgotten 1/m shows in their ratio.

    Of one output, if the plan has it; several are looked at beside it.
    """
    m = trial.plan.examples
    outputs = {sizes[-1] for sizes in trial.plan.shapes}
    chosen = [1] if 1 in outputs else sorted(outputs)
    return [
        _drawn(trial, n_y, examples, seed) for n_y in chosen for seed in trial.plan.seeds for examples in (m, 2 * m + 1)
    ]


def _drawn(trial: Trial, n_y: int, m: int, seed: int) -> Case:
    return _case(trial, f"n_y={n_y}, m={m}", reference.probabilities(n_y, m, seed), reference.labels(n_y, m, seed))


def _case(trial: Trial, label: str, a2: Array, y: Array) -> Case:
    # Older versions of the course pass the parameters as well, and do not use them.
    more = (reference.parameters((2, 4, len(y)), 0),) if len(trial.names) > 2 and "param" in trial.names[2] else ()
    return Case(label, (a2, y, *more), facts={"A2": a2, "Y": y})


def right_costs(a2: Array, y: Array) -> list[float]:
    """Return the cross-entropy: over both answers of each output; of several outputs also over the classes alone."""
    m = y.shape[1]
    hit, missed = _times_log(y, a2), _times_log(1 - y, 1 - a2)
    both = float(-(hit + missed).sum() / m)
    return [both] if len(y) == 1 else [both, float(-hit.sum() / m)]


def _times_log(y: Array, a: Array) -> Array:
    return y * np.log(np.where(y > 0, a, 1.0))


def _number(value: Any) -> float | None:
    found = array(value)
    return float(found.reshape(-1)[0]) if found is not None and found.size == 1 else None


def _right(value: float, a2: Array, y: Array) -> bool:
    return any(abs(value - right) <= TOLERANCE * max(1.0, abs(right)) for right in right_costs(a2, y))


def _scalar(trial: Trial) -> Finding:
    expected = "one number"
    if not trial.usable:
        return nothing_to_see("compute_cost returned nothing to look at.")
    for tried in trial.usable:
        if _number(tried.value) is None:
            why = "Gradient descent goes down one number. An array of losses has still to be added up."
            return fails(
                expected, f"{kind(tried.value)} ({tried.case.label})", why, "Which axes does your sum run over?"
            )
        if np.ndim(tried.value):
            why = "It works, but prints with brackets, and a list of such costs becomes a list of arrays."
            return warns(expected, kind(tried.value), why, "float() or np.squeeze.")
    return passes(expected, "one number")


def _value(trial: Trial, tried: Tried) -> Fault | Unseen | None:
    value, facts = _number(tried.value), tried.case.facts
    if value is None:
        return Unseen("There is no number: see cost-scalar.")
    if _right(value, facts["A2"], facts["Y"]):
        return None
    right = right_costs(facts["A2"], facts["Y"])[0]
    why, hint = _cause(value, facts["A2"], facts["Y"])
    return f"{right:.6g}", f"{value:.6g}", why, hint


def _cause(value: float, a2: Array, y: Array) -> tuple[str, str]:
    for values, why, hint in _suspects(a2, y):
        if any(abs(value - guess) <= TOLERANCE * max(1.0, abs(guess)) for guess in values):
            return why, hint
    coin = right_costs(np.full((1, 2), 0.5), np.array([[0.0, 1.0]]))[0]
    return f"The gradients of the course belong to the cross-entropy; answers of 0.5 cost {coin:.3f}.", "Try m = 1."


def _suspects(a2: Array, y: Array) -> list[tuple[list[float], str, str]]:
    """Return what common mistakes come to, each with its consequence and a hint."""
    m, n_y = y.shape[1], len(y)
    right = right_costs(a2, y)
    hit, missed = (float(-part.sum() / m) for part in (_times_log(y, a2), _times_log(1 - y, 1 - a2)))
    return [
        (
            [m * r for r in right],
            f"This is {m} times the cost: a sum, not a mean. Costs of {m} and of {2 * m} examples cannot be compared,"
            " and the gradient grows with the data as if the learning rate did.",
            "What does the formula divide by?",
        ),
        (
            [-r for r in right],
            "The sign is turned: logarithms of probabilities are negative. Going down this cost makes answers worse.",
            "Is a cost ever negative?",
        ),
        (
            [hit] if n_y == 1 else [],
            "Only examples of class 1 count: answering 1 to everything would be free.",
            "The formula has two terms.",
        ),
        ([missed], "Only the term with 1 - Y counts: answering 0 to everything would be free.", "There are two terms."),
        (
            [r / math.log(base) for r in right for base in (2, 10)],
            "The logarithm has another base: the gradients of the course belong to the natural one.",
            "Which function is the natural logarithm in NumPy?",
        ),
        (
            [r / n_y for r in right] if n_y > 1 else [],
            f"This is the mean over the {n_y} outputs too: the formula divides by the number of examples alone.",
            "What does np.mean count?",
        ),
        (
            [float(((a2 - y) ** 2).sum() / m) / k for k in (1, 2)],
            "This is the squared error. Where the answer is sure and wrong its gradient vanishes, and learning stops;"
            " that of the cross-entropy does not.",
            "Which cost belongs to a sigmoid output?",
        ),
    ]


def _labels(trial: Trial) -> Finding:
    usable = _rightly(trial)
    if not usable:
        return nothing_to_see("The cost is not right for ordinary labels: see cost-value.")
    facts = usable[0].case.facts
    unsigned = _case(trial, "Y of dtype uint8", facts["A2"], facts["Y"].astype(np.uint8))
    tried = trial.once("unsigned", unsigned)
    value = _number(tried.value)
    expected = "the same cost for labels of dtype uint8"
    if not tried.outcome.failed and value is not None and _right(value, **_pair(usable[0])):
        return passes(expected, "the same")
    if tried.outcome.failed:
        why, hint = explain(tried.outcome)
        return fails(expected, outcome_text(tried.outcome), why, hint)
    why = (
        "The assignment's labels are of that dtype, which has no negative numbers: -Y is"
        f" {int((-np.ones(1, np.uint8))[0])} where Y is 1, and nobody is told."
    )
    return fails(expected, f"{value}", why, "Where does the minus stand: before Y, or before the sum?")


def _rightly(trial: Trial) -> list[Tried]:
    """Return the calls that came out right; none if one did not."""
    right = [t for t in trial.usable if (v := _number(t.value)) is not None and _right(v, **_pair(t))]
    return right if len(right) == len(trial.tried) else []


def _pair(tried: Tried) -> dict[str, Array]:
    return {"a2": tried.case.facts["A2"], "y": tried.case.facts["Y"]}


def _stable(trial: Trial) -> Finding:
    if not trial.usable:
        return nothing_to_see("compute_cost returned nothing to look at.")
    sure = np.array([[1.0, 0.0, 1.0, 0.5]])
    tried = trial.once("sure", _case(trial, "answers that are exactly 0 and 1", sure, np.array([[1.0, 0.0, 1.0, 1.0]])))
    value = _number(tried.value)
    expected = "a finite cost where sure answers are right"
    if not tried.outcome.failed and value is not None and math.isfinite(value):
        return passes(expected, f"{value:.3g}")
    got = outcome_text(tried.outcome) if tried.outcome.failed else kind(tried.value) if value is None else str(value)
    why = (
        "0 times log 0 is nan in NumPy. A sigmoid rounds to 1 from z = 36.8 on, so a network that learned well prints"
        " nan. The course's own formula does the same; computed from Z2 the cost stays finite."
    )
    return warns(expected, got, why, "Which term of the formula is multiplied by 0 there?")


def _of_several(trial: Trial) -> tuple[str, str] | None:
    """Return what is wrong with the costs of several outputs."""
    for n_y in sorted({sizes[-1] for sizes in several(trial.plan.shapes)}):
        tried = trial.once(f"{n_y} outputs", _drawn(trial, n_y, trial.plan.examples, trial.plan.seeds[0]))
        value, place = _number(tried.value), f"({tried.case.label})"
        if tried.outcome.failed or tried.value is None:
            return f"{outcome_text(tried.outcome)} {place}", "Which line knows how many outputs there are?"
        if value is None:
            return f"{kind(tried.value)} {place}", "Which axes does your sum run over?"
        if not _right(value, **_pair(tried)):
            right = right_costs(**_pair(tried))[0]
            return f"{value:.6g} instead of {right:.6g} {place}", _cause(value, **_pair(tried))[1]
    return None


CHECKS = (
    *common("cost"),
    Check("cost-scalar", "returns one number", _scalar),
    Check("cost-value", "is the cross-entropy, a mean over examples", each(_value), weight=3),
    Check("cost-labels", "takes labels of any integer type", _labels),
    told("cost", _of_several, ready=lambda trial: bool(_rightly(trial))),
    Check("cost-stable", "sure answers give no nan", _stable, weight=0, required=False),
)
