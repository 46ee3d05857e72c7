"""Numbers as a reader wants them: three significant digits, percentages, whole counts, "overflow" and "never"."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from symbreak.experiments.result import Ends, Spread

OVERFLOW = "overflow"
NEVER = "never"
# So many numbers can be read in one cell of a table.
MOST_LAYERS = 4


class Cell(NamedTuple):
    """What stands in one cell of a table: a value and, where seeds differ, its range."""

    value: str
    range: str = ""

    def __str__(self) -> str:
        return f"{self.value} {self.range}".rstrip()


def number(value: float | None) -> str:
    """Write three significant digits; in powers of ten where zeros would have to be counted.

    >>> number(0.69315), number(12345.6), number(0.0000123), number(0.0), number(None)
    ('0.693', '12300', '1.23e-5', '0', 'overflow')
    """
    if value is None or not math.isfinite(value):
        return OVERFLOW
    if value == 0:
        return "0"
    digits, exponent = f"{value:.2e}".split("e")
    power = int(exponent)
    if not -4 <= power < 6:
        return f"{digits}e{power}"
    return f"{float(f'{value:.2e}'):.{max(2 - power, 0)}f}"


def short(value: float, digits: int = 6) -> str:
    """Write at most so many significant digits, without zeros at the end or in front of an exponent.

    >>> short(1e-05), short(0.25), short(1e16), short(0.90751, 4)
    ('1e-5', '0.25', '1e16', '0.9075')
    """
    written, found, exponent = f"{value:.{digits}g}".partition("e")
    return f"{written}e{int(exponent)}" if found else written


def setting(value: float, *, whole: bool, digits: int = 3) -> str:
    """Write a value that was asked for: whole numbers in full, others with so many digits.

    >>> setting(12345.0, whole=True), setting(0.0123456, whole=False)
    ('12345', '0.0123')
    """
    return str(round(value)) if whole else short(value, digits)


def percent(share: float | None) -> str:
    """Write a share of one in percent, three digits at most; only what is all of it reads 100%, only nothing 0%.

    >>> percent(0.9125), percent(1.0), percent(0.99999), percent(0.00001), percent(0.0)
    ('91.2%', '100%', '>99.9%', '<0.1%', '0%')
    """
    if share is None or not math.isfinite(share):
        return OVERFLOW
    if 0 < share < 0.0005:
        return "<0.1%"
    if 0.9995 <= share < 1:
        return ">99.9%"
    return f"{100 * share:.1f}".removesuffix(".0") + "%"


def count(value: float | None) -> str:
    """Write a whole number whole; the median of an even number of counts may end in a half.

    >>> count(1234.0), count(87.5), count(None)
    ('1234', '87.5', 'never')
    """
    if value is None or not math.isfinite(value):
        return NEVER
    return f"{value:.1f}".removesuffix(".0")


def spread(values: Spread, form: Callable[[float | None], str] = number) -> Cell:
    """Write a median and, where seeds differ, the range.

    >>> str(spread(Spread(0.5, 0.25, 1.0))), str(spread(Spread(0.5, 0.5, 0.5)))
    ('0.500 [0.250..1.00]', '0.500')
    """
    middle, low, high = form(values.median), form(values.min), form(values.max)
    return Cell(middle) if middle == low == high else Cell(middle, f"[{low}..{high}]")


def ends(values: Ends, form: Callable[[float | None], str] = count) -> Cell:
    """Write what every hidden layer starts and ends with; of many layers the sum of counts, the largest share.

    >>> str(ends(Ends((16, 8), (15.5, 8)))), str(ends(Ends((0.25,), (0.5,)), percent)), str(ends(Ends((), ())))
    ('16, 8 -> 15.5, 8', '25% -> 50%', 'no hidden layer')
    >>> str(ends(Ends((16, 8), (None, None))))
    '16, 8 -> overflow'
    >>> str(ends(Ends((64,) * 12, (63,) * 12))), str(ends(Ends((0.5, *(0.25,) * 11), (0.25,) * 12), percent))
    ('sum 768 -> 756', 'max 50% -> 25%')
    """
    if not values.start:
        return Cell("no hidden layer")
    if len(values.start) > MOST_LAYERS:
        name, whole = ("sum", math.fsum) if form is count else ("max", max)
        end = OVERFLOW if None in values.end else form(whole(value or 0.0 for value in values.end))
        return Cell(f"{name} {form(whole(values.start))} -> {end}")
    end = OVERFLOW if None in values.end else ", ".join(map(form, values.end))
    return Cell(f"{', '.join(map(form, values.start))} -> {end}")


def listing(words: Sequence[str], most: int = 6) -> str:
    """Join words as a sentence does, and count the rest when there are many.

    >>> listing(["a", "b", "c"]), listing("abcdefgh", most=2)
    ('a, b and c', 'a, b and 6 more')
    """
    shown, rest = list(words[:most]), len(words) - most
    if rest > 0:
        shown.append(f"{rest} more")
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def plural(amount: int, word: str) -> str:
    """Write an amount with its word.

    >>> plural(1, "seed"), plural(20, "seed")
    ('1 seed', '20 seeds')
    """
    return f"{amount} {word}" if amount == 1 else f"{amount:,} {word}s"


def shorten(text: str, most: int = 28) -> str:
    """Cut the middle out of a long name, so that its beginning and end can still be told from others.

    >>> shorten("variance_scaling(2, fan_in, truncated_normal)")
    'variance_scali…cated_normal)'
    """
    half = (most - 1) // 2
    return text if len(text) <= most else f"{text[: most - half - 1]}…{text[-half:]}"


def promise(arithmetic: str) -> str:
    """Return what the same training once more gives.

    >>> promise("unitwise")
    'the same numbers'
    """
    if arithmetic == "blas":
        end = "by BLAS, bits may differ on another machine or with other threads"
        return f"the same numbers up to rounding and what training makes of it: {end}"
    return "the same numbers"
