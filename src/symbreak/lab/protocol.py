"""The page's messages, read and checked; nothing of them reaches the rest of the room unchecked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from symbreak.errors import InvalidInput
from symbreak.lab import reading
from symbreak.lab import state as states
from symbreak.lab.state import MOST_LAYERS, MOST_NETWORKS, MOST_STEPS

MOST_BYTES = 2**20
"""Of any message: a table, points, a saved run."""

MOST_BYTES_OF_WISHES = 2**16
"""Of all other messages."""

LARGE = ("load", "csv", "points")


@dataclass(frozen=True)
class Wish:
    """One message of the page: what to do, and with what."""

    do: str
    given: Mapping[str, Any]


AXES = ("scale", "learning-rate")


def _network(value: Any) -> int:
    return reading.whole(value, "the network", 0, MOST_NETWORKS - 1)


def _layer(value: Any) -> int:
    return reading.whole(value, "the layer", 1, MOST_LAYERS + 1)


def _on(value: Any) -> bool:
    return reading.flag(value, "on")


def _step(value: Any) -> int:
    return reading.whole(value, "the step", 0, MOST_STEPS)


def _as_it_is(value: Any) -> Any:
    """What `data` and `state` read themselves."""
    return value


# For each wish its keys; those that may be left out have a value here beside their reader.
Reader = Callable[[Any], Any]
WISHES: Mapping[str, Mapping[str, tuple[Reader, Any]]] = {
    "set": {"state": (states.State.from_json, ...)},
    "load": {"run": (_as_it_is, ...)},
    "play": {"speed": (states.speed, -1)},
    "pause": {},
    "step": {"n": (lambda value: reading.whole(value, "n", 1, 100_000), 1)},
    "seek": {"t": (_step, ...)},
    "edit": {
        "network": (_network, ...),
        "at": (states.place, ...),
        "value": (lambda value: reading.real(value, "the value", -states.LARGEST, states.LARGEST), ...),
    },
    "epsilon": {"network": (_network, ...), "at": (states.place, None), "value": (states.epsilon, ...)},
    "merge": {"network": (_network, ...), "on": (_on, ...)},
    "xray": {"network": (_network, ...), "layer": (_layer, ...), "on": (_on, ...)},
    "map": {
        "on": (_on, ...),
        "x": (lambda value: reading.choice(value, "an axis", AXES), "scale"),
        "y": (lambda value: reading.choice(value, "an axis", AXES), "learning-rate"),
    },
    "points": {"X": (_as_it_is, ...), "Y": (_as_it_is, ...)},
    "csv": {"text": (_as_it_is, ...), "target": (_as_it_is, None)},
    "save": {},
    "command": {"network": (_network, 0)},
    "seen": {"frame": (lambda value: reading.whole(value, "the frame", 0, 2**53), ...)},
}


def read(message: str) -> Wish:
    """Return what the page wishes.

    Raises:
        InvalidInput: anything that is no such message.

    >>> read('{"do": "seek", "t": 12}')
    Wish(do='seek', given={'t': 12})
    """
    _check_length(message, MOST_BYTES)
    found = _json(message)
    if not isinstance(found, dict):
        raise reading.refused("a message is a JSON object", type(found).__name__, '{"do": ...}', '{"do": "pause"}')
    do = reading.choice(found.pop("do", None), "what to do", list(WISHES))
    if do not in LARGE:
        _check_length(message, MOST_BYTES_OF_WISHES)
    fields = WISHES[do]
    given = reading.mapping(found, f"the message {do}", [*fields, "do"])
    missing = [name for name, (_, otherwise) in fields.items() if name not in given and otherwise is ...]
    if missing:
        raise reading.refused(
            f"the message {do} is whole", f"no {missing[0]}", ", ".join(fields), f'"{missing[0]}": ...'
        )
    return Wish(
        do,
        {
            name: read_field(given[name]) if name in given else otherwise
            for name, (read_field, otherwise) in fields.items()
        },
    )


def _check_length(message: str, most: int) -> None:
    # A character is at least a byte; what is near the limit is counted.
    if len(message) > most or (len(message) > most // 4 and len(message.encode(errors="replace")) > most):
        raise reading.refused(
            "a message is not too long", f"{len(message)} characters", f"{most} bytes", "a shorter one"
        )


def _json(message: str) -> Any:
    try:
        return json.loads(message, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise reading.refused("a message is JSON", str(error), "JSON", '{"do": "pause"}') from None


def _no_number(name: str) -> NoReturn:
    raise reading.refused("JSON has finite numbers only", name, "a finite number", "0")


def error(found: InvalidInput) -> dict[str, Any]:
    """Return a refusal as the page is told it.

    >>> error(InvalidInput("a rule", got="3", allowed="1 or 2", hint="1"))["try"]
    '1'
    """
    return {"is": "error", "rule": found.rule, "got": found.got, "allowed": found.allowed, "try": found.hint}


def written(message: Mapping[str, Any]) -> str:
    """Return a message as it is sent: ASCII, and no number that JSON has not."""
    return json.dumps(message, allow_nan=False, separators=(",", ":"))
