"""Grading: every function, every check, none of them stopped by another."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symbreak.grade.catalogue import CATALOGUE
from symbreak.grade.checks.check import Check, Finding, nothing_to_see
from symbreak.grade.checks.exact import exact_checks
from symbreak.grade.checks.explain import explain_loading
from symbreak.grade.checks.trial import Trial
from symbreak.grade.names import FUNCTIONS
from symbreak.grade.plan import Plan, Rule
from symbreak.grade.result import CheckResult, Grade, share_points
from symbreak.grade.subject import Subject

DEFAULT_FUNCTION = "initialize_parameters"

LONGEST_TEXT = 500
"""Characters of what a learner's code returned that are told."""


@dataclass(frozen=True)
class _Looked:
    function: str
    check: Check
    finding: Finding


def grade(subject: Subject, plan: Plan, name: str) -> Grade:
    """Return what all checks of the plan say about a subject.

    Args:
        subject: the code.
        plan: functions (None: all that the subject has), sizes, seeds, points.
        name: of the file or function, for people.
    """
    looked = [one for function in _chosen(subject, plan) for one in _look(subject, function, plan)]
    return Grade(name, _results(looked, plan), subject.problem, tuple(map(str, subject.raised)))


def _chosen(subject: Subject, plan: Plan) -> tuple[str, ...]:
    """Return which functions to look at; at least one, so that code without any fails in words."""
    if plan.functions is not None and not plan.every:
        return plan.functions
    found = [name for name in CATALOGUE if name in subject.functions or (plan.every and name in FUNCTIONS)]
    return tuple(found) or (DEFAULT_FUNCTION,)


def _look(subject: Subject, function: str, plan: Plan) -> list[_Looked]:
    checks = (*CATALOGUE[function].checks, *exact_checks(plan.exact, function))
    checks = tuple(check for check in checks if _wanted(check.id, plan))
    if function not in subject.functions:
        return [_Looked(function, check, _absent(check, function, subject)) for check in checks]
    try:
        trial = Trial(subject, function, plan, CATALOGUE[function].cases)
    except Exception as error:
        return [_Looked(function, check, _broken(error)) for check in checks]
    return [_Looked(function, check, _guarded(check, trial)) for check in checks]


def _wanted(id: str, plan: Plan) -> bool:
    """Return whether a check is to be made: of those that were chosen, or asked for by its exact value."""
    return plan.only is None or id in plan.only or id.startswith("exact-")


def _guarded(check: Check, trial: Trial) -> Finding:
    """Look, and turn an accident of the check itself into a finding: it must not take the others with it."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # what NumPy says of a learner's nan is not for stderr
            return check.look(trial)
    except Exception as error:
        return _broken(error)


def _broken(error: Exception) -> Finding:
    why = f"The check itself broke: {type(error).__name__}: {error}. That is a fault of the check, please report it."
    return Finding("error", why=why)


def _absent(check: Check, function: str, subject: Subject) -> Finding:
    if not check.id.endswith("-runs"):
        return nothing_to_see(f"There is no function {function}.")
    if subject.problem:
        return Finding("fail", "code that can be loaded", subject.problem, *explain_loading(subject.problem))
    cost = next((each for each in subject.raised if function in each.names), None)
    if cost is not None:
        return Finding("fail", f"a function {function}", str(cost), *explain_loading(cost.error))
    got = f"functions {', '.join(subject.functions)}" if subject.functions else "none of the week's functions"
    why = "Functions are found by their names. A cell or line that raises defines nothing that stands below it."
    return Finding("fail", f"a function {function}", got, why, "Is the name spelled as in the assignment?")


def _results(looked: Sequence[_Looked], plan: Plan) -> tuple[CheckResult, ...]:
    rules = [plan.checks.get(f"{one.function}:{one.check.id}", plan.checks.get(one.check.id, Rule())) for one in looked]
    worth = _worth(looked, rules, plan.points)
    return tuple(
        CheckResult(
            id=one.check.id,
            title=one.check.title,
            function=one.function,
            status=one.finding.status,
            required=one.finding.applies and (one.check.required if rule.required is None else rule.required),
            expected=one.finding.expected,
            got=_said(one.finding.got),
            why=one.finding.why,
            hint=one.finding.hint,
            points=share if one.finding.status in ("pass", "warn") else 0.0,
            worth=share,
            visibility=rule.visibility or plan.visibility,
        )
        for one, rule, share in zip(looked, rules, worth, strict=True)
    )


def _said(text: str) -> str:
    """Return what code returned, in words that neither flood a page nor move the cursor of a screen."""
    printable = "".join(c if c.isprintable() else "?" for c in text[:LONGEST_TEXT])
    return printable if len(text) <= LONGEST_TEXT else f"{printable}..."


def _worth(looked: Sequence[_Looked], rules: Sequence[Rule], points: float) -> list[float]:
    """Share the points that no rule lays down among the other checks, by weight; what does not apply costs nothing."""
    laid_down = [rule.points if one.finding.applies else None for one, rule in zip(looked, rules, strict=True)]
    left = max(points - math.fsum(p for p in laid_down if p is not None), 0.0)
    weights = [
        one.check.weight if own is None and one.finding.applies else 0.0
        for one, own in zip(looked, laid_down, strict=True)
    ]
    shared = share_points(weights, left)
    return [share if own is None else own for own, share in zip(laid_down, shared, strict=True)]
