"""Which checks each function of the week has, and what it is called with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from symbreak.grade.checks import backward, cost, forward, initialize, model, predict, randomness, scale, sizes, update
from symbreak.grade.checks.check import Check
from symbreak.grade.checks.common import common
from symbreak.grade.checks.trial import Case, Trial


@dataclass(frozen=True)
class Entry:
    """What is done with one function.

    Attributes:
        cases: the calls that all checks look at.
        checks: in the order in which they are told.
    """

    cases: Callable[[Trial], Sequence[Case]]
    checks: tuple[Check, ...]


def _initialize(*about_scale: Check) -> Entry:
    checks = (*common("init"), *initialize.STRUCTURE, *randomness.RANDOMNESS, scale.CENTRED, *about_scale)
    return Entry(initialize.cases, checks)


CATALOGUE: dict[str, Entry] = {
    "layer_sizes": Entry(sizes.cases, sizes.CHECKS),
    "initialize_parameters": _initialize(scale.SMALL),
    "initialize_parameters_zeros": Entry(initialize.cases, (*common("init"), *initialize.STRUCTURE, *initialize.ZEROS)),
    "initialize_parameters_random": _initialize(scale.ANY),
    "initialize_parameters_he": _initialize(scale.HE),
    "initialize_parameters_deep": _initialize(scale.DEEP),
    "forward_propagation": Entry(forward.cases, forward.CHECKS),
    "compute_cost": Entry(cost.cases, cost.CHECKS),
    "backward_propagation": Entry(backward.cases, backward.CHECKS),
    "update_parameters": Entry(update.cases, update.CHECKS),
    "nn_model": Entry(model.cases, model.CHECKS),
    "predict": Entry(predict.cases, predict.CHECKS),
}


def ids() -> list[str]:
    """Return the ids of all checks, each once."""
    return list(dict.fromkeys(check.id for entry in CATALOGUE.values() for check in entry.checks))
