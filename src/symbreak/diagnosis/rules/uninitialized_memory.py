"""Values that no initializer makes: what was in memory before the tensor was."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from symbreak.diagnosis.finding import Finding, Where
from symbreak.diagnosis.observation import Parameter
from symbreak.diagnosis.rules.rule import Context, Rule

# No published initializer makes a weight of this size; the bytes of pointers and text, read as floats, often do.
LARGEST = 1e8
# The smallest of n draws of a normal or uniform law lies about 1/n below the largest; with 1e-18 in between, none of
# all tensors ever made would reach it. Random bytes read as floats spread evenly over 76 powers of ten.
RANGE = 1e-18


# Half precision has but 12 powers of ten. Powers of two of random bytes have a standard deviation of 9 there, those of
# normal and uniform numbers 1.6, of time constants drawn evenly over four powers of ten 3.8.
SPREAD = 6.0
FEWEST = 16
# A truncated law puts no mass on its ends; a clipped one may, but not this far out.
PILE = 4
FAR = 10.0


def find(context: Context) -> Iterator[Finding]:
    """Report parameters and floating buffers that look like raw memory."""
    for parameter in context.observation.parameters:
        reason = _reason(parameter) if parameter.judged and parameter.floating and parameter.trainable else ""
        if reason:
            yield _finding(parameter, reason)


def _reason(parameter: Parameter) -> str:
    seen = parameter.summary
    if not seen.size or not seen.largest:
        return ""
    if seen.largest >= LARGEST:
        return f"values as large as {seen.largest:.3g}"
    if seen.denormal and parameter.dtype in ("float32", "float64", "bfloat16"):
        return f"{seen.denormal} denormal values, such as {seen.smallest:.3g}"
    if seen.smallest < RANGE * seen.largest:
        return f"values from {seen.smallest:.3g} to {seen.largest:.3g}"
    return _scattered(parameter) or _pile(parameter)


def _scattered(parameter: Parameter) -> str:
    """Return a reason if half floats spread over all powers of two that there are."""
    if parameter.dtype != "float16":
        return ""
    sizes = np.abs(parameter.values())
    sizes = sizes[(sizes > 0) & np.isfinite(sizes)]
    if len(sizes) < FEWEST or np.log2(sizes.astype(np.float64)).std() < SPREAD:
        return ""
    return f"values from {sizes.min():.3g} to {sizes.max():.3g}, each power of two as often"


def _pile(parameter: Parameter) -> str:
    """Return a reason if one extreme value occurs again and again, far outside of all the others."""
    seen = parameter.summary
    if len(parameter.shape) < 2 or seen.constant or seen.piled < PILE or seen.largest < FAR * seen.rms / 2:
        return ""
    sizes = np.abs(parameter.values())
    usual = float(np.median(sizes[sizes > 0]))
    if seen.largest > FAR * usual:
        return f"the value {seen.largest:.3g} {seen.piled} times among values of size {usual:.3g}"
    return ""


def _finding(parameter: Parameter, reason: str) -> Finding:
    seen = parameter.summary
    return Finding(
        rule=RULE.slug,
        severity="error",
        status="measured",
        where=Where(parameters=(parameter.name,)),
        says=f"{parameter.name} holds {reason}: no initializer makes such numbers",
        measured={"largest": seen.largest, "smallest": seen.smallest, "denormal": seen.denormal, "zeros": seen.zeros},
        expected=f"largest below {LARGEST:g}, no denormals, smallest at least {RANGE:g} of the largest",
        why="torch.empty and torch.Tensor(n, m) reserve memory and leave in it what was there. The values differ from "
        "run to run, and are sometimes all zero, so that the fault comes and goes.",
        fix=f"torch.nn.init.normal_(model.get_parameter({parameter.name!r}), std=0.02)  # or as its layer asks for",
    )


RULE = Rule("uninitialized-memory", "values that no initializer makes: what was left in memory", "values", find)
