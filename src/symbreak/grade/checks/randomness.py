"""Are the weights random, and does every unit get its own? Boxes R81, R87 and R88 of the lesson's checklist."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.grade.checks.check import Check, Finding, fails, not_applicable, nothing_to_see, passes, warns
from symbreak.grade.checks.initialize import Arrays, about_parameters, case, lesson_run, weights
from symbreak.grade.checks.parameters import arrays_of
from symbreak.grade.checks.trial import Trial, Tried

Array = NDArray[Any]
Found = Sequence[tuple[Tried, Arrays]]

SAME_DIRECTION = 1e-6
"""1 - |cosine| below which two rows are multiples of each other; float32 leaves 1e-7."""

FEWEST_BITS = 48
"""Binary digits of a row from which it is compared, two numbers at least: fewer may agree by chance. So much have five
numbers in half precision and two in single; equal ones then have a chance below 2**-40."""

FEWEST_COLUMNS = 8
"""Columns from which directions are compared: rows of 8 normal numbers come this close with a chance below 1e-20."""

MOST_ROWS = 2000
"""Rows that are compared with each other, which takes their square in memory."""

FEWEST_SHARED = 24
"""Entries from which two layers are compared: independent ones correlate that well with a chance below 1e-60."""

OTHER_SEED = 90_001
"""For the second call; not a seed that a learner would choose."""


def _constant(w: Array) -> bool:
    return bool((w == w.flat[0]).all())


def _varied(arrays: Arrays) -> dict[str, Array]:
    """Return the weights that are not one number; what those lack is told by checks of their own."""
    return {key: w.astype(np.float64) for key, w in weights(arrays).items() if w.ndim == 2 and not _constant(w)}


ALIKE = "The weights do not vary at all: see init-not-zero and init-not-constant."


def _alike(found: Found) -> bool:
    """Return whether no layer has weights that vary, so that there are no rows to compare."""
    return not any(_varied(arrays) for _, arrays in found)


def _not_zero(trial: Trial, found: Found) -> Finding:
    expected = "random weights in every layer"
    for tried, arrays in found:
        zero = [key for key, w in weights(arrays).items() if not np.any(w)]
        if not zero:
            continue
        got = f"{', '.join(zero)} all zero ({tried.case.label})"
        if len(zero) == len(weights(arrays)):
            why = "From zeros all hidden units are one unit, in every forward and backward pass, for ever."
            return fails(expected, got, f"{why} {lesson_run(found)}", "Where does the randomness come in?")
        why = "One zero layer alone does not tie the units with tanh: the other layer parts them. With ReLU it can."
        return warns(expected, got, f"{why} {lesson_run(found)}", "Is this layer meant to be zero?")
    return passes(expected, "no layer is zero")


def _not_constant(trial: Trial, found: Found) -> Finding:
    expected = "weights that differ"
    if not any(np.any(w) for _, arrays in found for w in weights(arrays).values()):
        return nothing_to_see("The weights are all zero: see init-not-zero.")
    for tried, arrays in found:
        same = [key for key, w in weights(arrays).items() if w.size > 1 and np.any(w) and _constant(w)]
        if same:
            got = f"{same[0]} is {float(arrays[same[0]].flat[0]):.4g} everywhere ({tried.case.label})"
            why = "Equal weights make units that compute the same, and equal gradients keep them so."
            return fails(expected, got, f"{why} {lesson_run(found)}", "How many numbers are drawn for this layer?")
    return _lines_vary(expected, found)


def _lines_vary(expected: str, found: Found) -> Finding:
    """A row or column of one number was not drawn: what it belongs to starts without a direction of its own."""
    for tried, arrays in found:
        for key, w in _varied(arrays).items():
            for what, lines in (("row", w), ("column", w.T)):
                flat = np.flatnonzero(np.ptp(lines, axis=1) == 0)
                if flat.size and _long_enough(lines, _bits(arrays[key])):
                    got = f"{what} {flat[0]} of {key} is {lines[flat[0], 0]:.4g} everywhere ({tried.case.label})"
                    why = (
                        "A row holds what a unit takes in, a column what is taken from one input. One that is the same"
                        " number throughout was not drawn: such a unit is only there, it prefers no input to another."
                    )
                    return fails(expected, got, f"{why} {lesson_run(found)}", "Which entries does your loop leave out?")
    return passes(expected, "no layer, row or column is one number")


def _rows_differ(trial: Trial, found: Found) -> Finding:
    expected = "rows and columns that differ"
    if _alike(found):
        return nothing_to_see(ALIKE)
    for tried, arrays in found:
        for key, w in _varied(arrays).items():
            for what, lines in (("row", w), ("column", w.T)):
                pair = _equal_pair(lines, _bits(arrays[key]))
                if pair:
                    got = f"{what}s {pair[0]} and {pair[1]} of {key} are equal ({tried.case.label})"
                    why = (
                        "A hidden unit is its row of W1 and its column of W2. Units of equal rows compute the same"
                        " until their columns part them; where both are equal they are one unit for ever."
                    )
                    hint = "A seed that is set again inside a loop starts the same numbers again."
                    return fails(expected, got, f"{why} {lesson_run(found)}", hint)
    return passes(expected, "all different")


def _bits(array: Array) -> int:
    """Return how many digits, in base 2, an entry has."""
    return int(np.finfo(array.dtype).nmant) + 1 if array.dtype.kind == "f" else 8 * array.dtype.itemsize


def _long_enough(lines: Array, bits: int) -> bool:
    columns: int = lines.shape[1]
    return columns >= 2 and columns * bits >= FEWEST_BITS


def _equal_pair(lines: Array, bits: int) -> tuple[int, int] | None:
    """Return the first two equal rows, if they are long enough to tell."""
    if not _long_enough(lines, bits):
        return None
    seen: dict[bytes, int] = {}
    for i, line in enumerate(lines):
        first = seen.setdefault(line.tobytes(), i)
        if first != i:
            return first, i
    return None


def _not_mirrored(trial: Trial, found: Found) -> Finding:
    expected = "no row a multiple of another"
    if _alike(found):
        return nothing_to_see(ALIKE)
    looked = [(t, key, w) for t, a in found for key, w in _varied(a).items() if w.shape[1] >= FEWEST_COLUMNS]
    if not looked:
        return not_applicable(f"Rows of fewer than {FEWEST_COLUMNS} numbers can be alike by chance.")
    for tried, key, w in looked:
        pair = _collinear_pair(w)
        if pair:
            i, j, factor = pair
            got = f"row {j} of {key} is {factor:.3g} times row {i} ({tried.case.label})"
            why = (
                "With tanh a unit (w, v) and its mirror (-w, -v) compute the same function; with ReLU so do positive"
                " multiples. Rows that differ can still look in one direction only, and the layer sees less than its"
                f" width. {lesson_run(found)}"
            )
            return fails(expected, got, why, "Is every row drawn, or are some made from others?")
    return passes(expected, "all directions differ")


def _collinear_pair(w: Array) -> tuple[int, int, float] | None:
    w = w[:MOST_ROWS]
    lengths = np.linalg.norm(w, axis=1)
    alive = np.flatnonzero(lengths > 0)
    unit = w[alive] / lengths[alive, None]
    cosines = np.triu(np.abs(unit @ unit.T), 1)
    for a, b in np.argwhere(cosines > 1 - SAME_DIRECTION):
        i, j = int(alive[a]), int(alive[b])
        if not (w[i] == w[j]).all():  # equal rows are another check's
            return i, j, float(w[i] @ w[j] / (w[i] @ w[i]))
    return None


def _independent(trial: Trial, found: Found) -> Finding:
    expected = "layers drawn independently"
    if _alike(found):
        return nothing_to_see(ALIKE)
    compared = 0
    for tried, arrays in found:
        for (name, w), (other, v) in itertools.combinations(_varied(arrays).items(), 2):
            if min(w.size, v.size) < FEWEST_SHARED:
                continue
            compared += 1
            if _share_a_draw(w, v):
                why = (
                    "The same random numbers make up both layers, so a unit's output weight tells of its input weights:"
                    " the layers are not independent, and laws such as Xavier's and He's, which take that for granted,"
                    f" no longer hold. {lesson_run(found)}"
                )
                got = f"{other} repeats the numbers of {name} ({tried.case.label})"
                return fails(expected, got, why, "How often is a seed set, and where?")
    return passes(expected, "independent") if compared else not_applicable("The layers are too small to compare.")


def _share_a_draw(w: Array, v: Array) -> bool:
    """Return whether two layers are one stream of numbers, up to a factor, or one is made of the other's entries."""
    n = min(w.size, v.size)
    for left, right in itertools.product((w, w.T), (v, v.T)):
        a, b = left.ravel()[:n], right.ravel()[:n]
        if abs(float(a @ b)) > (1 - SAME_DIRECTION) * float(np.linalg.norm(a) * np.linalg.norm(b)):
            return True
    known = np.unique(w)
    few_values = known.size < 0.9 * w.size  # half precision, or rounded: values agree by chance
    return not few_values and bool(np.isin(v, known).mean() > 0.5)


