"""The edge of chaos: the spread of weights at which a deep network neither forgets nor tears apart its inputs."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from scipy.optimize import brentq

from symbreak.errors import InvalidInput
from symbreak.numerics import Activation, activations, expectation

# A variance as good as none: slopes at its root and at 0 agree to rounding.
NONE = 1e-34
# Fixed points of the variance are looked for in this range, in steps of a quarter of a power of ten.
LEAST, MOST = 1e-6, 1e6
# A fixed point is left or kept by a push of this share.
PUSH = 0.01


def critical_gain(activation: str | Activation, bias_std: float = 0.0) -> float | None:
    """Return the gain at the edge of chaos: sigma_w, with weights of variance sigma_w^2 / fan_in.

    In a wide network with zero-mean weights and biases of standard deviation `bias_std`, pre-activations of layer
    after layer have variances q := sigma_w^2 E g(sqrt(q) z)^2 + bias_std^2, z ~ N(0, 1). At a fixed point q* of this
    map, two nearby inputs, and gradients on their way back, grow from layer to layer by

        chi = sigma_w^2 E g'(sqrt(q*) z)^2

    The edge is where chi = 1: below, inputs become one and gradients vanish; above, they are torn apart and explode.
    For homogeneous g (relu) chi does not depend on q, so it is 1 / sqrt(E g'^2) with whatever biases.

    Returns None if no fixed point at which the variance would stay has chi = 1.

    Raises `InvalidInput` for a negative or infinite `bias_std`.

    >>> critical_gain("tanh"), round(critical_gain("relu") ** 2, 12)
    (1.0, 2.0)
    >>> round(critical_gain("tanh", bias_std=0.05 ** 0.5) ** 2, 2)
    1.76

    Source: B. Poole et al., arXiv:1606.05340; S. Schoenholz et al., arXiv:1611.01232.
    """
    if not (math.isfinite(bias_std) and bias_std >= 0):
        raise InvalidInput("a standard deviation is not negative", got=bias_std, allowed="numbers >= 0", hint="0.1")
    return _critical(activations.get(activation), float(bias_std))


@cache
def _critical(g: Activation, bias_std: float) -> float | None:
    if g.homogeneous:
        return 1 / math.sqrt(_slope(g, 1.0))
    if bias_std == 0 and g.value_at_zero == 0 and _slope(g, NONE) > 0 and _stays(g, NONE, 1e-4, 0.0):
        return 1 / math.sqrt(_slope(g, NONE))
    grid = np.geomspace(LEAST, MOST, 49)
    excess = [_excess(g, q, bias_std) for q in grid]
    for i in range(1, len(grid)):
        if excess[i - 1] < 0 <= excess[i]:
            found = brentq(lambda log_q: _excess(g, math.exp(log_q), bias_std), *np.log(grid[i - 1 : i + 1]))
            q = math.exp(float(found))
            if _stays(g, q, q * (1 + PUSH), bias_std):
                return 1 / math.sqrt(_slope(g, q))
    return None


def _excess(g: Activation, q: float, bias_std: float) -> float:
    """Return q less what the map makes of it with the gain of chi = 1: 0 at a fixed point."""
    return q - _square(g, q) / _slope(g, q) - bias_std**2


def _stays(g: Activation, q: float, pushed: float, bias_std: float) -> bool:
    """Tell whether the map, with the gain of chi = 1 at q, does not lead a larger variance further away."""
    after = _square(g, pushed) / _slope(g, q) + bias_std**2
    return after <= pushed * (1 + 1e-12)


def _square(g: Activation, q: float) -> float:
    return expectation(lambda z: g(z) ** 2, std=math.sqrt(q), kinks=g.kinks)


def _slope(g: Activation, q: float) -> float:
    return expectation(lambda z: g.derivative(z) ** 2, std=math.sqrt(q), kinks=g.kinks)
