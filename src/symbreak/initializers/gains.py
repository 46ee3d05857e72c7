"""Gains: by what factor the weights after an activation must be larger to keep the signal's size."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak import numerics
from symbreak.errors import InvalidInput, UnknownName
from symbreak.numerics import Activation, activations

Array = NDArray[np.floating[Any]]
KINDS = ("second-moment", "centred", "backward")


def gain(activation: str | Activation | Callable[[Array], Array], *, kind: str = "second-moment") -> float:
    """Return the gain of an activation g under z ~ N(0, 1).

    | kind | gain | keeps |
    |---|---|---|
    | second-moment | 1 / sqrt(E g(z)^2) | the mean square going forward (He et al., arXiv:1502.01852) |
    | centred | 1 / sqrt(Var g(z)) | the variance going forward |
    | backward | 1 / sqrt(E g'(z)^2) | the mean square of the gradient going backward |

    A weight of variance gain^2 / fan_in after a layer of unit normal pre-activations makes unit pre-activations again.
    Where published tables differ from these numbers (5/3 for tanh, 1 for sigmoid) they are conventions.

    Args:
        activation: a name, a record, or any function of an array or of a number (forward kinds only: it has no
            derivative here).
        kind: one of the above.

    Raises:
        InvalidInput: the expectation is 0 or not finite, so that no gain exists.

    >>> round(gain("relu") ** 2, 12), round(gain(lambda z: abs(z)), 12)
    (2.0, 1.0)
    """
    if kind not in KINDS:
        raise UnknownName.among("kind of gain", kind, KINDS)
    known = activations.get(activation) if isinstance(activation, (str, Activation)) else None
    kinks = known.kinks if known else ()
    g = _function(activation, known, kind)
    mean = numerics.expectation(g, kinks=kinks) if kind == "centred" else 0.0
    size = numerics.expectation(lambda z: (g(z) - mean) ** 2, kinks=kinks)
    if size > 0:
        return 1 / math.sqrt(size)
    raise InvalidInput(
        "an activation needs some spread to have a gain",
        got=f"{activation}: expectation {size}",
        allowed="a function that is not 0 (or constant) almost everywhere",
        hint="relu",
    )


def _function(activation: Any, known: Activation | None, kind: str) -> Callable[[Array], Array]:
    if kind == "backward":
        if known is None:
            raise InvalidInput(
                "a backward gain needs the derivative",
                got="a plain function",
                allowed="the name of an activation, or its record",
                hint="gain(derivative), with the derivative as the function",
            )
        return known.derivative
    if known is not None:
        return known
    if callable(activation):
        return _elementwise(activation)
    raise UnknownName.among("activation", activation, activations.CATALOGUE)


def _elementwise(function: Callable[..., Any]) -> Callable[[Array], Array]:
    """Return a function of arrays, also where the user's knows single numbers only, such as `math.tanh`."""
    probe = np.array([-1.0, 0.5, 2.0])
    for candidate in (function, np.vectorize(function, otypes=[np.float64])):
        try:
            if np.shape(candidate(probe)) == probe.shape:
                return lambda z, chosen=candidate: np.asarray(chosen(z), np.float64)  # type: ignore[misc]
        except (TypeError, ValueError):
            continue
    raise InvalidInput(
        "an activation maps a number to a number, or an array to an array of its shape",
        got=f"{getattr(function, '__name__', function)!s}",
        allowed="such as np.tanh, math.tanh or lambda z: max(0, z)",
        hint="lambda z: np.maximum(z, 0)",
    )
