"""Activation functions as records: value, derivative, and the facts that proofs and measurements rest on."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbreak import notation
from symbreak.errors import InvalidInput, UnknownName
from symbreak.numerics import portable

Array = NDArray[np.floating[Any]]

# A region counts as flat where the slope stays below this share of the steepest slope: a gradient that passes there
# is multiplied by less than a hundredth, so that a few such layers stop it.
FLAT_SLOPE = 0.01


@dataclass(frozen=True)
class Math:
    """The elementary functions that activations and losses are made of."""

    name: str
    exp: Callable[[Array], Array]
    expm1: Callable[[Array], Array]
    tanh: Callable[[Array], Array]
    log1p: Callable[[Array], Array]
    normal_cdf: Callable[[Array], Array]


LIBRARY = Math("library", np.exp, np.expm1, np.tanh, np.log1p, portable.normal_cdf)
PORTABLE = Math("portable", portable.exp, portable.expm1, portable.tanh, portable.log1p, portable.normal_cdf)


@dataclass(frozen=True)
class FlatRegion:
    """An interval of z in which the slope is 0 (`exact`) or below `FLAT_SLOPE` of the steepest."""

    low: float
    high: float
    exact: bool


@dataclass(frozen=True)
class Activation:
    """An elementwise function g with what is known of it.

    Attributes:
        text: the name with its parameters, as `get` reads it.
        value_at_zero, slope_at_zero: g(0) and the value taken for g'(0); at a kink that is a stated choice.
        odd: g(-z) = -g(z).
        homogeneous: g(cz) = c g(z) for every c > 0.
        injective: different z give different g(z).
        kinks: where g' jumps.

    Calling the record gives g(z); `derivative(z)` gives g'(z). Both keep the shape, and the dtype of float arrays.

    >>> tanh = get("tanh")
    >>> float(tanh(0.5)) == math.tanh(0.5), float(tanh.derivative(0.0)), tanh.odd
    (True, 1.0, True)
    """

    text: str
    evaluate: Callable[[Array, Math], Array]
    slope: Callable[[Array, Array, Math], Array]
    value_at_zero: float
    slope_at_zero: float
    odd: bool = False
    homogeneous: bool = False
    injective: bool = True
    kinks: tuple[float, ...] = ()

    def __call__(self, z: ArrayLike, *, math: Math = LIBRARY) -> Array:
        """Return g(z)."""
        z = _floating(z)
        return np.asarray(self.evaluate(z, math)).astype(z.dtype, copy=False)

    def derivative(self, z: ArrayLike, value: Array | None = None, *, math: Math = LIBRARY) -> Array:
        """Return g'(z); `value`, if it is at hand, is g(z) and saves computing it again."""
        z = _floating(z)
        value = self(z, math=math) if value is None else value
        return np.asarray(self.slope(z, value, math)).astype(z.dtype, copy=False)

    @property
    def flat(self) -> tuple[FlatRegion, ...]:
        """The half lines on which the function is flat; see `FLAT_SLOPE`."""
        return _flat_regions(self)

    def __repr__(self) -> str:
        return f"Activation({self.text})"


def get(name: str | Activation) -> Activation:
    """Return the activation of that name, such as "tanh" or "leaky_relu(0.2)".

    Raises:
        UnknownName: no activation has this name; the nearest are offered.
        InvalidInput: its parameters do not fit.
    """
    if isinstance(name, Activation):
        return name
    if not isinstance(name, str):
        raise UnknownName.among("activation", name, CATALOGUE)
    made = _made(name)
    return made if made.text == name else _made(made.text)


@functools.cache
def _made(text: str) -> Activation:
    """One record for one text, so that equal activations are equal."""
    return notation.build("activation", text, CATALOGUE, aliases=ALIASES)


def identity() -> Activation:
    """g(z) = z."""
    return Activation("identity", lambda z, m: z, lambda z, a, m: np.ones_like(z), 0.0, 1.0, odd=True, homogeneous=True)


def sigmoid() -> Activation:
    """g(z) = 1 / (1 + e^-z), g' = g (1 - g)."""
    return Activation("sigmoid", _sigmoid, lambda z, a, m: a * (1 - a), 0.5, 0.25)


def tanh() -> Activation:
    """g(z) = (e^z - e^-z) / (e^z + e^-z), g' = (1 - g)(1 + g)."""
    return Activation("tanh", lambda z, m: m.tanh(z), lambda z, a, m: (1 - a) * (1 + a), 0.0, 1.0, odd=True)


def relu(slope_at_zero: float = 0.0) -> Activation:
    """g(z) = max(0, z). At 0 the derivative does not exist; frameworks take 0, and so does this unless told."""
    at_zero = _parameter("relu's g'(0)", slope_at_zero, low=0.0, high=1.0)

    def slope(z: Array, a: Array, m: Math) -> Array:
        return np.where(z > 0, 1.0, np.where(z == 0, at_zero, 0.0))

    text = notation.write("relu", (at_zero,) if at_zero else ())
    return Activation(text, _relu, slope, 0.0, at_zero, homogeneous=True, injective=False, kinks=(0.0,))


def leaky_relu(negative_slope: float = 0.01) -> Activation:
    """g(z) = z for z > 0, else `negative_slope` z; g'(0) is taken as `negative_slope`, as frameworks do."""
    c = _parameter("leaky_relu's slope", negative_slope)
    return Activation(
        notation.write("leaky_relu", () if c == 0.01 else (c,)),
        lambda z, m: np.where(z > 0, z, c * z),
        lambda z, a, m: np.where(z > 0, 1.0, c),
        0.0, c, homogeneous=True, injective=c > 0, kinks=() if c == 1 else (0.0,), odd=c == 1,
    )  # fmt: skip


