"""`update_parameters`: one step against the gradient."""

from __future__ import annotations

from typing import Any

from symbreak.grade.checks import reference
from symbreak.grade.checks.check import Check
from symbreak.grade.checks.closeness import close, first_difference
from symbreak.grade.checks.common import Fault, Unseen, common, each
from symbreak.grade.checks.parameters import arrays_of, kind, label
from symbreak.grade.checks.trial import Case, Trial, Tried

RATES = (0.5, 1.25, 0.03125)
"""Learning rates, none of them the course's default 1.2, so that a rate that is not passed on shows."""


def cases(trial: Trial) -> list[Case]:
    """Return a call for every shape, with changing rates."""
    seed = trial.plan.seeds[0]
    found = []
    for i, sizes in enumerate(trial.plan.shapes):
        params, grads, rate = reference.parameters(sizes, seed), reference.gradients(sizes, seed), RATES[i % len(RATES)]
        facts = {"parameters": params, "grads": grads, "rate": rate}
        found.append(Case(f"{label(sizes)}, learning_rate={rate}", (params, grads, rate), facts=facts))
    return found


def _keys(trial: Trial, tried: Tried) -> Fault | None:
    keys = tuple(tried.case.facts["parameters"])
    if arrays_of(tried.value, keys) is not None:
        return None
    why = "The next iteration calls the forward pass with what comes back here."
    return f"a dict with {', '.join(keys)}", kind(tried.value), why, "All parameters, biases too, under their names."


def _value(trial: Trial, tried: Tried) -> Fault | Unseen | None:
    facts = tried.case.facts
    found = arrays_of(tried.value, facts["parameters"])
    if found is None:
        return Unseen("Not all parameters are there: see update-keys.")
    for key, old in facts["parameters"].items():
        gradient, rate = facts["grads"][f"d{key}"], facts["rate"]
        right, new = old - rate * gradient, found[key]
        if new.shape != right.shape:
            why = "An update keeps every shape."
            return f"{key} of shape {right.shape}", str(new.shape), why, "Which two arrays met here?"
        if not close(new, right):
            said, got = first_difference(new, right)
            why, hint = _cause(old, gradient, rate, new)
            return f"{key}: {said}", got, why, hint
    return None


def _cause(old: Any, gradient: Any, rate: float, new: Any) -> tuple[str, str]:
    suspects = (
        (old + rate * gradient, "The step goes up the slope: the cost grows.", "Which way is down?"),
        (old - gradient, "The learning rate is missing.", "Three things are in the rule."),
        (
            old - 1.2 * gradient,
            "This step has the rate 1.2, whatever rate is asked for.",
            "Where does the rate come in?",
        ),
        (old, "The parameter stayed as it was: it never learns.", "Which line changes this one?"),
        (rate * gradient, "This is the step alone, without what it starts from.", "Old value, minus a step."),
        (
            -rate * gradient,
            "This is the step alone, without what it starts from.",
            "Old value, minus a step.",
        ),
    )
    for guess, why, hint in suspects:
        if close(new, guess):
            return why, hint
    return "This is not W - learning_rate * dW.", "Compute one entry by hand."


CHECKS = (
    *common("update"),
    Check("update-keys", "returns every parameter", each(_keys)),
    Check("update-value", "takes a step of the learning rate against the gradient", each(_value), weight=3),
)
