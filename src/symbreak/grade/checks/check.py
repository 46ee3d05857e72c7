"""What a check is: a title and a look at a trial, which ends in a finding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from symbreak.grade.result import Status

if TYPE_CHECKING:
    from symbreak.grade.checks.trial import Trial


@dataclass(frozen=True)
class Finding:
    """What one look at the code found; see `CheckResult` for the fields.

    A finding that does not `apply` (a dict cannot be called twice) is skipped and costs nothing.
    """

    status: Status
    expected: str = ""
    got: str = ""
    why: str = ""
    hint: str = ""
    applies: bool = True


@dataclass(frozen=True)
class Check:
    """One property of one function.

    Attributes:
        id: slug, unique within a function.
        title: what holds if it passes.
        look: finds out; must not raise for anything that a learner's code returns.
        weight: its share of the points beside other checks; 0 for good manners, which cost nothing.
        required: whether passing needs it.
    """

    id: str
    title: str
    look: Callable[[Trial], Finding]
    weight: float = 1.0
    required: bool = True


def passes(expected: str = "", got: str = "") -> Finding:
    """Return a finding that all is well."""
    return Finding("pass", expected, got)


def fails(expected: str, got: str, why: str, hint: str) -> Finding:
    """Return a finding that the property does not hold."""
    return Finding("fail", expected, got, why, hint)


def warns(expected: str, got: str, why: str, hint: str) -> Finding:
    """Return a finding that works and should be known."""
    return Finding("warn", expected, got, why, hint)


def nothing_to_see(reason: str) -> Finding:
    """Return a finding that another fault leaves nothing to look at; it earns nothing."""
    return Finding("skipped", why=reason)


def not_applicable(reason: str) -> Finding:
    """Return a finding that the question does not arise; it costs nothing."""
    return Finding("skipped", why=reason, applies=False)
