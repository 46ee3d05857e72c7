"""`initialize_parameters` and its kin: what comes back. Boxes R83 and R84 of the lesson's checklist."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.grade import consequence
from symbreak.grade.checks.check import Check, Finding, fails, nothing_to_see, passes
from symbreak.grade.checks.common import Fault, Unseen, each
from symbreak.grade.checks.parameters import array, arrays_of, kind, label, shapes_of
from symbreak.grade.checks.trial import Case, Trial, Tried
from symbreak.grade.plan import DEEP_LAW_SHAPES, DEEP_SHAPES, LAW_SHAPES, Sizes
from symbreak.grade.subject import Foreign

MOST_TIMES = 16
"""More entries than so many times those asked for are a wrong shape, and cost the grader time and memory."""

Array = NDArray[Any]
Arrays = dict[str, Array]


def cases(trial: Trial) -> list[Case]:
    """Return a call for every shape; the large ones, for the laws, come last."""
    seeds = trial.plan.seeds
    shapes = trial.plan.shapes
    if not trial.plan.fixed:
        shapes = (*DEEP_SHAPES, *DEEP_LAW_SHAPES) if takes_list(trial) else (*shapes, *LAW_SHAPES)
    return [case(trial, sizes, seeds[i % len(seeds)]) for i, sizes in enumerate(shapes)]


def case(trial: Trial, sizes: Sizes, seed: int) -> Case:
    """Return the call for these sizes: three numbers, or one list, as the function takes them."""
    args = (list(sizes),) if takes_list(trial) else sizes
    return Case(label(sizes), args, seed=seed, facts={"sizes": sizes})


def takes_list(trial: Trial) -> bool:
    """Return whether a function takes one list of sizes, as the assignments' variants do."""
    names = trial.names
    if not names or names[0] == "self":
        return trial.function != "initialize_parameters"
    return (len(names) == 1 and names[0] != "args") or "dims" in names[0] or "layers" in names[0] or "sizes" in names[0]


def given(trial: Trial) -> list[tuple[Tried, Arrays]]:
    """Return the calls whose parameters are all there, as finite arrays; what is far too large is not looked into."""
    found = [(tried, arrays_of(tried.value, shapes_of(tried.case.facts["sizes"]))) for tried in trial.usable]
    return [(tried, arrays) for tried, arrays in found if arrays is not None and _can_be_seen(tried, arrays)]


def _can_be_seen(tried: Tried, arrays: Arrays) -> bool:
    """Return whether all is of its size and finite: nan is neither zero nor equal to anything, and would earn by it."""
    shapes = shapes_of(tried.case.facts["sizes"])
    fitting = all(arrays[key].size <= MOST_TIMES * math.prod(shape) for key, shape in shapes.items())
    return fitting and all(np.isfinite(arrays[key]).all() for key in shapes)


def weights(arrays: Arrays) -> dict[str, Array]:
    """Return the weights, without the biases."""
    return {key: entry for key, entry in arrays.items() if key.startswith("W")}


def lesson_run(found: Sequence[tuple[Tried, Arrays]], data: str = "planar") -> str:
    """Return what the lesson's own network becomes from the start that was returned for its sizes, if it was."""
    starts = [arrays for tried, arrays in found if tried.case.facts["sizes"] == consequence.SIZES]
    return consequence.from_start(starts[0], data) if starts else ""


Question = Callable[[Trial, Sequence[tuple[Tried, Arrays]]], Finding]


def about_parameters(question: Question) -> Callable[[Trial], Finding]:
    """Return a look that asks about the parameters of all calls, if there are any."""

    def look(trial: Trial) -> Finding:
        found = given(trial)
        return question(trial, found) if found else nothing_to_see("There are no parameters to look at.")

    return look


def _keys(trial: Trial, tried: Tried) -> Fault | None:
    keys = shapes_of(tried.case.facts["sizes"])
    expected = f"a dict with {', '.join(keys)}"
    if not isinstance(tried.value, dict):
        why = "The functions that come after this one look parameters up by name."
        return expected, kind(tried.value), why, "Which keys does the docstring promise?"
    missing = [key for key in keys if key not in tried.value]
    if not missing:
        return None
    why = "The functions that come after this one look parameters up by these names, and end in a KeyError."
    return expected, f"{kind(tried.value)}; missing {', '.join(missing)}", why, "Capitals count, and so do numbers."


def _missing(tried: Tried, letter: str = "") -> Unseen | None:
    """Return what there is not to see: parameters whose names begin with a letter."""
    keys = [key for key in shapes_of(tried.case.facts["sizes"]) if key.startswith(letter)]
    whole = isinstance(tried.value, dict) and all(array(tried.value.get(key)) is not None for key in keys)
    return None if whole else Unseen(f"Not all of {', '.join(keys)} are there: see init-keys and init-dtype.")


def _numbers(trial: Trial, tried: Tried) -> Fault | Unseen | None:
    for key in shapes_of(tried.case.facts["sizes"]):
        if not isinstance(tried.value, dict) or key not in tried.value:
            continue
        value = tried.value[key]
        fault = _not_float(value)
        if fault:
            why, hint = fault
            return "arrays of finite floating-point numbers", f"{key} is {kind(value)}", why, hint
    return _missing(tried)


