"""How large are the weights, and around what? Boxes R82, R85 and R86 of the lesson's checklist."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.grade import consequence
from symbreak.grade.checks import statistics
from symbreak.grade.checks.check import Check, Finding, fails, not_applicable, nothing_to_see, passes, warns
from symbreak.grade.checks.initialize import Arrays, about_parameters, lesson_run, weights
from symbreak.grade.checks.trial import Trial, Tried

Array = NDArray[Any]
Found = Sequence[tuple[Tried, Arrays]]

SMALLEST, LARGEST = 1e-3, 1e-1
"""Standard deviations around the lesson's 0.01, a factor of ten to both sides. Below, the wait on data like the circles
grows; above, tanh units with a hundred inputs start saturated."""

FORGOTTEN = 1.0
"""The standard deviation of randn itself."""

Laws = dict[str, Callable[[int, int], float]]

# Variances that follow the size of the layer, by (n_in, n_out).
FAMILIES: Laws = {
    "Xavier, 1/n_in": lambda n_in, n_out: 1 / n_in,
    "He, 2/n_in": lambda n_in, n_out: 2 / n_in,
    "Glorot, 2/(n_in + n_out)": lambda n_in, n_out: 2 / (n_in + n_out),
    "PyTorch's default, 1/(3 n_in)": lambda n_in, n_out: 1 / (3 * n_in),
    "orthogonal, 1/max(n_in, n_out)": lambda n_in, n_out: 1 / max(n_in, n_out),
}
# Variances of those who forgot that a standard deviation has a root.
ROOTLESS: Laws = {
    "1/n_in without its root": lambda n_in, n_out: 1 / n_in**2,
    "2/n_in without its root": lambda n_in, n_out: 4 / n_in**2,
}


def small(trial: Trial, found: Found) -> Finding:
    """Shallow networks: about 0.01; a scale that follows the layer's size is as good and is told."""
    expected = f"a standard deviation from {SMALLEST} to {LARGEST}, typically 0.01"
    layers = _layers(found)
    if not layers:
        return nothing_to_see("No layer has weights that vary.")
    family = _family(layers)
    if family:
        why = (
            "The lesson's own rule for shallow networks is 0.01. A scale that follows the layer's size is no mistake:"
            f" it is what deeper networks need. {lesson_run(found, 'circles')}"
        )
        return warns(expected, family, why, "Was this choice on purpose?")
    rootless = _family(layers, ROOTLESS)
    if rootless:
        return warns(expected, rootless, *_root_forgotten(layers[-1][2]))
    for label, key, w in layers:
        low, high = statistics.deviation_interval(w)
        if high < SMALLEST or low > LARGEST:
            return _off(expected, f"{key} has {float(w.std(ddof=1)):.3g} ({label})", w, found, too_large=low > LARGEST)
    return passes(expected, ", ".join(f"{key} {float(w.std(ddof=1)):.3g}" for _, key, w in layers[-2:]))


def _root_forgotten(w: Array) -> tuple[str, str]:
    found = float(w.std(ddof=1))
    why = (
        "A law for the variance was used for the standard deviation, which is its root: a layer of"
        f" {w.shape[1]} inputs gets {found:.2g} in the place of {math.sqrt(found):.2g}, and the wider, the less of it."
    )
    return why, "What is a variance to a standard deviation?"


def deep(trial: Trial, found: Found) -> Finding:
    """Deep networks: a scale that follows the layer's size; a constant one is told."""
    expected = "a variance that follows the layer: 1/n_in for tanh, 2/n_in for ReLU"
    layers = _layers(found)
    if not layers:
        return nothing_to_see("No layer has weights that vary.")
    family = _family(layers)
    if family:
        return passes(expected, family)
    finding = small(trial, found)
    if finding.status == "fail":
        return finding
    why = (
        "One constant for all layers is the choice for one hidden layer. In a deep network every layer shrinks what"
        " passes: with 100 units and 0.01 each layer hands on a tenth, and the gradients on their way back the same."
    )
    return warns(expected, f"one scale for all layers: {finding.got}", why, "What should the scale depend on?")


def he(trial: Trial, found: Found) -> Finding:
    """He's law, and no other."""
    expected = "a variance of 2/n_in"
    layers = _layers(found)
    if not layers:
        return nothing_to_see("No layer has weights that vary.")
    wrong = next((layer for layer in layers if not _fits(layer[2], FAMILIES["He, 2/n_in"])), None)
    if wrong is None:
        return passes(expected, "2/n_in")
    label, key, w = wrong
    other = _family(layers)
    got = f"{key}: variance times n_in is {float(w.var(ddof=1)) * w.shape[1]:.3g} ({label})"
    got = f"{got}, as of {other}" if other else got
    why = (
        "Half of the ReLU units are silent on an example, so that only twice the variance 1/n_in hands on as much as"
        " comes in. A factor that is off multiplies with every layer."
    )
    return fails(expected, got, why, "n_in is the number of columns of this W. Is there a root, and over what?")


