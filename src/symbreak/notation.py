"""The text form that names share: `relu`, `normal(0.01)`, `variance_scaling(2, fan_in, normal)`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from symbreak.errors import InvalidInput

Value = float | int | str | bool

_CALL = re.compile(r"\s*([A-Za-z][\w-]*)\s*(?:\((.*)\)\s*)?", re.DOTALL)
_KEYWORD = re.compile(r"\s*([A-Za-z]\w*)\s*=\s*(.*)", re.DOTALL)


@dataclass(frozen=True)
class Call:
    """A name with its arguments, as written."""

    name: str
    arguments: tuple[Value, ...] = ()
    keywords: dict[str, Value] = field(default_factory=dict)


def parse(text: str) -> Call:
    """Read `name` or `name(argument, key=value)`; names are lower case with underscores.

    >>> parse("Variance-Scaling(2, fan_in, distribution=normal)")
    Call(name='variance_scaling', arguments=(2, 'fan_in'), keywords={'distribution': 'normal'})
    """
    match = _CALL.fullmatch(text)
    if match is None:
        raise _malformed(text)
    name, inside = match.groups()
    arguments: list[Value] = []
    keywords: dict[str, Value] = {}
    for part in (inside or "").split(",") if (inside or "").strip() else []:
        keyword = _KEYWORD.fullmatch(part)
        if keyword:
            keywords[keyword[1]] = _value(keyword[2], text)
        elif keywords:
            raise _malformed(text)
        else:
            arguments.append(_value(part, text))
    return Call(name.lower().replace("-", "_"), tuple(arguments), keywords)


def write(name: str, arguments: tuple[Value, ...]) -> str:
    """Write a name and its arguments so that `parse` reads them back.

    >>> write("normal", (0.01,)), write("he", ())
    ('normal(0.01)', 'he')
    """
    return f"{name}({', '.join(map(number, arguments))})" if arguments else name


def number(value: Value) -> str:
    """Write a number as short as it can be read back: 2.0 as 2, 0.01 as 0.01.

    >>> number(2.0), number(0.1), number("fan_in")
    ('2', '0.1', 'fan_in')
    """
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _value(text: str, whole: str) -> Value:
    word = text.strip()
    if word in ("True", "true", "False", "false"):
        return word in ("True", "true")
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    if not re.fullmatch(r"[A-Za-z][\w-]*", word):
        raise _malformed(whole)
    return word.replace("-", "_")


def _malformed(text: str) -> InvalidInput:
    return InvalidInput(
        "a name may be followed by arguments in brackets, separated by commas",
        got=repr(text),
        allowed="name, name(argument) or name(argument, key=value)",
        hint="normal(0.01)",
    )
