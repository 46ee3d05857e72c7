"""What an initializer promises about the numbers it makes, as data."""

from __future__ import annotations

import math
from dataclasses import dataclass

from symbreak.notation import number
from symbreak.numerics import gaussian


@dataclass(frozen=True)
class Law:
    """The distribution of one entry of a tensor.

    Where entries differ by position (an identity, a sparse pattern) it is that of an entry at a random position.

    Attributes:
        family: "constant", "normal", "uniform", "truncated normal", "orthogonal", ...
        mean, variance: of an entry.
        low, high: the support; entries lie within, ends included.
        formula: the law in symbols.
        scale: of a (truncated) normal, the standard deviation before truncation.
    """

    family: str
    mean: float
    variance: float
    low: float
    high: float
    formula: str
    scale: float | None = None

    @property
    def std(self) -> float:
        """The standard deviation of an entry."""
        return math.sqrt(self.variance)


def constant(value: float) -> Law:
    """Every entry is `value`."""
    return Law("constant", value, 0.0, value, value, f"w = {number(value)}")


def normal(mean: float, scale: float, formula: str) -> Law:
    """N(mean, scale^2), not truncated."""
    return Law("normal", mean, scale * scale, -math.inf, math.inf, formula, scale)


def uniform(low: float, high: float, formula: str) -> Law:
    """U[low, high)."""
    return Law("uniform", (low + high) / 2, (high - low) ** 2 / 12, low, high, formula)


def truncated_normal(mean: float, scale: float, low: float, high: float, formula: str) -> Law:
    """N(mean, scale^2) cut to [mean + low scale, mean + high scale]."""
    centre, variance = truncated_moments(low, high)
    return Law(
        "truncated normal",
        mean + scale * centre,
        scale * scale * variance,
        mean + scale * low,
        mean + scale * high,
        formula,
        scale,
    )


def entries(family: str, values: tuple[tuple[float, float], ...], formula: str) -> Law:
    """Law of an entry at a random position of a fixed pattern: pairs of (value, share of the entries)."""
    mean = math.fsum(value * share for value, share in values)
    variance = math.fsum(share * (value - mean) ** 2 for value, share in values)
    present = [value for value, share in values if share > 0] or [0.0]
    return Law(family, mean, variance, min(present), max(present), formula)


def truncated_moments(low: float, high: float) -> tuple[float, float]:
    """Return mean and variance of a standard normal cut to [low, high].

    Computed by quadrature relative to the density's peak in the interval, so that far tails lose no digits.

    >>> mean, variance = truncated_moments(-2, 2)
    >>> mean, round(math.sqrt(variance), 12)
    (0.0, 0.879625661034)
    """
    peak = min(max(low, 0.0), high)
    low, high = max(low, peak - 40.0), min(high, peak + 40.0)
    mass, first, second = (_moment(n, peak, low, high) for n in range(3))
    offset = first / mass
    centre = peak + offset
    return (0.0 if low == -high else centre), second / mass - offset * offset


def _moment(n: int, peak: float, low: float, high: float) -> float:
    """Return the integral of (t - peak)^n times the density relative to that at the peak."""
    return gaussian.integral(lambda t: (t - peak) ** n * gaussian.density(t, peak), low, high)