def elu(alpha: float = 1.0) -> Activation:
    """g(z) = z for z > 0, else alpha (e^z - 1). Clevert et al., arXiv:1511.07289."""
    c = _parameter("elu's alpha", alpha, low=0.0)
    text = notation.write("elu", () if c == 1 else (c,))
    kinks = () if c == 1 else (0.0,)
    return replace(_exponential_linear(text, 1.0, c), kinks=kinks, injective=c > 0, homogeneous=c == 0)


# Fixed point of mean 0 and variance 1 under a unit normal input: Klambauer et al., arXiv:1706.02515, equation 14.
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def selu() -> Activation:
    """g(z) = scale (z for z > 0, else alpha (e^z - 1)), with mean 0 and variance 1 as a fixed point."""
    return _exponential_linear("selu", SELU_SCALE, SELU_ALPHA)


def gelu() -> Activation:
    """g(z) = z Phi(z), with the normal distribution function Phi itself, not its tanh stand-in. arXiv:1606.08415."""

    def slope(z: Array, a: Array, m: Math) -> Array:
        return m.normal_cdf(z) + z * m.exp(-0.5 * z * z) * (1 / math.sqrt(2 * math.pi))

    return Activation("gelu", lambda z, m: z * m.normal_cdf(z), slope, 0.0, 0.5, injective=False)


def silu() -> Activation:
    """g(z) = z sigmoid(z), also called swish. arXiv:1606.08415, 1702.03118."""

    def slope(z: Array, a: Array, m: Math) -> Array:
        s = _sigmoid(z, m)
        return s * (1 + z * (1 - s))

    return Activation("silu", lambda z, m: z * _sigmoid(z, m), slope, 0.0, 0.5, injective=False)


def softplus() -> Activation:
    """g(z) = log(1 + e^z), g' = sigmoid."""
    return Activation("softplus", _softplus, lambda z, a, m: _sigmoid(z, m), math.log(2), 0.5)


def mish() -> Activation:
    """g(z) = z tanh(softplus(z)). Misra, arXiv:1908.08681."""

    def slope(z: Array, a: Array, m: Math) -> Array:
        t = m.tanh(_softplus(z, m))
        return t + z * _sigmoid(z, m) * ((1 - t) * (1 + t))

    return Activation("mish", lambda z, m: z * m.tanh(_softplus(z, m)), slope, 0.0, 0.6, injective=False)


CATALOGUE: dict[str, Callable[..., Activation]] = {
    make.__name__: make for make in (identity, sigmoid, tanh, relu, leaky_relu, elu, selu, gelu, silu, softplus, mish)
}
ALIASES = {"linear": "identity", "swish": "silu", "logistic": "sigmoid"}


def _floating(z: ArrayLike) -> Array:
    array = np.asarray(z)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _parameter(what: str, value: float, low: float = -math.inf, high: float = math.inf) -> float:
    if isinstance(value, (int, float)) and math.isfinite(value) and low <= value <= high:
        return float(value)
    bounds = (
        "a finite number"
        + (f" >= {low:g}" if low > -math.inf else "")
        + (f" and <= {high:g}" if high < math.inf else "")
    )
    raise InvalidInput(f"{what} must be {bounds}", got=value, allowed=bounds, hint="leave it out for the usual value")


def _sigmoid(z: Array, m: Math) -> Array:
    # Only e^-|z| is ever formed, so nothing overflows.
    e = m.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


def _relu(z: Array, m: Math) -> Array:
    return np.maximum(z, 0)


def _softplus(z: Array, m: Math) -> Array:
    return np.maximum(z, 0) + m.log1p(m.exp(-np.abs(z)))


def _exponential_linear(text: str, scale: float, alpha: float) -> Activation:
    def value(z: Array, m: Math) -> Array:
        return scale * np.where(z > 0, z, alpha * m.expm1(np.minimum(z, 0)))

    def slope(z: Array, a: Array, m: Math) -> Array:
        return np.where(z > 0, scale, a + scale * alpha)

    return Activation(text, value, slope, 0.0, scale * alpha, kinks=(0.0,))


@functools.cache
def _flat_regions(activation: Activation) -> tuple[FlatRegion, ...]:
    # Every catalogued slope has settled at its limit well within |z| = 40; the grid holds each end of each region.
    grid = np.linspace(-40.0, 40.0, 160_001)
    slopes = np.abs(activation.derivative(grid))
    bound = FLAT_SLOPE * float(slopes.max())
    steep = np.flatnonzero(slopes >= bound)
    regions = []
    if steep[0] > 0:
        exact = not slopes[: steep[0]].any() and bool(slopes[0] == 0) and activation.kinks != ()
        high = _crossing(activation, bound, float(grid[steep[0] - 1]), float(grid[steep[0]]))
        regions.append(FlatRegion(-math.inf, high, exact))
    if steep[-1] < grid.size - 1:
        low = _crossing(activation, bound, float(grid[steep[-1] + 1]), float(grid[steep[-1]]))
        regions.append(FlatRegion(low, math.inf, False))
    return tuple(regions)


def _crossing(activation: Activation, bound: float, flat: float, steep: float) -> float:
    """Bisect to the last point that is flat."""
    for _ in range(60):
        middle = 0.5 * (flat + steep)
        if abs(float(activation.derivative(middle))) < bound:
            flat = middle
        else:
            steep = middle
    return flat
