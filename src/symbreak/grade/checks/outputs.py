"""One output or several: the lesson's network has one, and code that is made for one is right, and told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from symbreak.grade.checks.check import Check, Finding, not_applicable, nothing_to_see, passes, warns
from symbreak.grade.plan import Sizes

if TYPE_CHECKING:
    from symbreak.grade.checks.trial import Trial

EXPECTED = "the same function for several outputs"
WHY = "It is right for the lesson's one output. A network that tells several classes apart has one output for each."

Fault = tuple[str, str]  # got, hint


def with_one_output(shapes: Sequence[Sizes]) -> tuple[Sizes, ...]:
    """Return the same shapes with one output, each once.

    >>> with_one_output(((2, 4, 1), (3, 5, 2), (2, 4, 3)))
    ((2, 4, 1), (3, 5, 1))
    """
    return tuple(dict.fromkeys((*shape[:-1], 1) for shape in shapes))


def several(shapes: Sequence[Sizes]) -> tuple[Sizes, ...]:
    """Return the shapes of several outputs if one output is tried as well; a plan without one asks for several."""
    found = tuple(shape for shape in shapes if shape[-1] > 1)
    return found if len(found) < len(shapes) else ()


def told(prefix: str, fault: Callable[[Trial], Fault | None], *, ready: Callable[[Trial], bool]) -> Check:
    """Return the check that tells what `fault` finds with several outputs; it costs no points.

    It is not asked before code is `ready`: right for one.
    """

    def look(trial: Trial) -> Finding:
        if not several(trial.plan.shapes):
            return not_applicable("One output and several are not both tried.")
        if not ready(trial):
            return nothing_to_see("It is not right for one output yet.")
        found = fault(trial)
        return passes(EXPECTED, "works") if found is None else warns(EXPECTED, found[0], WHY, found[1])

    return Check(f"{prefix}-outputs", "works for several outputs too", look, weight=0, required=False)
