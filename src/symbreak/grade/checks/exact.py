"""Exact values, if a teacher asks for them: one number that must come out, whatever its law."""

from __future__ import annotations

from typing import Any

import numpy as np

from symbreak.grade.checks.check import Check, Finding, fails, nothing_to_see, passes
from symbreak.grade.checks.explain import explain, outcome_text
from symbreak.grade.checks.parameters import array, kind
from symbreak.grade.checks.trial import Case, Trial
from symbreak.grade.plan import Exact


def exact_checks(trial_plan: tuple[Exact, ...], function: str) -> tuple[Check, ...]:
    """Return a check for each exact value asked of a function: exact-1, exact-2, ..."""
    asked = [exact for exact in trial_plan if exact.function == function]
    return tuple(_check(number, exact) for number, exact in enumerate(asked, 1))


def _check(number: int, exact: Exact) -> Check:
    id = f"exact-{number}"

    def look(trial: Trial) -> Finding:
        tried = trial.once(id, Case("", tuple(map(_argument, exact.args)), seed=exact.numpy_seed or 0))
        if tried.outcome.failed:
            why, hint = explain(tried.outcome)
            return nothing_to_see(f"{outcome_text(tried.outcome)}: {why} {hint}")
        place = _difference(tried.value, exact.expected, exact.tolerance, "the value")
        if place is None:
            return passes("the exact value", "the exact value")
        hint = "Other random numbers than the assignment's? Set its seed, and draw in its order."
        return fails("the exact value that was asked for", place, "This assignment asks for the very numbers.", hint)

    return Check(id, "the exact value that was asked for", look)


def _argument(value: Any) -> Any:
    """Return an argument as the course passes it: tables become arrays, dicts of tables become dicts of arrays."""
    if isinstance(value, dict):
        return {key: _argument(entry) for key, entry in value.items()}
    nested = isinstance(value, list) and any(isinstance(entry, list) for entry in value)
    return np.array(value, dtype=np.float64) if nested else value


def _difference(found: Any, expected: Any, tolerance: float, name: str) -> str | None:
    """Return where a value is not the expected one, or None."""
    if isinstance(expected, dict):
        if not isinstance(found, dict):
            return f"{name} is {kind(found)}"
        parts = (_difference(found.get(key), entry, tolerance, str(key)) for key, entry in expected.items())
        return next((part for part in parts if part), None)
    got, right = array(found), np.asarray(expected, dtype=np.float64)
    if got is None or got.shape != right.shape:
        return f"{name} is {kind(found)}"
    return None if np.allclose(got, right, rtol=0, atol=tolerance) else f"{name} differs from it"
