"""What grading found: frozen, the same for the same code, and plain to look at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from symbreak.errors import SymbreakError

Status = Literal["pass", "warn", "fail", "skipped", "error"]
Visibility = Literal["visible", "hidden", "after_due_date", "after_published"]
SCHEMA = "symbreak/grade/1"
_DIGITS = 6  # decimals of points: shares of a hundred are not told apart further


class NotPassed(SymbreakError, AssertionError):
    """Code that was asserted to pass its required checks, and does not."""


@dataclass(frozen=True)
class CheckResult:
    """What one check found.

    Attributes:
        id: the check's slug: "init-bias-shape".
        title: what holds if it passes.
        function: the function that was looked at.
        status: "pass"; "warn": it works, but should be known; "fail"; "skipped": there was nothing to look at;
            "error": the check itself broke, which is no fault of the code.
        required: whether passing needs it.
        expected, got: in short.
        why: cause and consequence.
        hint: where to look, without the answer.
        points: earned, of `worth`.
        visibility: who is shown it, and when, in Gradescope's words.
    """

    id: str
    title: str
    function: str
    status: Status
    required: bool = True
    expected: str = ""
    got: str = ""
    why: str = ""
    hint: str = ""
    points: float = 0.0
    worth: float = 0.0
    visibility: Visibility = "visible"

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against passing: a warning does not."""
        return self.status in ("pass", "warn")


@dataclass(frozen=True)
class Grade:
    """All results for one learner's code.

    Attributes:
        name: of the file or function that was graded.
        results: of every check, in the order of the course.
        problem: why nothing of the code could be loaded, or "".
        raised: what the code raised outside of its functions, where some of it was loaded nevertheless.
    """

    name: str
    results: tuple[CheckResult, ...]
    problem: str = ""
    raised: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the code was loaded and every required check passes."""
        required = [result for result in self.results if result.required]
        return not self.problem and bool(self.results) and all(result.holds for result in required)

    @property
    def points(self) -> float:
        """Points earned."""
        return round(math.fsum(result.points for result in self.results), _DIGITS)

    @property
    def worth(self) -> float:
        """Points that could be earned."""
        return round(math.fsum(result.worth for result in self.results), _DIGITS)

    def __getitem__(self, id: str) -> CheckResult:
        """Return the first result of that id."""
        for result in self.results:
            if result.id == id:
                return result
        raise KeyError(id)

    def to_json(self) -> dict[str, Any]:
        """Return plain data of the schema symbreak/grade/1."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "passed": self.passed,
            "points": self.points,
            "worth": self.worth,
            "problem": self.problem,
            "raised": list(self.raised),
            "results": [_entry(result) for result in self.results],
        }

    def assert_ok(self) -> None:
        """Raise `NotPassed`, an AssertionError whose text is what learners may see, unless `passed`."""
        if not self.passed:
            raise NotPassed(f"\n{self.text()}")

    def text(self, *, hidden: bool = False) -> str:
        """Return the plain text form; of hidden checks only how many hold, unless `hidden`."""
        from symbreak.grade.text import text

        return text(self, hidden=hidden)

    def __str__(self) -> str:
        return self.text()


def share_points(weights: Sequence[float], points: float) -> list[float]:
    """Share points in proportion to weights.

    >>> share_points([1, 3, 0], 100)
    [25.0, 75.0, 0.0]
    """
    total = math.fsum(weights)
    return [points * weight / total if total else 0.0 for weight in weights]


def _entry(result: CheckResult) -> dict[str, Any]:
    entry = asdict(result)
    return entry | {"points": round(result.points, _DIGITS), "worth": round(result.worth, _DIGITS)}
