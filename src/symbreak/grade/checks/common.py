"""The checks that every function has: it returns, it leaves its arguments alone, it prints nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from symbreak.grade.checks.check import Check, Finding, fails, nothing_to_see, passes, warns
from symbreak.grade.checks.explain import explain, outcome_text
from symbreak.grade.checks.trial import Trial, Tried

Look = Callable[[Trial], Finding]
Fault = tuple[str, str, str, str]  # expected, got, why, hint


@dataclass(frozen=True)
class Unseen:
    """What a call returned lacks what is looked for: the property cannot be said to hold, and earns nothing."""

    reason: str


def common(prefix: str) -> tuple[Check, ...]:
    """Return the three checks under the names of a function."""
    return (
        Check(f"{prefix}-runs", "returns a value for every size", _runs, weight=2),
        Check(f"{prefix}-arguments", "leaves its arguments as they were", _arguments),
        Check(f"{prefix}-quiet", "prints nothing", _quiet),
    )


def each(look: Callable[[Trial, Tried], Fault | Unseen | None], *, expected: str = "") -> Look:
    """Return a look that examines every usable call and tells the first fault; None says that there is none."""

    def look_at_all(trial: Trial) -> Finding:
        if not trial.usable:
            return nothing_to_see(f"{trial.function} returned nothing to look at.")
        unseen = ""
        for tried in trial.usable:
            fault = look(trial, tried)
            if isinstance(fault, Unseen):
                unseen = fault.reason
            elif fault:
                said, got, why, hint = fault
                return fails(said, f"{got} ({tried.case.label})", why, hint)
        return nothing_to_see(unseen) if unseen else passes(expected, f"so for all {len(trial.usable)} calls")

    return look_at_all


def _runs(trial: Trial) -> Finding:
    lost = [tried for tried in trial.tried if tried not in trial.usable]
    if not lost:
        return passes("a value", f"a value from each of {len(trial.tried)} calls")
    why, hint = explain(lost[0].outcome)
    share = (
        f", and in {len(lost)} of {len(trial.tried)} calls" if len(lost) < len(trial.tried) else ", as in every call"
    )
    got = f"{outcome_text(lost[0].outcome)} ({lost[0].case.label}{share})"
    return fails("a value for every size", got, f"{why} Everything that is built on this function stops here.", hint)


def _arguments(trial: Trial) -> Finding:
    if all(tried.outcome.failed for tried in trial.tried):
        return nothing_to_see(f"{trial.function} returned nothing to look at.")
    for tried in trial.tried:
        if tried.outcome.changed:
            return _changed(trial, tried.outcome.changed)
    return passes("arguments unchanged", "unchanged")


def _changed(trial: Trial, changed: Sequence[str]) -> Finding:
    names = ", ".join(map(_name, changed))
    return fails(
        "arguments unchanged",
        f"changed by the call: {names}",
        "Arrays, lists and dicts are handed over, not copied: what a function changes in them is changed for whoever"
        " called it. A second call with the same variables then starts from something else, and comparing before with"
        " after compares a thing with itself.",
        "Operators such as -= and methods such as pop work in place. Make a new value instead.",
    )


def _name(position: str) -> str:
    return f"argument {int(position) + 1}" if position.isdigit() else position


def _quiet(trial: Trial) -> Finding:
    if all(tried.outcome.failed for tried in trial.tried):
        return nothing_to_see(f"{trial.function} returned nothing to look at.")
    # NumPy's own warnings go to stderr as well; they are told where they matter.
    printed = next((t.outcome for t in trial.tried if t.outcome.stdout.strip() or _own_words(t.outcome.stderr)), None)
    if printed is None:
        return passes("no output", "none")
    errors = _own_words(printed.stderr)
    got = f"on {'stderr' if errors else 'stdout'}: {' '.join((errors or printed.stdout).split())[:80]!r}"
    often = "a function that is called ten thousand times in training prints ten thousand times."
    if errors and trial.function != "nn_model":  # training may show its progress there
        why = f"What is written there is taken for an error: notebooks show it in red, programs stop at it. And {often}"
        return fails("no output", got, why, "Raise an exception if something is wrong, and else say nothing.")
    return warns("no output", got, f"It works. But {often}", "Print where you call the function.")


def _own_words(stderr: str) -> str:
    """Return what is left without Python's warnings, each a line with its place and an indented line of source."""
    lines = stderr.splitlines()
    kept = [line for line in lines if "Warning: " not in line and not line.startswith("  ")]
    return "\n".join(kept).strip()
