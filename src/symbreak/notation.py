"""The text form that names share: `relu`, `normal(0.01)`, `variance_scaling(2, fan_in, normal)`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from symbreak.errors import InvalidInput, UnknownName

Made = TypeVar("Made")

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


def build(
    kind: str, text: object, catalogue: Mapping[str, Callable[..., Made]], *, aliases: Mapping[str, str] | None = None
) -> Made:
    """Return what the catalogue's function of that name makes of the arguments written in the text.

    Raises:
        UnknownName: the catalogue has no such name; the nearest are offered.
        InvalidInput: the function does not take these arguments.

    >>> build("shape", "square(2)", {"square": lambda side: side * side})
    4
    """
    if not isinstance(text, str):
        raise UnknownName.among(kind, text, catalogue)
    call = parse(text)
    name = (aliases or {}).get(call.name, call.name)
    if name not in catalogue:
        raise UnknownName.among(kind, call.name, catalogue)
    signature = inspect.signature(catalogue[name])
    try:
        signature.bind(*call.arguments, **call.keywords)
    except TypeError as error:
        allowed = f"{name}({', '.join(signature.parameters)})" if signature.parameters else f"{name}, without arguments"
        raise InvalidInput(
            f"{name} was given arguments that it does not take",
            got=text,
            allowed=allowed,
            hint=_shortest(name, signature),
        ) from error
    return catalogue[name](*call.arguments, **call.keywords)


def _shortest(name: str, signature: inspect.Signature) -> str:
    needed = [p for p in signature.parameters.values() if p.default is inspect.Parameter.empty]
    return f"{name}({', '.join('0.5' for _ in needed)})" if needed else name


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
