"""Gains of a plan: critical ones for deep plain stretches, and those of functions that no catalogue knows."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from symbreak import initializers, numerics
from symbreak.errors import SymbreakError
from symbreak.numerics import activations

Array = NDArray[Any]

# The gradient's mean square may change by this factor (e) over a whole stretch; published nets train far beyond it.
DRIFT = 1.0
# Mean squares of what enters an activation, tried from the largest: below the last, any smooth one is a straight line.
SQUARES = tuple(np.geomspace(1.0, 1e-3, 61).tolist())

# Pairs g(z) -+ g(-z) are compared with a straight line, or with a constant, here; rounding in float64 is far below.
POINTS = np.linspace(0.1, 6.0, 13)
TOLERANCE = 1e-9

# What the catalogue of activations lacks, with the constants that PyTorch uses unless told otherwise.
MORE: dict[str, Callable[[Array], Array]] = {
    "relu6": lambda z: np.clip(z, 0, 6),
    "hardtanh": lambda z: np.clip(z, -1, 1),
    "hardswish": lambda z: z * np.clip(z + 3, 0, 6) / 6,
    "log_sigmoid": lambda z: -np.logaddexp(0, -z),
    "prelu": lambda z: np.where(z > 0, z, 0.25 * z),
    "glu": lambda z: 1 / (1 + np.exp(-z)),
    "sin": np.sin,
    "cos": np.cos,
}

HARD_SIGMOID = activations.Activation(
    "hardsigmoid",
    lambda z, m: np.clip(z + 3, 0, 6) / 6,
    lambda z, a, m: np.where(np.abs(z) < 3, 1 / 6, 0.0),
    0.5,
    1 / 6,
    injective=False,
    kinks=(-3.0, 3.0),
)


@dataclass(frozen=True)
class Gain:
    """A gain, and the mean square that the activation's input keeps with it, layer after layer."""

    value: float
    square: float = 1.0


@functools.cache
def critical(name: str, depth: int) -> Gain | None:
    """Return the gain for a plain stretch of `depth` layers with this activation; None if none can be derived.

    With weights of variance gain^2 / fan_in, the mean square q of what enters the activation g is kept where

        gain^2 = q / E g(sqrt(q) z)^2,    z ~ N(0, 1),

    and the gradient's mean square is multiplied per layer by chi = gain^2 E g'(sqrt(q) z)^2. The largest q <= 1 is
    taken for which chi <= 1 + 1/depth, so that the gradient's mean square grows by e at most: the edge of chaos,
    approached as the stretch gets deeper (Poole et al., arXiv:1606.05340; Schoenholz et al., arXiv:1611.01232). For
    homogeneous activations chi = 1 at any q, and it is He's gain.

    >>> critical("relu", 30).value == critical("relu", 2).value, round(critical("relu", 2).value ** 2, 9)
    (True, 2.0)
    >>> round(critical("tanh", 2).value, 2), round(critical("tanh", 50).value, 2)
    (1.59, 1.14)
    """
    known = _known(name)
    if known is None:
        value = _other(MORE[name]) if name in MORE else None
        return None if value is None else Gain(value)
    return _critical(known, depth)


def _critical(known: activations.Activation, depth: int) -> Gain:
    if known.homogeneous:
        return Gain(initializers.gain(known))
    for square in SQUARES:
        gain, chi = _fixed(known, square)
        if chi <= 1 + DRIFT / depth:
            return Gain(gain, square)
    return Gain(initializers.gain(known))


@functools.cache
def paired(name: str, depth: int) -> Gain | None:
    """Return the gain for a weight that reads g(z) - g(-z); None if nothing is gained by such pairs.

    Where that is a straight line s z, it is 1/s. Where g is odd but for a constant, as sigmoid is, the constant, which
    all samples share, cancels, and the gain is the critical one of what is left: of tanh(z/2) for sigmoid.

    >>> paired("relu", 9), paired("leaky_relu(0.5)", 9).value, paired("tanh", 9)
    (Gain(value=1.0, square=1.0), 0.6666666666666666, None)
    >>> round(paired("sigmoid", 9).value, 2)
    2.4
    """
    known = _known(name)
    if known is None:
        return None
    slopes = (known(POINTS) - known(-POINTS)) / POINTS
    if np.ptp(slopes) <= TOLERANCE and slopes[0] > 0:
        return Gain(1 / round(float(slopes[0]), 12))
    return _critical(_odd_part(known), depth) if _is_shifted(known) else None


@functools.cache
def centred(name: str, depth: int) -> Gain | None:
    """Return the critical gain of an activation less the constant but for which it is odd; None if there is none.

    >>> round(centred("sigmoid", 9).value, 2), centred("tanh", 9), centred("relu", 9)
    (4.8, None, None)
    """
    known = _known(name)
    if known is None or not _is_shifted(known):
        return None
    pair = _critical(_odd_part(known), depth)
    return Gain(2 * pair.value, pair.square)


def _known(name: str) -> activations.Activation | None:
    try:
        return HARD_SIGMOID if name == HARD_SIGMOID.text else activations.get(name)
    except SymbreakError:
        return None


def _is_shifted(known: activations.Activation) -> bool:
    """Tell whether g(z) + g(-z) is the same for all z, and not zero."""
    sums = known(POINTS) + known(-POINTS)
    return bool(np.ptp(sums) <= TOLERANCE < abs(sums[0]))


def _odd_part(known: activations.Activation) -> activations.Activation:
    """Return g(z) - g(-z)."""
    return activations.Activation(
        f"odd part of {known.text}",
        lambda z, m: known(z, math=m) - known(-z, math=m),
        lambda z, a, m: known.derivative(z, math=m) + known.derivative(-z, math=m),
        0.0,
        2 * known.slope_at_zero,
        odd=True,
        kinks=known.kinks,
    )


def _fixed(known: activations.Activation, square: float) -> tuple[float, float]:
    """Return the gain that keeps this mean square, and the factor of the gradient's mean square."""
    size = numerics.expectation(lambda z: known(z) ** 2, std=math.sqrt(square), kinks=known.kinks)
    slope = numerics.expectation(lambda z: known.derivative(z) ** 2, std=math.sqrt(square), kinks=known.kinks)
    return math.sqrt(square / size), square / size * slope


def of_module(module: nn.Module) -> float | None:
    """Return the gain of a module that computes something entry by entry; None if it does not."""

    def value(z: Array) -> Array:
        with torch.no_grad():
            return np.asarray(module(torch.as_tensor(z, dtype=torch.float64)).numpy())

    return _other(value)


def _other(function: Callable[[Array], Array]) -> float | None:
    try:
        return initializers.gain(function)
    except (SymbreakError, RuntimeError, TypeError, ValueError):
        return None


def orthogonal(gain: float, rows: int, columns: int) -> float:
    """Return the factor of a matrix with orthonormal rows or columns whose entries have variance gain^2 / columns.

    >>> orthogonal(1.0, 4, 16), orthogonal(1.0, 16, 4)
    (1.0, 2.0)
    """
    return gain * math.sqrt(max(1.0, rows / columns))
