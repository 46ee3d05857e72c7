"""Calling functions whose arguments learners put in either order: by the names that they gave them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symbreak.grade.checks.trial import Trial

_STARTS = {
    "parameters": ("param", "weight", "theta"),
    "cache": ("cache",),
    "X": ("x", "input", "data"),
    "Y": ("y", "label", "target"),
}


def arranged(trial: Trial, function: str, values: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the values in the order that the function's parameter names tell, else in the order given.

    The course site and the assignments differ: (X, Y, parameters, cache) and (parameters, cache, X, Y). A name that
    tells nothing, as p in (X, p), stands for what no other name does.
    """
    names = [name.lower() for name in trial.subject.functions.get(function, ())]
    roles = [next((role for role in values if name.startswith(_STARTS[role])), None) for name in names]
    others = iter([role for role in values if role not in roles])
    told = [role or next(others, "") for role in roles][: len(values)]
    if sorted(told) == sorted(values):
        return tuple(values[role] for role in told)
    return tuple(values.values())
