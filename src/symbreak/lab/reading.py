"""Reading values that came from outside: each is what it must be, or refused in a sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.errors import InvalidInput

# What a message quotes of a value that it refuses.
QUOTED = 80


def refused(rule: str, got: object, allowed: str, hint: str) -> InvalidInput:
    """Return the error, with a long value cut short."""
    text = got if isinstance(got, str) else repr(got)
    return InvalidInput(rule, got=text if len(text) <= QUOTED else f"{text[:QUOTED]}...", allowed=allowed, hint=hint)


def mapping(value: Any, what: str, known: Sequence[str]) -> Mapping[str, Any]:
    """Return a JSON object that has known keys only."""
    if not isinstance(value, dict):
        raise refused(f"{what} is a JSON object", type(value).__name__, "an object", "{}")
    unknown = [key for key in value if key not in known]
    if unknown:
        raise refused(f"{what} has a key that nobody knows", unknown[0], ", ".join(known), known[0])
    return value


def listed(value: Any, what: str, *, most: int, least: int = 0) -> list[Any]:
    """Return a list of a bounded length."""
    if not isinstance(value, list) or not least <= len(value) <= most:
        got = f"{len(value)} of them" if isinstance(value, list) else type(value).__name__
        raise refused(
            f"{what} is a list of {least} to {most}", got, f"{least} to {most}", "one less" if least else "[]"
        )
    return value


def whole(value: Any, what: str, low: int, high: int) -> int:
    """Return a whole number in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise refused(
            f"{what} is a whole number", _shortened(value), f"a whole number from {low:,} to {high:,}", str(max(low, 1))
        )
    return value


def real(value: Any, what: str, low: float, high: float) -> float:
    """Return a finite number in [low, high]."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not low <= value <= high or not math.isfinite(value):
        raise refused(f"{what} is a number", _shortened(value), f"a number from {low:g} to {high:g}", f"{high:g}")
    return float(value)


def flag(value: Any, what: str) -> bool:
    """Return a yes or no."""
    if not isinstance(value, bool):
        raise refused(f"{what} is a yes or no", _shortened(value), "true or false", "true")
    return value


def text(value: Any, what: str, *, most: int) -> str:
    """Return a text of at most so many characters."""
    if not isinstance(value, str) or len(value) > most:
        got = f"{len(value)} characters" if isinstance(value, str) else type(value).__name__
        raise refused(f"{what} is a text", got, f"at most {most} characters", "a shorter one")
    return value


def choice(value: Any, what: str, known: Sequence[str]) -> str:
    """Return one of the known names."""
    if not isinstance(value, str) or value not in known:
        raise refused(f"{what} is one of a list", _shortened(value), ", ".join(known), known[0])
    return value


def matrix(value: Any, what: str, *, rows: int, columns: int, largest: float) -> NDArray[np.float64]:
    """Return rows of numbers, all of one length, (1 to `rows`, 1 to `columns`)."""
    lines = listed(value, what, least=1, most=rows)
    width = len(lines[0]) if isinstance(lines[0], list) else 0
    for line in lines:
        if len(listed(line, f"a row of {what}", least=1, most=columns)) != width:
            raise refused(f"the rows of {what} are of one length", f"{len(line)} and {width}", str(width), "[[0, 1]]")
    return np.array([[real(x, f"an entry of {what}", -largest, largest) for x in line] for line in lines])


def _shortened(value: Any) -> str:
    """A number of a million digits is not written out."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > QUOTED:
        return f"a number of {value.bit_length()} bits"
    return repr(value) if isinstance(value, (int, float, str, type(None))) else type(value).__name__
