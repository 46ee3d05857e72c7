"""Expectations under a normal distribution, exact to rounding also for functions with kinks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.errors import InvalidInput

Array = NDArray[np.floating[Any]]

# Beyond 14 standard deviations the normal density is below 2^-143 of its peak.
REACH = 14.0
# A panel is accepted where halving it changes its share by less than this, or by rounding only.
TOLERANCE = 1e-15
DEPTH = 60
# A function that keeps so many panels open does not settle: it is rough everywhere, or its integral is infinite. What
# is still open may then change the total by this share at most, which lets functions through that compute in float32.
MOST_PANELS = 2**12
ROUGH = 1e-6
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)


def expectation(
    f: Callable[[Array], Array], *, mean: float = 0.0, std: float = 1.0, kinks: Iterable[float] = ()
) -> float:
    """Return E f(z) for z ~ N(mean, std^2).

    Gauss-Legendre quadrature on panels that are halved until halving changes nothing. Panels are cut at `kinks`
    (places, in z, where f or a derivative of it jumps); a kink that is not named is found by the halving.

    Args:
        f: takes and returns an array.
        mean: any finite number.
        std: a finite number >= 0; at 0 the answer is f(mean).
        kinks: where to cut.

    Raises:
        InvalidInput: a bad mean or std, f is not finite where it is needed, or the expectation does not settle.

    >>> round(expectation(lambda z: np.maximum(z, 0) ** 2), 12)
    0.5
    """
    _check(mean, std)
    if std == 0:
        return _checked(float(np.asarray(f(np.array([mean])), np.float64)[0]), mean)
    inner = [(k - mean) / std for k in kinks]

    def weighted(t: Array) -> Array:
        return np.asarray(f(mean + std * t), np.float64) * density(t)

    value = _checked(integral(weighted, -REACH, REACH, kinks=inner), mean)
    _check_tails(weighted(np.array([-REACH, REACH])), value)
    return value


def density(t: Array, peak: float = 0.0) -> Array:
    """Return the standard normal density; given a `peak`, its ratio to the density there, free of underflow."""
    scale = 1 / math.sqrt(2 * math.pi) if peak == 0.0 else 1.0
    return np.asarray(scale * np.exp(-0.5 * (t - peak) * (t + peak)))


def integral(f: Callable[[Array], Array], low: float, high: float, *, kinks: Iterable[float] = ()) -> float:
    """Return the integral of f over [low, high] by Gauss-Legendre panels, halved until halving changes nothing.

    >>> round(integral(np.abs, -1.0, 1.0), 12)
    1.0
    """
    inner = [k for k in kinks if low < k < high]
    edges = np.unique(np.concatenate([np.linspace(low, high, 17), inner]))
    return math.fsum(_integrate(f, edges[:-1], edges[1:]))


def _integrate(f: Callable[[Array], Array], low: Array, high: Array) -> list[float]:
    """Return the integrals over accepted panels; the others are halved together, level by level."""
    parts: list[float] = []
    whole = _panels(f, low, high)
    for level in range(DEPTH):
        middle = 0.5 * (low + high)
        left, right = _panels(f, low, middle), _panels(f, middle, high)
        halved = left + right
        done = ~(np.abs(halved - whole) > TOLERANCE * np.maximum(1.0, np.abs(halved)))
        parts.extend(halved[done].tolist())
        if done.all():
            return parts
        open_ = ~done
        if level == DEPTH - 1 or open_.sum() > MOST_PANELS:
            return _settled(parts, whole[open_], halved[open_])
        low, high = np.concatenate([low[open_], middle[open_]]), np.concatenate([middle[open_], high[open_]])
        whole = np.concatenate([left[open_], right[open_]])
    raise AssertionError("the last level returns")


def _settled(parts: list[float], whole: Array, halved: Array) -> list[float]:
    """Accept the open panels if halving them has stopped to matter for the total."""
    total = abs(math.fsum(parts)) + float(np.abs(halved).sum())
    if float(np.abs(halved - whole).sum()) <= ROUGH * total:
        return [*parts, *halved.tolist()]
    raise InvalidInput(
        "the expectation must exist and settle",
        got=f"halving {len(whole)} panels still changes the integral",
        allowed="a deterministic function whose expectation is finite",
        hint="tanh, or a lambda such as lambda z: z * z",
    )


def _panels(f: Callable[[Array], Array], low: Array, high: Array) -> NDArray[np.float64]:
    half = 0.5 * (high - low)
    points = (low + half)[:, None] + half[:, None] * _NODES
    return np.asarray(half * (f(points) * _WEIGHTS).sum(axis=1), np.float64)


def _check(mean: float, std: float) -> None:
    if not (math.isfinite(mean) and math.isfinite(std) and std >= 0):
        raise InvalidInput(
            "a normal distribution needs a finite mean and a finite standard deviation that is not negative",
            got=f"mean={mean}, std={std}",
            allowed="finite mean, std >= 0",
            hint="mean=0, std=1",
        )


def _check_tails(ends: Array, value: float) -> None:
    """Refuse a function that grows faster than the density falls: what lies beyond the reach would matter."""
    if not float(np.abs(ends).max()) <= ROUGH * max(abs(value), float(np.finfo(np.float64).tiny)):
        raise InvalidInput(
            "the function must grow slower than the density falls, or the expectation is infinite",
            got=f"{float(np.abs(ends).max()):.3g} at {REACH:g} standard deviations",
            allowed="a function whose expectation is finite",
            hint="tanh, or a lambda such as lambda z: z * z",
        )


def _checked(value: float, mean: float) -> float:
    if math.isfinite(value):
        return value
    raise InvalidInput(
        "the function must be finite on the real line, and so must its expectation",
        got=f"E f(z) = {value} around {mean:g}",
        allowed="a function that maps arrays of numbers to arrays of finite numbers",
        hint="tanh, or a lambda such as lambda z: z * z",
    )
