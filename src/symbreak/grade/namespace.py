"""The week's functions in whatever a learner's code defines: functions, static methods, a class that holds W1."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from symbreak.grade.names import KNOWN

INITIALIZE = "initialize_parameters"


def functions(namespace: Mapping[str, Any]) -> dict[str, Callable[..., Any]]:
    """Return the functions of the week that a namespace has.

    A function counts by its name; so do static and class methods. Where no function initializes, a class does, if its
    instances are made from three sizes: `Network(n_x, n_h, n_y)`, asked for `initialize_parameters()` if it has that.

    >>> sorted(functions({"predict": len, "sin": len}))
    ['predict']
    """
    own = {name: namespace[name] for name in KNOWN if callable(namespace.get(name))}
    place = namespace.get("__name__")
    for value in list(namespace.values()):
        if isinstance(value, type) and getattr(value, "__module__", None) in (place, "__main__"):
            own = of_class(value) | own
    return own


def parameter_names(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names of a function's parameters; none if it does not tell.

    >>> parameter_names(lambda X, Y: None)
    ('X', 'Y')
    """
    try:
        return tuple(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return ()


def required_count(function: Callable[..., Any]) -> int:
    """Return how many arguments must be given by place."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 0
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.default is inspect.Parameter.empty and p.kind in kinds for p in parameters)


def of_class(kind: type) -> dict[str, Callable[..., Any]]:
    """Return the functions of the week that a class offers, itself as `initialize_parameters` included."""
    found: dict[str, Callable[..., Any]] = {}
    for name in KNOWN:
        if isinstance(inspect.getattr_static(kind, name, None), (staticmethod, classmethod)):
            found[name] = getattr(kind, name)
    if INITIALIZE not in found and required_count(kind) == 3:
        found[INITIALIZE] = _made_by(kind)
    return found


def _made_by(kind: type) -> Callable[..., Any]:
    def initialize_parameters(n_x: int, n_h: int, n_y: int) -> Any:
        made = kind(n_x, n_h, n_y)
        method = getattr(made, INITIALIZE, None)
        if not callable(method):
            return made
        returned = method(*(n_x, n_h, n_y)[: required_count(method)])
        return made if returned is None else returned

    return initialize_parameters
