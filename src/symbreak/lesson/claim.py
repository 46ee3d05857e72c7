"""A claim of the lesson, the cases in which it was tried, and the verdict that follows from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from symbreak.lesson.figures import Figure

Verdict = Literal["true", "true if", "false", "convention"]
Number = int | float | bool


@dataclass(frozen=True)
class Case:
    """One condition under which a claim was tried.

    Attributes:
        when: the condition, so that "true if <when>" is a sentence: "the outgoing weights are equal too".
        holds: whether the claim held, as measured.
    """

    when: str
    holds: bool


@dataclass(frozen=True)
class Evidence:
    """What an experiment found.

    Attributes:
        cases: the conditions that were tried. The verdict follows from them and from nothing else.
        measured: numbers by name, `final_cost_zeros`; every number that the explanation speaks of is here.
        explanation: two to six sentences that a learner follows; numbers in it come from `measured`.
        figure: what to look at, if a picture says more.
    """

    cases: tuple[Case, ...]
    measured: Mapping[str, Number]
    explanation: str
    figure: Figure | None = None


@dataclass(frozen=True)
class Claim:
    """A sentence of the lesson and the experiment that tries it.

    Attributes:
        id: its number in the list of requirements: "R8", "K7".
        section: a key of `SECTIONS`.
        claim: what the lesson says, in our own words.
        experiment: runs it; takes no arguments and gives the same evidence whenever it runs.
        convention: a definition or a name that the lesson lays down; the cases tell whether the software keeps to it.
        see: the claim that says the same, for a takeaway that repeats one; its experiment is that claim's.
    """

    id: str
    section: str
    claim: str
    experiment: Callable[[], Evidence]
    convention: bool = False
    see: str | None = None


@dataclass(frozen=True)
class Finding:
    """A claim after its experiment."""

    claim: Claim
    verdict: Verdict
    condition: str
    evidence: Evidence
    seconds: float = field(compare=False)

    @property
    def command(self) -> str:
        """The command that runs the experiment again."""
        return f"symbreak lesson {self.claim.id}"

    def to_json(self) -> dict[str, Any]:
        """Return one entry of the schema symbreak/lesson/1."""
        return {
            "id": self.claim.id,
            "claim": self.claim.claim,
            "verdict": self.verdict,
            "condition": self.condition,
            "measured": dict(self.evidence.measured),
            "explanation": self.evidence.explanation,
            "command": self.command,
            "seconds": round(self.seconds, 3),
        }


def verdict(claim: Claim, cases: tuple[Case, ...]) -> tuple[Verdict, str]:
    """Return the verdict on a claim and its condition, from the cases alone.

    All hold: "true" (a convention: "convention"). None holds: "false". Some hold: "true if", with the conditions under
    which it held and those under which it did not.

    >>> claim = Claim("R0", "why", "units stay equal", lambda: Evidence((), {}, ""))
    >>> verdict(claim, (Case("the outgoing weights are equal", True), Case("they differ", False)))
    ('true if', 'the outgoing weights are equal; not if they differ')
    """
    held = [case.when for case in cases if case.holds]
    failed = [case.when for case in cases if not case.holds]
    if not held:
        return "false", "; ".join(failed)
    if failed:
        return "true if", f"{'; '.join(held)}; not if {'; '.join(failed)}"
    return ("convention", "") if claim.convention else ("true", "")
