"""Rules whose entries are independent and alike: constants, normal, uniform, truncated normal, variance scaling."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from symbreak import random
from symbreak.errors import InvalidInput, UnknownName
from symbreak.initializers import law as laws
from symbreak.initializers import parts
from symbreak.initializers.fans import Fans, Shape, fans, positive_fan
from symbreak.initializers.initializer import Weight
from symbreak.initializers.law import Law
from symbreak.notation import number

# The standard deviation of a unit normal cut at two standard deviations, by which Keras, JAX and TensorFlow divide.
TWO_SIGMA = laws.truncated_normal(0.0, 1.0, -2.0, 2.0, "").std

MODES: dict[str, Callable[[Fans], float]] = {
    "fan_in": lambda f: f.fan_in,
    "fan_out": lambda f: f.fan_out,
    "fan_avg": lambda f: f.average,
}
DISTRIBUTIONS = ("normal", "truncated_normal", "uniform")


@dataclass(frozen=True)
class Constant:
    """Every entry is `value`."""

    by_element: ClassVar[bool] = True
    value: float

    def __post_init__(self) -> None:
        require_finite("the constant", self.value)

    @property
    def formula(self) -> str:
        return f"w = {number(self.value)}"

    def law(self, shape: Shape) -> Law:
        return laws.constant(self.value)

    def draw(self, weight: Weight) -> NDArray[Any]:
        value = np.float32(self.value).astype(weight.dtype)
        if weight.out is None:
            return np.full(parts.shape_of(weight.shape, weight.index), value)
        weight.out[...] = value
        return weight.out


@dataclass(frozen=True)
class Normal:
    """N(mean, scale^2)."""

    by_element: ClassVar[bool] = True
    scale: float
    mean: float

    def __post_init__(self) -> None:
        require_scale(self.scale, "normal(0.01)")
        require_finite("the mean", self.mean)

    @property
    def formula(self) -> str:
        return f"N({number(self.mean)}, {number(self.scale)}^2), not truncated"

    def law(self, shape: Shape) -> Law:
        return laws.normal(self.mean, self.scale, self.formula)

    def draw(self, weight: Weight) -> NDArray[Any]:
        return sample(self.law(weight.shape), weight)


@dataclass(frozen=True)
class Uniform:
    """U[low, high)."""

    by_element: ClassVar[bool] = True
    low: float
    high: float

    def __post_init__(self) -> None:
        require_interval(self.low, self.high, "uniform(-0.05, 0.05)")

    @property
    def formula(self) -> str:
        return f"U[{number(self.low)}, {number(self.high)})"

    def law(self, shape: Shape) -> Law:
        return laws.uniform(self.low, self.high, self.formula)

    def draw(self, weight: Weight) -> NDArray[Any]:
        return sample(self.law(weight.shape), weight)


@dataclass(frozen=True)
class TruncatedNormal:
    """N(0, scale^2) cut at `low` and `high` standard deviations; `correct_variance` restores variance scale^2."""

    by_element: ClassVar[bool] = True
    scale: float
    low: float
    high: float
    correct_variance: bool

    def __post_init__(self) -> None:
        require_scale(self.scale, "truncated_normal(0.02)")
        require_interval(self.low, self.high, "truncated_normal(0.02, -2, 2)", infinite=True)

    @property
    def formula(self) -> str:
        cut = f"cut to [{number(self.low)}, {number(self.high)}] standard deviations"
        rescaled = ", then rescaled to that variance" if self.correct_variance else ""
        return f"N(0, {number(self.scale)}^2) {cut}{rescaled}"

    def law(self, shape: Shape) -> Law:
        _, variance = laws.truncated_moments(self.low, self.high)
        base = self.scale / math.sqrt(variance) if self.correct_variance else self.scale
        return laws.truncated_normal(0.0, base, self.low, self.high, self.formula)

    def draw(self, weight: Weight) -> NDArray[Any]:
        return random.truncated_normal(
            weight.shape,
            scale=self.scale,
            low=self.low,
            high=self.high,
            correct_variance=self.correct_variance,
            **weight.address,
        )


@dataclass(frozen=True)
class VarianceScaling:
    """Mean 0 and variance scale / fan, by one of three distributions; He, Xavier and LeCun are rows of this table."""

    by_element: ClassVar[bool] = True
    scale: float
    mode: str
    distribution: str

    def __post_init__(self) -> None:
        require_scale(self.scale, "variance_scaling(2, fan_in, normal)")
        if self.mode not in MODES:
            raise UnknownName.among("mode of variance_scaling", self.mode, MODES)
        if self.distribution not in DISTRIBUTIONS:
            raise UnknownName.among("distribution of variance_scaling", self.distribution, DISTRIBUTIONS)

    @property
    def formula(self) -> str:
        if self.distribution == "uniform":
            bound = f"sqrt({self._over_fan(3 * self.scale)})"
            return f"U[-{bound}, {bound})"
        cut = "not truncated" if self.distribution == "normal" else "truncated at 2 sigma, variance corrected"
        return f"N(0, {self._over_fan(self.scale)}), {cut}"

    def law(self, shape: Shape) -> Law:
        variance = self.scale / positive_fan(MODES[self.mode](fans(shape)), shape)
        if self.distribution == "uniform":
            bound = math.sqrt(3 * variance)
            return laws.uniform(-bound, bound, self.formula)
        if self.distribution == "normal":
            return laws.normal(0.0, math.sqrt(variance), self.formula)
        return laws.truncated_normal(0.0, math.sqrt(variance) / TWO_SIGMA, -2.0, 2.0, self.formula)

    def draw(self, weight: Weight) -> NDArray[Any]:
        return sample(self.law(weight.shape), weight)

    def _over_fan(self, scale: float) -> str:
        # Var = scale / ((fan_in + fan_out) / 2) is written as the papers do, with the 2 above.
        if self.mode == "fan_avg":
            return f"{number(2 * scale)}/(fan_in + fan_out)"
        return f"{number(scale)}/{self.mode}"


def sample(law: Law, weight: Weight) -> NDArray[Any]:
    """Draw independent entries that follow a (truncated) normal or uniform law."""
    if law.family == "uniform":
        return random.uniform(weight.shape, low=law.low, high=law.high, **weight.address)
    if law.family == "normal":
        return random.normal(weight.shape, mean=law.mean, scale=law.std, **weight.address)
    assert law.scale is not None, "a truncated law has a scale"
    return random.truncated_normal(weight.shape, scale=law.scale, **weight.address)


def require_finite(what: str, value: float) -> None:
    """Refuse what is no finite number."""
    if not _is_single(value):
        raise InvalidInput(
            f"{what} must be a finite number of float32", got=_short(value), allowed="a number below 3.4e38", hint="0.5"
        )


def require_scale(value: float, hint: str) -> None:
    """Refuse a scale that is negative or no finite number."""
    # Values lie within ten scales, and must stay finite in float32.
    if not _is_single(value) or value < 0 or not _is_single(10 * value):
        raise InvalidInput(
            "a scale must be a finite number >= 0", got=_short(value), allowed="0, 0.01, 1, ... below 3.4e37", hint=hint
        )


def require_interval(low: float, high: float, hint: str, *, infinite: bool = False) -> None:
    """Refuse an interval that is empty or has ends that are no numbers."""
    numbers = _is_number(low) and _is_number(high) and not (math.isnan(low) or math.isnan(high))
    if not numbers or low >= high or not (infinite or math.isfinite(high - low)):
        raise InvalidInput(
            "an interval needs a lower end below its upper end",
            got=f"[{low}, {high}]",
            allowed="two numbers, low < high" + ("" if infinite else ", both finite"),
            hint=hint,
        )


def _is_single(value: Any) -> bool:
    """Tell whether this is a number that float32 can hold; every weight is made there."""
    try:
        return _is_number(value) and abs(float(value)) <= float(np.finfo(np.float32).max)
    except OverflowError:
        return False


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:20]}... ({len(text)} characters)"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
