"""`predict`: the class that the network holds for more likely."""

from __future__ import annotations

import numpy as np

from symbreak.grade.checks import reference
from symbreak.grade.checks.arranging import arranged
from symbreak.grade.checks.backward import own_activation
from symbreak.grade.checks.check import Check, Finding, warns
from symbreak.grade.checks.common import Fault, Unseen, common, each
from symbreak.grade.checks.outputs import with_one_output
from symbreak.grade.checks.parameters import array, kind, label
from symbreak.grade.checks.trial import Case, Trial, Tried

CLEAR = 1e-3
"""Answers nearer to 0.5 are not judged: rounding may turn them."""

BIAS_SHARE = 0.8
"""How far the output's bias is moved towards the mean logit, so that both classes are answered."""


def cases(trial: Trial) -> list[Case]:
    """Return a call for every shape of one output, each with answers on both sides of 0.5."""
    hidden, m = own_activation(trial), 3 * trial.plan.examples
    found = []
    for sizes in with_one_output(trial.plan.shapes):
        for seed in trial.plan.seeds[:2]:
            params, x = reference.parameters(sizes, seed), reference.inputs(sizes[0], m, seed)
            middle = np.median(reference.forward(params, x, hidden)["Z2"])
            params["b2"] = params["b2"] - BIAS_SHARE * middle
            args = arranged(trial, "predict", {"parameters": params, "X": x})
            facts = {"parameters": params, "A2": reference.forward(params, x, hidden)["A2"], "m": m}
            found.append(Case(f"{label(sizes)}, m={m}", args, facts=facts))
    return found


def _shape(trial: Trial, tried: Tried) -> Fault | None:
    found, m = array(tried.value), tried.case.facts["m"]
    if found is not None and found.shape == (1, m):
        return None
    hint = "One prediction for each column of X."
    if found is None:
        return f"0 or 1, of shape (1, {m})", kind(tried.value), "Y holds numbers: nothing else equals a label.", hint
    why = f"Y has shape (1, {m}). Compared with another shape NumPy may stretch both, and the accuracy is of that."
    if found.shape == (m,):
        why = f"A vector equals Y entry by entry, but with Y.T NumPy stretches both to ({m}, {m}): no accuracy at all."
    return f"shape (1, {m})", kind(tried.value), why, hint


def _values(trial: Trial, tried: Tried) -> Fault | Unseen | None:
    a2 = tried.case.facts["A2"].reshape(-1)
    found = array(tried.value)
    if found is None or found.size != a2.size:
        return Unseen("There is not one prediction for each example: see predict-shape.")
    found = found.reshape(-1)
    expected = "0 or 1, as A2 is below or above 0.5"
    if not np.isin(found, (0, 1)).all():
        why = "These are probabilities or scores, not classes: none of them equals a label, and the accuracy is 0."
        return expected, f"{float(found[0]):.4g}", why, "Where does the threshold come in?"
    wrong = (found.astype(bool) != (a2 > 0.5)) & (np.abs(a2 - 0.5) > CLEAR)
    if not wrong.any():
        return None
    why = "The answers are read wrongly, so the accuracy says nothing about the network."
    if wrong.sum() >= 0.9 * wrong.size:
        why = "All classes are turned: a perfect network would score 0."
    return expected, f"{int(wrong.sum())} of {wrong.size} wrong", why, "Which side of which threshold is class 1?"


def _threshold(trial: Trial) -> Finding:
    """Look at the values, and then at an answer of exactly 0.5, which belongs to neither side of the rest."""
    found = each(_values)(trial)
    if found.status != "pass":
        return found
    zeros = {key: np.zeros_like(entry) for key, entry in trial.tried[0].case.facts["parameters"].items()}
    x = np.ones((zeros["W1"].shape[1], 1))
    tried = trial.once("undecided", Case("A2 = 0.5", arranged(trial, "predict", {"parameters": zeros, "X": x})))
    answer = None if tried.outcome.failed else array(tried.value)
    if answer is None or answer.size != 1 or not answer.reshape(-1)[0]:
        return found
    why = (
        "The course answers 1 above 0.5 only. It shows where a network knows nothing: with weights of zero, this one"
        " calls everything class 1."
    )
    return warns("0 where A2 is exactly 0.5", "1", why, "> or >=?")


CHECKS = (
    *common("predict"),
    Check("predict-shape", "one prediction for each example", each(_shape)),
    Check("predict-values", "1 where A2 is above 0.5, else 0", _threshold, weight=2),
)
