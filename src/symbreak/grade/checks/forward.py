"""`forward_propagation`: activations, layer by layer, against our own network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.grade.checks import reference
from symbreak.grade.checks.arranging import arranged
from symbreak.grade.checks.check import Check, Finding, nothing_to_see, passes, warns
from symbreak.grade.checks.closeness import close, first_difference
from symbreak.grade.checks.common import Fault, Unseen, common, each
from symbreak.grade.checks.explain import outcome_text
from symbreak.grade.checks.outputs import several, told, with_one_output
from symbreak.grade.checks.parameters import array, kind, label
from symbreak.grade.checks.trial import Case, Trial, Tried
from symbreak.grade.plan import Sizes

Array = NDArray[Any]

LOUD = 1e4
"""Factor on all parameters that takes pre-activations far beyond 710, where exp overflows."""


def cases(trial: Trial) -> list[Case]:
    """Return a call for every shape and seed; of one output for code that refuses several."""
    seeds, shapes = trial.plan.seeds, trial.plan.shapes
    if _refusal(trial):
        shapes = with_one_output(shapes)
    return [forward_case(trial, sizes, seeds[i % len(seeds)]) for i, sizes in enumerate(shapes)]


def _refusal(trial: Trial) -> Tried | None:
    """Return the call with several outputs that raised an error, if the same with one output did not.

    The course's own template asserts that A2 has one row.
    """
    for sizes in several(trial.plan.shapes)[:1]:
        tried, alone = (_once(trial, each) for each in (sizes, (*sizes[:-1], 1)))
        if tried.outcome.error and not alone.outcome.failed:
            return tried
    return None


def _once(trial: Trial, sizes: Sizes) -> Tried:
    return trial.once(label(sizes), forward_case(trial, sizes, trial.plan.seeds[0]))


def _refused(trial: Trial) -> tuple[str, str] | None:
    tried = _refusal(trial)
    return (
        (f"{outcome_text(tried.outcome)} ({tried.case.label})", "Which line knows how many outputs there are?")
        if tried
        else None
    )


def forward_case(trial: Trial, sizes: Sizes, seed: int, factor: float = 1.0) -> Case:
    """Return the call of forward_propagation for these sizes."""
    m = trial.plan.examples
    params = {key: factor * entry for key, entry in reference.parameters(sizes, seed).items()}
    x = reference.inputs(sizes[0], m, seed)
    return Case(
        f"{label(sizes)}, m={m}",
        arranged(trial, "forward_propagation", {"X": x, "parameters": params}),
        facts={"sizes": sizes, "m": m, "seed": seed, "parameters": params, "X": x},
    )


def taken_apart(value: Any) -> tuple[Array | None, dict[str, Any]]:
    """Return A2 and the cache of what came back, as far as they are there."""
    if isinstance(value, (tuple, list)) and len(value) == 2:
        return array(value[0]), value[1] if isinstance(value[1], dict) else {}
    return array(value), {}


def hidden_activation(facts: Any, cache: dict[str, Any]) -> str | None:
    """Return which activation makes A1 from the right Z1; None if none of `reference.HIDDEN` does."""
    a1 = array(cache.get("A1"))
    for name in reference.HIDDEN if a1 is not None else ():
        if close(a1, reference.forward(facts["parameters"], facts["X"], name)["A1"]):  # type: ignore[arg-type]
            return name
    return None


def _returns(trial: Trial, tried: Tried) -> Fault | None:
    expected = "A2 and a dict with Z1, A1, Z2, A2"
    a2, cache = taken_apart(tried.value)
    missing = [key for key in ("Z1", "A1", "Z2", "A2") if array(cache.get(key)) is None]
    if a2 is not None and not missing:
        return None
    got = f"a dict that lacks {', '.join(missing)}" if a2 is not None and cache else kind(tried.value)
    why = "The backward pass reads from the cache what the forward pass has computed."
    return expected, got, why, "What does the last line return?"


def _shape(trial: Trial, tried: Tried) -> Fault | Unseen | None:
    a2, _ = taken_apart(tried.value)
    shape = (tried.case.facts["sizes"][-1], tried.case.facts["m"])
    if a2 is None:
        return Unseen("There is no A2: see forward-returns.")
    if a2.shape == shape:
        return None
    why = "One column for each example, one row for each output: the cost compares A2 with Y entry by entry."
    return f"A2 of shape {shape}", str(a2.shape), why, "Write the shapes beside each product."


def _hidden(trial: Trial, tried: Tried) -> Fault | Unseen | None:
    facts = tried.case.facts
    _, cache = taken_apart(tried.value)
    right = reference.forward(facts["parameters"], facts["X"])
    for key in ("Z1", "A1"):
        found = array(cache.get(key))
        if found is None:
            return Unseen(f"There is no {key}: see forward-returns.")
        if close(found, right[key]) or (key == "A1" and hidden_activation(facts, cache)):
            continue
        if found.shape != right[key].shape:
            why = "A row for each unit, a column for each example: the backward pass multiplies by it as it stands."
            return f"{key} of shape {right[key].shape}", str(found.shape), why, "Write the shapes beside each product."
        said, got = first_difference(found, right[key])
        return f"{key} with {said}", got, _hidden_cause(key, found, facts, right), "Compute one entry by hand."
    return None


def _hidden_cause(key: str, found: Array, facts: Any, right: dict[str, Array]) -> str:
    unbiased = right["Z1"] - facts["parameters"]["b1"]
    if key == "Z1" and close(found, unbiased):
        return "b1 is missing: every unit's boundary then runs through the origin, whatever training does to b1."
    if key == "A1" and close(found, right["Z1"]):
        return "No activation was applied: without it two layers are one matrix, and the network a logistic regression."
    return f"{key} is not what the formula gives, and all that follows is built on it."


def _output(trial: Trial, tried: Tried) -> Fault | Unseen | None:
    """Judge A2 by the learner's own A1, so that a fault in the hidden layer is told once."""
    facts = tried.case.facts
    a2, cache = taken_apart(tried.value)
    params = facts["parameters"]
    a1 = array(cache.get("A1"))
    right_a1 = reference.forward(params, facts["X"])["A1"]
    a1 = right_a1 if a1 is None or a1.shape != right_a1.shape else a1.astype(np.float64)
    z2 = params["W2"] @ a1 + params["b2"]
    kinds = reference.ANSWERS if len(z2) > 1 else ("sigmoid",)
    if a2 is None or a2.shape != z2.shape:
        return Unseen("There is no A2 of the right shape: see forward-shape.")
    if any(close(a2, reference.answers(z2, kind)) for kind in kinds):
        return _wrongly_kept(cache, z2, a2)
    said, got = first_difference(a2, reference.answers(z2, "sigmoid"))
    return f"A2 with {said}", got, _output_cause(a2, z2, params), "What range must a probability have?"