def _not_float(value: Any) -> tuple[str, str] | None:
    if isinstance(value, (bool, int, float)):
        return None  # its shape is what is wrong with it
    if isinstance(value, Foreign) and value.type == "matrix":
        why = "With np.matrix `*` is the matrix product and no axis can be dropped: every formula of the week changes."
        return why, "Plain arrays do; NumPy advises against np.matrix."
    found = array(value)
    if found is None:
        return "Gradient descent needs real numbers that it can subtract from.", "What is the dtype of this entry?"
    if found.dtype.kind != "f":
        why = "Whole numbers cannot hold small weights, and an update in place raises an error or cuts them off."
        return why, "What is the dtype of this entry, and where does it come from?"
    if not np.isfinite(found).all():
        return "One inf or nan makes every activation behind it nan.", "Which operation can give inf or nan?"
    return None


def _weight_shapes(trial: Trial, tried: Tried) -> Fault | Unseen | None:
    for key, shape in shapes_of(tried.case.facts["sizes"]).items():
        value = array(tried.value.get(key)) if isinstance(tried.value, dict) else None
        if value is None or not key.startswith("W") or value.shape == shape:
            continue
        why = f"W X needs as many columns in W as X has rows. {_tried_product(value, shape[1])}"
        hint = "A row of W belongs to a unit, a column to what it takes in."
        if value.shape == shape[::-1]:
            hint = f"{hint} This one stands on its side."
        return f"{key} of shape {shape}", f"{value.shape}", why, hint
    return _missing(tried, "W")


def _tried_product(value: Array, rows: int) -> str:
    """Tell what NumPy will make of the next function's product."""
    if value.ndim == 0 or value.shape[-1] != rows:
        return f"A matrix of shape {value.shape} times inputs of shape ({rows}, m) is refused by NumPy."
    shape = (*value.shape[:-1], 2)
    return f"The product with inputs of shape ({rows}, 2) comes out as {shape}: it fits by accident, and means nothing."


def _bias_shapes(trial: Trial, tried: Tried) -> Fault | Unseen | None:
    for key, shape in shapes_of(tried.case.facts["sizes"]).items():
        value = array(tried.value.get(key)) if isinstance(tried.value, dict) else None
        if value is None or not key.startswith("b") or value.shape == shape:
            continue
        got = f"{value.shape}" if value.ndim else "a number without a shape"
        return (
            f"{key} of shape {shape}",
            got,
            _bias_consequence(value, shape[0]),
            "How many sizes are in the tuple?",
        )
    return _missing(tried, "b")


def _bias_consequence(value: Array, n: int) -> str:
    if value.shape != (n,):
        return (
            "A bias is a column, one entry for each unit, so that it is added to every column of W X. What is not a"
            " column is stretched over whatever it meets, or refused."
        )
    stretched = (np.zeros((n, n)) + np.arange(1.0, n + 1))[0]
    return (
        f"NumPy lays a vector ({n},) along the examples, not along the units. With m = {n} it goes unnoticed: biases 1"
        f" to {n} add {stretched.tolist()} to the first unit. With any other m the sum is refused."
    )


def _bias_zero(trial: Trial, tried: Tried) -> Fault | Unseen | None:
    for key in shapes_of(tried.case.facts["sizes"]):
        value = array(tried.value.get(key)) if isinstance(tried.value, dict) else None
        if value is None or not key.startswith("b") or not np.any(value):
            continue
        why = (
            "Random weights break the symmetry already, so biases need no randomness; a bias away from zero shifts its"
            " unit the same way on every example before anything is known of the data."
        )
        largest = float(np.max(np.abs(value)))
        return f"{key} exactly zero", f"entries up to {largest:.3g}", why, "Which line makes the biases?"
    return _missing(tried, "b")


def _all_zero(trial: Trial, found: Sequence[tuple[Tried, Arrays]]) -> Finding:
    for tried, arrays in found:
        for key, w in weights(arrays).items():
            if np.any(w):
                return fails(
                    "all weights exactly zero",
                    f"{key} has entries up to {float(np.max(np.abs(w))):.3g} ({tried.case.label})",
                    "This variant is there to show what zeros do; with other weights it shows something else.",
                    "np.zeros makes weights as well as biases.",
                )
    return passes("all weights exactly zero", "zero")


STRUCTURE = (
    Check("init-keys", "returns a dict W1, b1, W2, b2", each(_keys)),
    Check("init-shapes", "weights of shape (n_out, n_in)", each(_weight_shapes), weight=2),
    Check("init-bias-shape", "biases of shape (n_out, 1)", each(_bias_shapes)),
    Check("init-dtype", "finite floating-point numbers", each(_numbers)),
    Check("init-bias-zero", "biases exactly zero", each(_bias_zero)),
)
ZEROS = (Check("init-all-zero", "weights exactly zero", about_parameters(_all_zero), weight=2),)
