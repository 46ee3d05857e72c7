"""The two axes of a map: what may vary, between which values, and the values themselves."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.errors import InvalidInput, UnknownName
from symbreak.notation import number

Array = NDArray[np.floating[Any]]

# Points are computed with twice the digits of a float64, so that rounding them gives the same bits on every machine:
# a library's pow may not.
DIGITS = Context(prec=34)
# A side with more points has cells that no picture shows, and takes long to list.
MOST_POINTS = 2**20


@dataclass(frozen=True)
class Kind:
    """What an axis may vary.

    Attributes:
        meaning: in a few words.
        spacing: how its points lie unless told.
        least, most: the values allowed; `above` and `below` exclude the ends.
        whole: whole numbers only.
        by_layer: one layer may be named: `scale-1`.
        title: on a picture.
    """

    meaning: str
    title: str
    spacing: str = "log"
    least: float = 0.0
    most: float = math.inf
    above: bool = False
    below: bool = False
    whole: bool = False
    by_layer: bool = False

    def allows(self, value: float) -> bool:
        """Whether an axis of this kind may have this value."""
        inside = self.least <= value <= self.most and math.isfinite(value)
        at_end = (self.above and value == self.least) or (self.below and value == self.most)
        return inside and not at_end and (not self.whole or value == int(value))

    @property
    def allowed(self) -> str:
        """The values allowed, in words."""
        what = "whole numbers" if self.whole else "numbers"
        low = "" if self.least == -math.inf else f" {'>' if self.above else '>='} {number(self.least)}"
        high = "" if self.most == math.inf else f" {'<' if self.below else '<='} {number(self.most)}"
        return what + " and".join(part for part in (low, high) if part)


KINDS: dict[str, Kind] = {
    "scale": Kind("factor on the spread of the weights' start", "weight scale", by_layer=True),
    "mean": Kind("mean of the weights' start", "weight mean", "linear", least=-math.inf, by_layer=True),
    "bias-scale": Kind("standard deviation of the biases' start", "bias scale"),
    "learning-rate": Kind("size of the steps", "learning rate", above=True, by_layer=True),
    "depth": Kind("number of hidden layers", "depth", "linear", whole=True),
    "width": Kind("units of each hidden layer", "width", "linear", least=1, whole=True),
    "momentum": Kind("share of the old step in the new one", "momentum", "linear", most=1, below=True),
    "epsilon": Kind("distance of the units from a tie: 0 ties them, 1 is the start itself", "distance from a tie"),
    "seed": Kind("seed of the start", "seed", "linear", whole=True),
}

_NAME = re.compile(r"([a-z]+(?:-[a-z]+)*)(?:-([1-9][0-9]*))?")


@dataclass(frozen=True)
class Axis:
    """One side of a map: a quantity from `low` to `high`, both included.

    Attributes:
        name: of the quantity, with the layer it is meant for: "scale", "learning-rate-2". Layers count from 1.
        spacing: "log" or "linear".

    >>> axis = Axis.parse("scale-1:1e-3:1e3:log")
    >>> axis.quantity, axis.layer, axis.points(3).tolist()
    ('scale', 1, [0.001, 1.0, 1000.0])
    """

    name: str
    low: float
    high: float
    spacing: str

    def __post_init__(self) -> None:
        kind = self.kind
        if self.layer is not None and not kind.by_layer:
            raise InvalidInput(
                f"{self.quantity} belongs to the whole network",
                got=self.name,
                allowed="a layer's number after " + ", ".join(k for k, v in KINDS.items() if v.by_layer),
                hint=self.quantity,
            )
        if self.spacing not in ("log", "linear"):
            raise UnknownName.among("spacing", self.spacing, ("log", "linear"))
        for value in (self.low, self.high):
            if not kind.allows(value):
                raise InvalidInput(
                    f"{self.quantity} cannot be that", got=number(value), allowed=kind.allowed, hint=_example(self.name)
                )
        if self.low > self.high:
            raise InvalidInput(
                "an axis runs upwards", got=self.text, allowed="low:high, low first", hint=_example(self.name)
            )
        if self.spacing == "log" and self.low <= 0:
            raise InvalidInput(
                "a logarithmic axis has no 0 and nothing below",
                got=self.text,
                allowed="low > 0, or linear",
                hint=f"{self.name}:{number(self.low)}:{number(self.high)}:linear",
            )

    @classmethod
    def parse(cls, text: str) -> Axis:
        """Read "NAME:LOW:HIGH", "NAME:LOW:HIGH:log" or "NAME:LOW:HIGH:linear"; "NAME:VALUE" is a single value.

        Raises:
            InvalidInput: another form, or values that the quantity cannot have.
            UnknownName: no such quantity.
        """
        name, *rest = (part.strip() for part in text.split(":"))
        quantity, _ = _split(name)
        if not 1 <= len(rest) <= 3:
            raise _malformed(text, name)
        ends = [_float(part, text, name) for part in rest[:2]]
        spacing = rest[2] if len(rest) == 3 else KINDS[quantity].spacing if ends[0] > 0 else "linear"
        return cls(name, ends[0], ends[-1], spacing)

    @property
    def text(self) -> str:
        """The form that `parse` reads."""
        return f"{self.name}:{number(self.low)}:{number(self.high)}:{self.spacing}"

    @property
    def quantity(self) -> str:
        """What varies: a name of `KINDS`."""
        return _split(self.name)[0]

    @property
    def layer(self) -> int | None:
        """The layer it is meant for; None for all."""
        return _split(self.name)[1]

    @property
    def kind(self) -> Kind:
        """What is known of the quantity."""
        return KINDS[self.quantity]

    @property
    def title(self) -> str:
        """What to write beside the axis."""
        return self.kind.title + (f" of layer {self.layer}" if self.layer is not None else "")

    def points(self, count: int) -> Array:
        """Return the values, `count` of them at most, ascending, the ends among them: (n,) float64.

        Whole numbers are rounded and none is there twice, so that there may be fewer.
        """
        low, high = (Decimal(repr(float(end))) for end in (self.low, self.high))
        if count == 1 or low == high:
            return np.array([float(self.low)])
        between = _geometric if self.spacing == "log" else _arithmetic
        inner = [between(low, high, Decimal(i), Decimal(count - 1)) for i in range(1, count - 1)]
        values = np.array([self.low, *inner, self.high], np.float64)
        return np.unique(np.rint(values)) if self.kind.whole else values

    def between(self, low: float, high: float) -> Axis:
        """Return the same axis with other ends: a window."""
        return Axis(self.name, low, high, self.spacing)


def _arithmetic(low: Decimal, high: Decimal, i: Decimal, n: Decimal) -> float:
    up, down = DIGITS.multiply(high, i), DIGITS.multiply(low, n - i)
    return float(DIGITS.divide(DIGITS.add(up, down), n))


def _geometric(low: Decimal, high: Decimal, i: Decimal, n: Decimal) -> float:
    ratio = DIGITS.power(DIGITS.divide(high, low), DIGITS.divide(i, n))
    return float(DIGITS.multiply(low, ratio))


def _split(name: str) -> tuple[str, int | None]:
    match = _NAME.fullmatch(name)
    quantity = match[1] if match else name
    if match is None or quantity not in KINDS:
        raise UnknownName.among("axis", name, KINDS)
    return quantity, int(match[2]) if match[2] else None


def _float(part: str, text: str, name: str) -> float:
    try:
        return float(part)
    except ValueError:
        raise _malformed(text, name) from None


def _malformed(text: str, name: str) -> InvalidInput:
    return InvalidInput(
        "an axis is a name and its two ends", got=text, allowed="NAME:LOW:HIGH[:log|linear]", hint=_example(name)
    )


def _example(name: str) -> str:
    spacing, whole, most = KINDS[_split(name)[0]].spacing, KINDS[_split(name)[0]].whole, KINDS[_split(name)[0]].most
    ends = "1e-3:1e3:log" if spacing == "log" else "1:10" if whole else "0:0.9" if most == 1 else "-1:1"
    return f"{name}:{ends}"
