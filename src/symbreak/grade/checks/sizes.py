"""`layer_sizes`: the sizes that the data lay down."""

from __future__ import annotations

import numpy as np

from symbreak.grade.checks import reference
from symbreak.grade.checks.check import Check, Finding, warns
from symbreak.grade.checks.common import Fault, common, each
from symbreak.grade.checks.parameters import kind, label
from symbreak.grade.checks.trial import Case, Trial, Tried
from symbreak.grade.plan import Sizes


def cases(trial: Trial) -> list[Case]:
    """Return a call for every shape."""
    return [_case(trial, sizes, trial.plan.examples) for sizes in trial.plan.shapes]


def _case(trial: Trial, sizes: Sizes, m: int) -> Case:
    seed = trial.plan.seeds[0]
    data = reference.inputs(sizes[0], m, seed), reference.labels(sizes[-1], m, seed)
    return Case(f"{label(sizes)}, m={m}", data, facts={"sizes": sizes, "m": m})


def _values(trial: Trial, tried: Tried) -> Fault | None:
    sizes, m = tried.case.facts["sizes"], tried.case.facts["m"]
    expected = f"({sizes[0]}, n_h, {sizes[-1]})"
    value = tried.value
    if not isinstance(value, (tuple, list)) or len(value) != 3 or not all(map(_whole, value)):
        why = "The next function takes the three sizes apart: n_x, n_h, n_y."
        return expected, kind(value), why, "Three whole numbers, in the order of the layers."
    if (value[0], value[2]) == (sizes[0], sizes[-1]) and value[1] >= 1:
        return None
    why = "The sizes decide the shapes of all weights: a wrong one does not fit the data."
    if m in (value[0], value[2]):
        why = f"{m} is the number of examples. Weights made for it would grow with the data, and fit no other data."
    return expected, str(tuple(value)), why, "Columns are examples; which axis counts rows?"


def _whole(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _hidden(trial: Trial) -> Finding:
    """Look at n_x and n_y, which are known, and then at n_h, which is anybody's choice, but not that of chance."""
    found = each(_values)(trial)
    if found.status != "pass":
        return found
    sizes, m = trial.plan.shapes[0], trial.plan.examples
    more = trial.once("more examples", _case(trial, sizes, m + 1))
    n_h = trial.usable[0].value[1]
    if more.outcome.failed or _values(trial, more) or more.value[1] == n_h:
        return found
    got = f"n_h = {n_h} for {m} examples, {more.value[1]} for {m + 1}"
    why = "The hidden layer grows with the data: the network of one training set does not fit another."
    return warns("n_h whatever the number of examples", got, why, "The assignment sets n_h to a number.")


CHECKS = (*common("sizes"), Check("sizes-values", "n_x and n_y are the rows of X and Y", _hidden))
