"""Numbers with proved bounds: every operation rounds its lower end down and its upper end up, in 60 digits.

A counterexample must be as sure as a theorem. If two intervals have no point in common, the numbers in them differ.
"""

from __future__ import annotations

import decimal
from decimal import Decimal
from typing import Any

DIGITS = 60
_LIMITS = {"Emax": decimal.MAX_EMAX, "Emin": decimal.MIN_EMIN, "traps": [decimal.InvalidOperation]}
DOWN = decimal.Context(prec=DIGITS, rounding=decimal.ROUND_FLOOR, **_LIMITS)  # type: ignore[arg-type]
UP = decimal.Context(prec=DIGITS, rounding=decimal.ROUND_CEILING, **_LIMITS)  # type: ignore[arg-type]


class Interval:
    """A closed interval [low, high] that contains the exact number.

    >>> third = Interval.of(1) / Interval.of(3)
    >>> third.low < third.high, (third * 3).contains(1)
    (True, True)
    """

    __slots__ = ("high", "low")

    def __init__(self, low: Decimal, high: Decimal) -> None:
        self.low, self.high = low, high

    @classmethod
    def of(cls, value: Any) -> Interval:
        """Return the interval of an int or a float, every one of which is a decimal number."""
        if isinstance(value, Interval):
            return value
        exact = Decimal(value) if isinstance(value, int) else Decimal(float(value))
        return cls(DOWN.plus(exact), UP.plus(exact))

    def contains(self, value: float) -> bool:
        """Whether the number lies in the interval."""
        return self.low <= Decimal(value) <= self.high

    def apart(self, other: Interval) -> bool:
        """Whether the two numbers are sure to differ."""
        return self.high < other.low or other.high < self.low

    def is_sure(self) -> bool:
        """Whether both ends are finite numbers."""
        return self.low.is_finite() and self.high.is_finite()

    def __neg__(self) -> Interval:
        # Not `-x`, which would round to the thread's own context.
        return Interval(self.high.copy_negate(), self.low.copy_negate())

    def __add__(self, other: Any) -> Interval:
        o = Interval.of(other)
        return Interval(DOWN.add(self.low, o.low), UP.add(self.high, o.high))

    def __sub__(self, other: Any) -> Interval:
        o = Interval.of(other)
        return Interval(DOWN.subtract(self.low, o.high), UP.subtract(self.high, o.low))

    def __mul__(self, other: Any) -> Interval:
        o = Interval.of(other)
        if self.low == self.high and o.low == o.high:
            return Interval(DOWN.multiply(self.low, o.low), UP.multiply(self.low, o.low))
        pairs = [(a, b) for a in (self.low, self.high) for b in (o.low, o.high)]
        return Interval(min(DOWN.multiply(a, b) for a, b in pairs), max(UP.multiply(a, b) for a, b in pairs))

    def __truediv__(self, other: Any) -> Interval:
        o = Interval.of(other)
        if o.low <= 0 <= o.high:
            return Interval(Decimal("-Infinity"), Decimal("Infinity"))
        pairs = [(a, b) for a in (self.low, self.high) for b in (o.low, o.high)]
        return Interval(min(DOWN.divide(a, b) for a, b in pairs), max(UP.divide(a, b) for a, b in pairs))

    def __radd__(self, other: Any) -> Interval:
        return Interval.of(other) + self

    def __rsub__(self, other: Any) -> Interval:
        return Interval.of(other) - self

    def __rmul__(self, other: Any) -> Interval:
        return Interval.of(other) * self

    def __rtruediv__(self, other: Any) -> Interval:
        return Interval.of(other) / self

    def sqrt(self) -> Interval:
        """Return the root; a lower end below 0 counts as 0."""
        low = max(self.low, Decimal(0))
        return Interval(_below(low.sqrt(UP), low), _above(self.high.sqrt(UP), self.high))

    def exp(self) -> Interval:
        """Return e to the power of this."""
        return Interval(_below(self.low.exp(UP), self.low), _above(self.high.exp(UP), self.high))

    def log(self) -> Interval:
        """Return the natural logarithm of a number above 0."""
        return Interval(DOWN.next_minus(self.low.ln(DOWN)), UP.next_plus(self.high.ln(UP)))

    def hull(self, other: Interval) -> Interval:
        """Return the smallest interval that contains both."""
        return Interval(min(self.low, other.low), max(self.high, other.high))

    def __repr__(self) -> str:
        return f"[{self.low:.6g}, {self.high:.6g}]"


# Decimal's exp, ln and sqrt are rounded to the nearest, so that one unit in the last place on either side is a bound.
# Where they are exact, at 0, the bound is the number itself: a proof must know an exact 0 from a small number.
def _below(value: Decimal, argument: Decimal) -> Decimal:
    return value if argument == 0 else DOWN.next_minus(value)


def _above(value: Decimal, argument: Decimal) -> Decimal:
    return value if argument == 0 else UP.next_plus(value)


ZERO, ONE = Interval.of(0), Interval.of(1)
