"""Activations and losses in interval arithmetic, from their definitions: for counterexamples that are proofs."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from symbreak import notation
from symbreak.diagnosis.symmetry.intervals import DOWN, ONE, ZERO, Interval
from symbreak.numerics.activations import CATALOGUE, SELU_ALPHA, SELU_SCALE, Activation

Function = Callable[[Interval], Interval]
Numbers = NDArray[np.object_]

PI = Interval(
    Decimal("3.14159265358979323846264338327950288419716939937510582097494459"),
    Decimal("3.14159265358979323846264338327950288419716939937510582097494460"),
)


def of(activation: Activation) -> tuple[Function, Function] | None:
    """Return g and g' on intervals; None for an activation that is not of the catalogue."""
    call = notation.parse(activation.text)
    known = CATALOGUE.get(call.name)
    if known is None or known(*call.arguments).evaluate.__code__ is not activation.evaluate.__code__:
        return None
    if call.name in ("relu", "leaky_relu", "elu", "selu"):
        return _two_sided(call.name, [float(value) for value in call.arguments], activation.slope_at_zero)
    return SMOOTH[call.name]


def sigmoid(z: Interval) -> Interval:
    """1 / (1 + e^-z)."""
    return ONE / (ONE + (-z).exp())


def tanh(z: Interval) -> Interval:
    """1 - 2 / (1 + e^2z)."""
    return ONE - 2 / (ONE + (z + z).exp())


def softplus(z: Interval) -> Interval:
    """log(1 + e^z)."""
    return (ONE + z.exp()).log()


def normal_cdf(z: Interval) -> Interval:
    """Phi: increasing, so that its values at the ends bound it."""
    low, high = _cdf(Interval(z.low, z.low)), _cdf(Interval(z.high, z.high))
    return Interval(low.low, high.high)


def _cdf(z: Interval) -> Interval:
    """Phi(z) = 1/2 + density(z) (z + z^3/3 + z^5/(3 5) + ...); all terms have one sign, a geometric series bounds the
    rest.
    """
    if z.high < 0:
        return ONE - _cdf(-z)
    if z.low > 16:
        return Interval(DOWN.subtract(Decimal(1), Decimal("1e-50")), Decimal(1))
    term, total, odd = z, z, 1
    square = z * z
    while odd < 2 * square.high + 3 or term.high > Decimal("1e-70"):
        odd += 2
        term = term * square / odd
        total = total + term
    # From here on each term is at most half of the one before.
    return Interval.of(0.5) + density(z) * (total + ZERO.hull(term))


def density(z: Interval) -> Interval:
    """The unit normal density."""
    return (-(z * z) / 2).exp() / (2 * PI).sqrt()


def _mish_slope(z: Interval) -> Interval:
    t = tanh(softplus(z))
    return t + z * sigmoid(z) * ((ONE - t) * (ONE + t))


def _sigmoid_slope(z: Interval) -> Interval:
    return sigmoid(z) * sigmoid(-z)


SMOOTH: dict[str, tuple[Function, Function]] = {
    "identity": (lambda z: z, lambda z: ONE),
    "sigmoid": (sigmoid, _sigmoid_slope),
    "tanh": (tanh, lambda z: (ONE - tanh(z)) * (ONE + tanh(z))),
    "gelu": (lambda z: z * normal_cdf(z), lambda z: normal_cdf(z) + z * density(z)),
    "silu": (lambda z: z * sigmoid(z), lambda z: sigmoid(z) * (ONE + z * sigmoid(-z))),
    "softplus": (softplus, sigmoid),
    "mish": (lambda z: z * tanh(softplus(z)), _mish_slope),
}


def _two_sided(name: str, arguments: list[float], slope_at_zero: float) -> tuple[Function, Function]:
    """One formula for z > 0 and one for z < 0; where the sign is not sure, both count."""
    scale = Interval.of(SELU_SCALE if name == "selu" else 1.0)
    if name in ("relu", "leaky_relu"):
        leak = Interval.of(0.0 if name == "relu" else arguments[0] if arguments else 0.01)
        below: Function = lambda z: leak * z  # noqa: E731
        slope_below: Function = lambda z: leak  # noqa: E731
    else:
        alpha = scale * Interval.of(SELU_ALPHA if name == "selu" else arguments[0] if arguments else 1.0)
        below = lambda z: alpha * (z.exp() - 1)  # noqa: E731
        slope_below = lambda z: alpha * z.exp()  # noqa: E731
    at_zero = Interval.of(slope_at_zero)
    value = _by_sign(lambda z: scale * z, below, ZERO)
    return value, _by_sign(lambda z: scale, slope_below, at_zero)


def _by_sign(above: Function, below: Function, at_zero: Interval) -> Function:
    def function(z: Interval) -> Interval:
        if z.low > 0:
            return above(z)
        if z.high < 0:
            return below(z)
        if z.low == z.high:
            return at_zero
        high, low = Interval(Decimal(0), max(z.high, Decimal(0))), Interval(min(z.low, Decimal(0)), Decimal(0))
        return above(high).hull(below(low)).hull(at_zero)

    return function


def loss_gradient(text: str, z: Numbers, y: Numbers) -> Numbers:
    """dl/dz of a loss of the catalogue, (n_y, m)."""
    if text == "squared-error":
        return np.asarray(z - y)
    if text == "squared-error(sigmoid)":
        return np.asarray((each(sigmoid, z) - y) * each(_sigmoid_slope, z))
    if z.shape[0] == 1:
        return np.asarray(each(sigmoid, z) - y)
    # e^(z_k) / sum e^(z_j) = 1 / sum e^(z_j - z_k) overflows nowhere that matters and keeps the ends close.
    rows = [1 / each(Interval.exp, z - z[k]).sum(0) for k in range(z.shape[0])]
    return np.asarray(np.array(rows, object) - y)


def each(function: Function, values: Numbers) -> Numbers:
    """Apply a function to every entry."""
    return np.asarray(np.frompyfunc(function, 1, 1)(values))
