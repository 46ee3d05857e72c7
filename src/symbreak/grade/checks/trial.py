"""A function that is tried: what it was called with, and how each call went. Every check looks at the same calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from symbreak.grade.plan import Plan
from symbreak.grade.subject import Call, Outcome, Subject

LATE_CALLS = 1
"""After so many calls of a function that ran out of time it is not called again: each costs the whole limit."""


@dataclass(frozen=True, eq=False)
class Case:
    """One call that is made, and what the checks know about it.

    Attributes:
        label: for people: "n_x=3, n_h=5, n_y=2".
        args, kwargs: of the call.
        seed: for NumPy's global generator, just before the call.
        facts: what the right answer is made of, by name.
    """

    label: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Tried:
    """A case and how it went."""

    case: Case
    outcome: Outcome

    @property
    def value(self) -> Any:
        """What came back."""
        return self.outcome.value


class Trial:
    """One function of a subject under one plan.

    Attributes:
        function: the name of the function.
        plan: on what it is tried.
        tried: the calls that every check looks at.
    """

    def __init__(self, subject: Subject, function: str, plan: Plan, cases: Callable[[Trial], Sequence[Case]]) -> None:
        self.subject = subject
        self.function = function
        self.plan = plan
        self._late: dict[str, int] = {}
        self._last_late: dict[str, Outcome] = {}
        self._extra: dict[str, Tried] = {}
        self.tried = tuple(self.make(case) for case in cases(self))

    @property
    def usable(self) -> tuple[Tried, ...]:
        """The calls that returned something."""
        return tuple(tried for tried in self.tried if not tried.outcome.failed and tried.value is not None)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the function's parameters, in lower case."""
        return tuple(name.lower() for name in self.subject.functions.get(self.function, ()))

    def make(self, case: Case) -> Tried:
        """Make a call."""
        return Tried(case, self.call(self.function, *case.args, seed=case.seed, **case.kwargs))

    def once(self, key: str, case: Case) -> Tried:
        """Make a call beside the common ones, once for all checks that ask for it by this key."""
        if key not in self._extra:
            self._extra[key] = self.make(case)
        return self._extra[key]

    def call(self, function: str, *args: Any, seed: int | None = None, **kwargs: Any) -> Outcome:
        """Call any function of the subject; one that keeps running out of time is not called again."""
        if self._late.get(function, 0) > LATE_CALLS:
            return self._last_late[function]
        outcome = self.subject.call(Call(function, args, kwargs, seed))
        if outcome.stopped == "time":
            self._late[function] = self._late.get(function, 0) + 1
            self._last_late[function] = outcome
        return outcome