def _wrongly_kept(cache: dict[str, Any], z2: Array, a2: Array) -> Fault | None:
    """Return the entry of the cache that is not what the answer was made of."""
    for key, right in (("Z2", z2), ("A2", a2)):
        kept = array(cache.get(key))
        if kept is None or close(kept, right):
            continue
        said, got = first_difference(kept, right) if kept.shape == right.shape else (str(right.shape), str(kept.shape))
        why = (
            f"The answer is right, but the cache holds another {key}: whatever reads it there computes something else."
        )
        return f"{key} in the cache with {said}", got, why, "Does a name change between its line and the dict?"
    return None


def _output_cause(a2: Array, z2: Array, params: Any) -> str:
    if close(a2, z2):
        return "A2 is Z2 itself: without the sigmoid it is no probability, and its logarithm may not exist."
    if close(a2, np.tanh(z2)):
        return "tanh at the output runs from -1 to 1: where it is negative the cost has no logarithm."
    if close(a2, reference.answers(z2 - params["b2"], "sigmoid")):
        return "b2 is missing: the network cannot even learn how frequent the classes are."
    return "A2 is not sigmoid(W2 A1 + b2), and the cost and every gradient start from it."


def _stable(trial: Trial) -> Finding:
    if not trial.usable:
        return nothing_to_see("forward_propagation returned nothing to look at.")
    sizes = trial.plan.shapes[0]
    tried = trial.once("loud", forward_case(trial, sizes, trial.plan.seeds[0], LOUD))
    a2, _ = taken_apart(tried.value)
    expected = "finite answers for very large parameters"
    if not tried.outcome.failed and a2 is not None and np.isfinite(a2).all() and "overflow" not in tried.outcome.stderr:
        return passes(expected, "finite")
    got = outcome_text(tried.outcome) if tried.outcome.failed else "overflow in exp, or nan"
    why = (
        "The value can still be right, for 1/(1 + inf) is 0. But exp(-z) overflows from z = -710 on, and the printed"
        " formula of tanh becomes inf/inf, which is nan and stays nan through all of training."
    )
    return warns(expected, got, why, "np.tanh is safe; for the sigmoid, never take exp of a large positive number.")


CHECKS = (
    *common("forward"),
    Check("forward-returns", "returns A2 and the cache", each(_returns)),
    Check("forward-shape", "A2 has a column for each example", each(_shape)),
    Check("forward-hidden", "Z1 and A1 are right", each(_hidden), weight=2),
    Check("forward-output", "A2 is the sigmoid of W2 A1 + b2", each(_output), weight=2),
    told("forward", _refused, ready=lambda trial: len(trial.usable) == len(trial.tried)),
    Check("forward-stable", "large parameters give no nan", _stable, weight=0, required=False),
)
