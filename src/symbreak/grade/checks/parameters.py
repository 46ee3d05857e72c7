"""A dict W1, b1, W2, b2, ... as learners return it: is everything there, and what shapes should it have."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.grade.plan import Sizes
from symbreak.grade.subject import Foreign

Array = NDArray[Any]


def shapes_of(sizes: Sizes) -> dict[str, tuple[int, int]]:
    """Return the shape of every parameter of a network.

    >>> shapes_of((3, 4, 1))
    {'W1': (4, 3), 'b1': (4, 1), 'W2': (1, 4), 'b2': (1, 1)}
    """
    shapes = {}
    for layer, (n_in, n_out) in enumerate(itertools.pairwise(sizes), 1):
        shapes[f"W{layer}"] = (n_out, n_in)
        shapes[f"b{layer}"] = (n_out, 1)
    return shapes


def label(sizes: Sizes) -> str:
    """Return sizes for people.

    >>> label((3, 4, 1)), label((3, 4, 2, 1))
    ('n_x=3, n_h=4, n_y=1', 'layers 3-4-2-1')
    """
    if len(sizes) == 3:
        return "n_x={}, n_h={}, n_y={}".format(*sizes)
    return f"layers {'-'.join(map(str, sizes))}"


def arrays_of(value: Any, keys: Any) -> dict[str, Array] | None:
    """Return the entries of a dict as arrays of real numbers; None if one is missing or is nothing of the kind."""
    if not isinstance(value, dict):
        return None
    found = {key: array(value.get(key)) for key in keys}
    return None if any(entry is None for entry in found.values()) else found  # type: ignore[return-value]


def array(value: Any) -> Array | None:
    """Return a value as an array of real numbers, or None: lists of lists count, texts and complex numbers do not."""
    if value is None or isinstance(value, (Foreign, dict, str)):
        return None
    try:
        found = np.asarray(value)
    except (ValueError, TypeError):
        return None
    return found if found.dtype.kind in "biuf" else None


def kind(value: Any) -> str:
    """Return what a value is, in words.

    >>> kind(np.zeros((2, 3))), kind((1, 2)), kind(Foreign("matrix"))
    ('an array of shape (2, 3), float64', 'a tuple of 2', 'matrix')
    """
    if isinstance(value, Foreign):
        return value.type
    if isinstance(value, (np.ndarray, np.generic)):
        return f"an array of shape {value.shape}, {value.dtype}" if value.ndim else f"the number {value!s}"
    if isinstance(value, (list, tuple, dict)):
        keys = f": {', '.join(map(str, list(value)[:8]))}" if isinstance(value, dict) else ""
        return f"a {type(value).__name__} of {len(value)}{keys}"
    return f"{type(value).__name__} {str(value)[:40]!r}" if value is not None else "None"
