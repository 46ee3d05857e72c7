"""Whether two arrays are the same but for rounding, also if float32 was used on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

ROUNDINGS = 2**10
"""More roundings than any of the sums and products here is made of: they have at most some hundred terms."""

TOLERANCE = ROUNDINGS * float(np.finfo(np.float32).eps) / 2
"""Of the largest entry. Learners may compute in float32; the mistakes looked for are thousands of times larger."""


def close(found: Array, right: Array) -> bool:
    """Return whether found is right: of the same shape, and every entry within `TOLERANCE` of the largest.

    >>> close(np.array([1.0, 2.0]), np.array([1.0, 2.00001])), close(np.array([1.0, 2.0]), np.array([1.0, 2.01]))
    (True, False)
    """
    if np.shape(found) != np.shape(right):
        return False
    return bool(distance(found, right) <= TOLERANCE)


def distance(found: Array, right: Array) -> float:
    """Return the largest difference, as a share of the largest right entry (of 1, if that is smaller than 1e-3)."""
    with np.errstate(all="ignore"):
        difference = np.abs(np.asarray(found, dtype=np.float64) - right)
    if not np.isfinite(difference).all():
        return float("inf")
    largest = float(np.max(np.abs(right), initial=0.0))
    return float(difference.max(initial=0.0)) / (largest if largest > 1e-3 else 1.0)


def ratio(found: Array, right: Array) -> float | None:
    """Return the number that found is a multiple of right by, if there is one.

    >>> ratio(np.array([2.0, 4.0]), np.array([1.0, 2.0]))
    2.0
    """
    f, r = np.asarray(found, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if f.shape != r.shape or not np.isfinite(f).all() or not np.any(r):
        return None
    factor = float((f * r).sum() / (r * r).sum())
    return factor if factor and close(f / factor, r) else None


def first_difference(found: Array, right: Array) -> tuple[str, str]:
    """Return the right and the found entry where they differ most, in words."""
    with np.errstate(all="ignore"):
        difference = np.nan_to_num(np.abs(np.asarray(found, dtype=np.float64) - right), nan=np.inf)
    place = tuple(int(i) for i in np.unravel_index(int(np.argmax(difference)), difference.shape))
    return f"{float(right[place]):.6g} at {list(place)}", f"{float(np.asarray(found)[place]):.6g}"
