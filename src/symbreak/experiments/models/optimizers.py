"""The optimizers that go by name, and which proofs hold under an optimizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.optim import Optimizer

from symbreak.errors import InvalidInput, UnknownName
from symbreak.torch.nested import quoted

Make = Callable[[list[Any]], Optimizer]

NAMED: dict[str, tuple[Callable[..., Optimizer], float]] = {
    "adamw": (torch.optim.AdamW, 1e-3),
    "adam": (torch.optim.Adam, 1e-3),
    "sgd": (torch.optim.SGD, 0.1),
}
"""By name, with the learning rate if none is given; the rest is as PyTorch has it."""


def named_optimizer(name: str, learning_rate: float | None = None) -> Make:
    """Return what makes an optimizer that goes by name.

    >>> make = named_optimizer("sgd", 0.5)
    >>> make([torch.nn.Parameter(torch.zeros(1))]).param_groups[0]["lr"]
    0.5

    Raises:
        UnknownName: none goes by this name.
    """
    if name not in NAMED:
        raise UnknownName.among("optimizer", name, [*NAMED, "pkg.mod:make_optimizer"])
    kind, usual = NAMED[name]
    rate = usual if learning_rate is None else learning_rate
    return lambda parameters: kind(parameters, lr=rate)


def made(make: Make, parameters: list[Any]) -> Optimizer:
    """Return the optimizer of these parameters.

    Raises:
        InvalidInput: the function raises, or returns something else.
    """
    try:
        found = make(parameters)
    except Exception as error:  # a user's function may raise anything
        raise _refused(quoted(error)) from error
    if not isinstance(found, Optimizer):
        raise _refused(type(found).__name__)
    return found


def _refused(got: str) -> InvalidInput:
    return InvalidInput(
        "an optimizer is made by a function of the parameters",
        got=got,
        allowed="a function that takes a list of parameters and returns a torch.optim.Optimizer",
        hint="optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.1)",
    )


def proved_under(optimizer: Optimizer) -> frozenset[str] | None:
    """Return the update rules, as the proofs name them, that an optimizer is made of; None if no proof names it.

    >>> weight = [torch.nn.Parameter(torch.zeros(1))]
    >>> sorted(proved_under(torch.optim.SGD(weight, lr=0.1, momentum=0.9, weight_decay=0.1)))
    ['gd', 'gd_l2', 'momentum']
    """
    kind, groups = type(optimizer), optimizer.param_groups
    if kind is torch.optim.SGD:
        parts = [("momentum", _any(groups, "momentum")), ("gd_l2", _any(groups, "weight_decay")), ("gd", True)]
        return frozenset(name for name, present in parts if present)
    if kind is torch.optim.AdamW:
        return frozenset(("adamw",))
    if kind is torch.optim.Adam:
        return frozenset(("adam_l2" if _any(groups, "weight_decay") else "adam",))
    return None


def _any(groups: Sequence[Mapping[str, Any]], key: str) -> bool:
    return any(group.get(key) for group in groups)