def _random(trial: Trial, found: Found) -> Finding:
    expected = "other weights at the next call"
    if trial.plan.fixed:
        return not_applicable("A dict cannot be called again.")
    tried, first = found[-1]  # the largest, where no layer comes twice by chance
    sizes = tried.case.facts["sizes"]
    again = trial.once("again", case(trial, sizes, OTHER_SEED))
    second = _same_keys(first, again)
    if not second:
        return nothing_to_see("The second call returned no parameters.")
    if not _varied(first):
        return nothing_to_see(ALIKE)
    same = [key for key in _varied(first) if np.array_equal(first[key], second[key])]
    if not same:
        return passes(expected, "they differ")
    if len(same) < len(_varied(first)):
        got = f"{', '.join(same)} the same after another seed outside, other layers not ({tried.case.label})"
        why = "This layer is not drawn, or from a generator of its own: every start of the network has these weights."
        return warns(expected, got, why, "Which line makes them?")
    why = (
        "The weights differ from unit to unit, so the symmetry is broken, and course solutions do set a seed inside to"
        " print the same numbers for all. But the function then gives one and the same start for ever: no second try"
        " from elsewhere, and np.random.seed inside also resets the generator of whoever calls."
    )
    got = f"the same weights after another seed outside ({tried.case.label})"
    return warns(expected, got, why, "Who should choose the seed: the function, or the one who calls it?")


def _same_keys(first: Arrays, again: Tried) -> Arrays:
    found = arrays_of(again.value, first) if not again.outcome.failed else None
    return found or {}


RANDOMNESS = (
    Check("init-random", "weights are random", about_parameters(_random)),
    Check("init-not-zero", "weights are not zero", about_parameters(_not_zero), weight=2),
    Check("init-not-constant", "weights are not one number", about_parameters(_not_constant), weight=2),
    Check("init-rows-differ", "every unit has weights of its own", about_parameters(_rows_differ), weight=2),
    Check("init-mirrored", "no unit mirrors or scales another", about_parameters(_not_mirrored)),
    Check("init-independent", "layers share no random numbers", about_parameters(_independent)),
)