def any_size(trial: Trial, found: Found) -> Finding:
    """The large start of the assignment on initialization: any scale that is not tiny."""
    expected = f"a standard deviation above {SMALLEST}"
    layers = _layers(found)
    if not layers:
        return nothing_to_see("No layer has weights that vary.")
    for label, key, w in layers:
        if statistics.deviation_interval(w)[1] < SMALLEST:
            why = "This variant is there to show what a large start does."
            return fails(
                expected, f"{key} has {float(w.std(ddof=1)):.3g} ({label})", why, "The assignment's factor is 10."
            )
    return passes(expected, f"{float(layers[-1][2].std(ddof=1)):.3g}")


def centred(trial: Trial, found: Found) -> Finding:
    """Mean zero, by the mean of the large layers."""
    expected = "weights around 0"
    layers = [layer for layer in _layers(found) if layer[2].size >= statistics.FEWEST]
    if not _layers(found):
        return nothing_to_see("No layer has weights that vary.")
    if not layers:
        return not_applicable("Too few weights vary to tell their mean.")
    for label, key, w in layers:
        if abs(statistics.mean_in_deviations(w)) > statistics.largest_deviation():
            got = f"{key} has mean {float(w.mean()):.3g}, {float((w > 0).mean()):.0%} of it positive ({label})"
            why = (
                "Weights of one sign make all units of a layer lean the same way: they start nearly alike, and their"
                f" outputs move up and down together. {lesson_run(found)}"
            )
            return fails(expected, got, why, "np.random has rand and randn. Which interval does each draw from?")
    return passes(expected, f"means within {statistics.largest_deviation():.2g} standard errors of 0")


def _off(expected: str, got: str, w: Array, found: Found, *, too_large: bool) -> Finding:
    low, high = statistics.deviation_interval(w)
    if not too_large:
        why = (
            "Too small: the units differ by so little that they first learn the same, and part late."
            f" {lesson_run(found, 'circles')}"
        )
        return fails(expected, got, why, "How many zeros stand behind the point?")
    share = consequence.saturated_share(w)
    fact = f"With {w.shape[1]} inputs of variance 1, {share:.0%} of its tanh units start saturated."
    if low <= FORGOTTEN <= high:
        why = f"This is the size of randn itself: the small factor is missing. {fact} {lesson_run(found, 'circles')}"
        return fails(expected, got, why, "Which box of the checklist stands between randn and the result?")
    why = f"Too large: pre-activations grow with the weights, and tanh is flat away from 0. {fact}"
    return fails(
        expected, got, f"{why} {lesson_run(found, 'circles')}", "What is the factor beside the random numbers?"
    )


def _layers(found: Found) -> list[tuple[str, str, Array]]:
    """Return (label, key, weights) of the layers to estimate from: the large ones, if there are any."""
    layers = [
        (tried.case.label, key, np.asarray(w, dtype=np.float64))
        for tried, arrays in found
        for key, w in weights(arrays).items()
        if w.ndim == 2 and statistics.usable(w)
    ]
    large = [layer for layer in layers if layer[2].size >= statistics.FEWEST]
    return large or layers


def _family(layers: Sequence[tuple[str, str, Array]], laws: Laws = FAMILIES) -> str:
    """Return the law that every layer follows with its size, or ""; W1 may have another than W2."""
    keys = dict.fromkeys(key for _, key, _ in layers)
    followed = {key: [name for name, law in laws.items() if _all_fit(layers, key, law)] for key in keys}
    for name in laws:
        if all(name in names for names in followed.values()):
            return name
    return ", ".join(f"{key} {names[0]}" for key, names in followed.items()) if all(followed.values()) else ""


def _all_fit(layers: Sequence[tuple[str, str, Array]], key: str, law: Callable[[int, int], float]) -> bool:
    return all(_fits(w, law) for _, name, w in layers if name == key)


def _fits(w: Array, law: Callable[[int, int], float]) -> bool:
    low, high = statistics.deviation_interval(w)
    return low <= math.sqrt(law(w.shape[1], w.shape[0])) <= high


CENTRED = Check("init-centred", "weights around zero", about_parameters(centred))
SMALL = Check("init-scale", "small weights, about 0.01", about_parameters(small), weight=2)
DEEP = Check("init-scale", "weights that follow the layer's size", about_parameters(deep), weight=2)
HE = Check("init-scale", "variance 2/n_in", about_parameters(he), weight=2)
ANY = Check("init-scale", "weights that are not tiny", about_parameters(any_size))
