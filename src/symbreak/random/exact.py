"""Numbers about the normal law to any precision, so that what is rounded from them is the same on every machine.

Each public function finds its number with decimal arithmetic, doubles the precision until two results agree to 25
digits, and rounds once. Upper tails are written Q(a) = phi(a) m(a) with Mills' ratio m, which never underflows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal, getcontext, localcontext
from functools import lru_cache

AGREEMENT = Decimal("1e-25")


@lru_cache(maxsize=1024)
def position(a: float) -> int:
    """Return 2^63 erf(a / sqrt 2), rounded to the nearest integer."""
    if a < 0:
        return -position(-a)
    if a > 10:  # erf differs from 1 by less than 2^-75
        return 2**63
    value = _settled(lambda: 2 * _density(Decimal(a)) * _series(Decimal(a)) * 2**63)
    return int(value.to_integral_value(ROUND_HALF_EVEN))


@lru_cache(maxsize=1024)
def mills(a: float) -> float:
    """Return (1 - Phi(a)) / phi(a) for a >= 0."""
    return float(_settled(lambda: _mills(Decimal(a))))


@lru_cache(maxsize=1024)
def tail_ratio(near: float, far: float) -> float:
    """Return (1 - Phi(far)) / (1 - Phi(near)) for 0 <= near < far."""
    return 0.0 if math.isinf(far) else float(_settled(lambda: _tail_ratio(Decimal(near), Decimal(far))))


@lru_cache(maxsize=1024)
def standard_deviation(low: float, high: float) -> float:
    """Return the standard deviation of the standard normal law cut to [low, high]; one of them may be infinite."""
    a, b = (low, high) if high > 0 else (-high, -low)
    return float(_settled(lambda: _variance(Decimal(a), Decimal(b)).sqrt()))


def _settled(number: Callable[[], Decimal]) -> Decimal:
    """Evaluate with 50, 100, 200, ... digits until the result stands."""
    with localcontext(Context(Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])) as context:
        digits, before = 50, Decimal("NaN")
        while True:
            context.prec = digits
            now = number()
            if before.is_finite() and now.is_finite() and abs(now - before) <= AGREEMENT * abs(now):
                return now
            digits, before = 2 * digits, now


def _variance(a: Decimal, b: Decimal) -> Decimal:
    """1 + (a phi(a) - b phi(b)) / mass - mean^2. Where a >= 0 all is divided by phi(a), which may be tiny."""
    if a < 0:
        fa, fb = _density(a), _density(b)
        mass = 1 - fa * _mills(-a) - fb * _mills(b)
    else:
        fa, fb = Decimal(1), (Decimal(0) if b.is_infinite() else ((a - b) * (a + b) / 2).exp())
        mass = _mills(a) - fb * _mills(b)
    mean = (fa - fb) / mass
    return 1 + ((a * fa if fa else 0) - (b * fb if fb else 0)) / mass - mean * mean


def _tail_ratio(near: Decimal, far: Decimal) -> Decimal:
    return ((near - far) * (near + far) / 2).exp() * _mills(far) / _mills(near)


def _density(a: Decimal) -> Decimal:
    return Decimal(0) if a.is_infinite() else (-a * a / 2).exp() / (2 * _pi()).sqrt()


def _mills(a: Decimal) -> Decimal:
    """Mills' ratio for a >= 0: 1 / (2 phi(a)) minus a series below 8, Laplace's continued fraction from there."""
    if a.is_infinite():
        return Decimal(0)
    if a < 8:
        return 1 / (2 * _density(a)) - _series(a)
    value = a
    for k in range(20 + int((Decimal(3 * _digits()) / a) ** 2), 0, -1):
        value = a + k / value
    return 1 / value


def _series(a: Decimal) -> Decimal:
    """(Phi(a) - 1/2) / phi(a) = a + a^3 / 3 + a^5 / (3 * 5) + ..."""
    term, total, k = a, Decimal(0), 1
    while total + term != total:
        total, k = total + term, k + 2
        term = term * a * a / k
    return total


def _pi() -> Decimal:
    """The Gauss-Legendre iteration, which doubles the correct digits each time."""
    a, b, t, p = Decimal(1), 1 / Decimal(2).sqrt(), Decimal("0.25"), 1
    for _ in range(_digits().bit_length() + 1):
        a, b, t, p = (a + b) / 2, (a * b).sqrt(), t - p * ((a - b) / 2) ** 2, 2 * p
    return (a + b) ** 2 / (4 * t)


def _digits() -> int:
    return getcontext().prec
