"""The whole state of the page: what a shared link holds, and what a race is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from symbreak import datasets, initializers
from symbreak.errors import InvalidInput
from symbreak.lab import reading
from symbreak.network import losses, optimizers
from symbreak.network.arithmetic import CATALOGUE as ARITHMETICS
from symbreak.numerics import activations

VERSION = 1
OWN = "own"
"""The data's name when it is points or a table of one's own, which no link holds."""

MOST_NETWORKS = 4
MOST_LAYERS, MOST_UNITS = 4, 64
MOST_EDITS = 256
MOST_SEED = 2**63 - 1
# A machine needs weeks for more steps, and a float of the page counts exactly up to 2^53.
MOST_STEPS = 10**12
MOST_RATE = 1000.0
MOST_SPEED = 100_000
# Weights beyond this are of no use to anyone, and their squares still are numbers.
LARGEST = 1e100

Place = tuple[str, int, int]
Edit = tuple[int, str, int, int, float]


@dataclass(frozen=True)
class Entrant:
    """One network of a race.

    Attributes:
        init: how the weights of all layers start.
        epsilon, at: added to this one weight of the start, ("W1", row, column).
        edits: (step, array, row, column, value), by step: weights set by hand.
        dropout: the chance of a hidden unit to sit out an example of an update.
        arithmetic: "unitwise" or "blas".
        merged: the step from which the merged network runs beside this one; None: none does.
    """

    init: str = "zeros"
    epsilon: float = 0.0
    at: Place = ("W1", 0, 0)
    edits: tuple[Edit, ...] = ()
    dropout: float = 0.0
    arithmetic: str = "unitwise"
    merged: int | None = None


@dataclass(frozen=True)
class State:
    """What is raced, where it stands, and how fast it runs.

    Attributes:
        data: a built-in data set, or "own".
        layers: sizes of the hidden layers.
        rate: the learning rate.
        t: the step at which the page stands.
        speed: steps a second; None: as many as the machine makes.
    """

    data: str = "planar"
    seed: int = 0
    layers: tuple[int, ...] = (4,)
    activation: str = "tanh"
    loss: str = "cross-entropy"
    rate: float = 1.2
    optimizer: str = "gd"
    t: int = 0
    speed: int | None = 200
    networks: tuple[Entrant, ...] = field(default=(Entrant("zeros"), Entrant("he")))

    def to_json(self) -> dict[str, Any]:
        """Return plain data; keys that have their default are left out.

        >>> State(seed=3, speed=None).to_json()
        {'v': 1, 'seed': 3, 'speed': 'max'}
        """
        plain = _changed(self)
        if "speed" in plain and plain["speed"] is None:
            plain["speed"] = "max"
        if "networks" in plain:
            plain["networks"] = [_entrant_json(entrant) for entrant in self.networks]
        return {"v": VERSION, **plain}

    @classmethod
    def from_json(cls, data: Any) -> State:
        """Read what came from a link or a page.

        Raises:
            InvalidInput: anything that is not a state, or beyond what the page may ask for.

        >>> State.from_json({"v": 1, "networks": [{"init": "he"}]}).networks[0].init
        'he'
        """
        given = reading.mapping(data, "the state", ["v", *(each.name for each in fields(cls))])
        reading.whole(given.get("v", VERSION), "the state's version", VERSION, VERSION)
        return cls(**{name: READERS[name](value) for name, value in given.items() if name != "v"})


def _changed(record: Any) -> dict[str, Any]:
    blank = type(record)()
    names = [each.name for each in fields(record)]
    found = {name: getattr(record, name) for name in names if getattr(record, name) != getattr(blank, name)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}


def _entrant_json(entrant: Entrant) -> dict[str, Any]:
    # Which start it is, is told in any case.
    plain = {"init": entrant.init, **_changed(entrant)}
    if "edits" in plain:
        plain["edits"] = [list(edit) for edit in entrant.edits]
    return plain


def place(value: Any) -> Place:
    """Read ["W1", row, column]; whether the network has it is seen when there is a network."""
    name, row, column = reading.listed(value, "a place", least=3, most=3)
    names = [f"{kind}{layer}" for layer in range(1, MOST_LAYERS + 2) for kind in "Wb"]
    known = reading.choice(name, "the array of a place", names)
    most = max(MOST_UNITS, MOST_INPUTS) - 1
    return known, reading.whole(row, "a row", 0, most), reading.whole(column, "a column", 0, most)


# Features that a data set may have, one-hot columns of a table included: those of the digits, twice.
MOST_INPUTS = 128


def initializer(value: Any) -> str:
    """Read the text of a start."""
    text = reading.text(value, "a start", most=100)
    initializers.get(text)
    return text


def _edits(value: Any) -> tuple[Edit, ...]:
    found = [_edit(edit) for edit in reading.listed(value, "the edits", most=MOST_EDITS)]
    if found != sorted(found, key=lambda edit: edit[0]):
        raise reading.refused("edits are in the order of their steps", "a later one first", "ascending steps", "[]")
    return tuple(found)


def _edit(value: Any) -> Edit:
    step, *where, number = reading.listed(value, "an edit", least=5, most=5)
    changed = reading.real(number, "the value of an edit", -LARGEST, LARGEST)
    return reading.whole(step, "the step of an edit", 0, MOST_STEPS), *place(where), changed


def _entrant(value: Any) -> Entrant:
    given = reading.mapping(value, "a network", [each.name for each in fields(Entrant)])
    return Entrant(**{name: ENTRANT_READERS[name](item) for name, item in given.items()})


def _merged(value: Any) -> int | None:
    return None if value is None else reading.whole(value, "the step of a merger", 0, MOST_STEPS)


def speed(value: Any) -> int | None:
    """Read steps a second, or "max"."""
    return None if value == "max" else reading.whole(value, "the speed", 1, MOST_SPEED)


def _rate(value: Any) -> float:
    number = reading.real(value, "the learning rate", 0, MOST_RATE)
    if number == 0:
        raise reading.refused("the learning rate is above 0", "0", f"a number in (0, {MOST_RATE:g}]", "1.2")
    return number


def epsilon(value: Any) -> float:
    """Read the dial's epsilon."""
    return reading.real(value, "epsilon", 0, 1)


def _dropout(value: Any) -> float:
    return reading.real(value, "dropout", 0, 0.99)


def _layers(value: Any) -> tuple[int, ...]:
    sizes = reading.listed(value, "the hidden layers", least=1, most=MOST_LAYERS)
    return tuple(reading.whole(size, "the size of a layer", 1, MOST_UNITS) for size in sizes)


def _networks(value: Any) -> tuple[Entrant, ...]:
    return tuple(_entrant(item) for item in reading.listed(value, "the networks", least=1, most=MOST_NETWORKS))


READERS: Mapping[str, Any] = {
    "data": lambda value: reading.choice(value, "the data set", [*datasets.names(), OWN]),
    "seed": lambda value: reading.whole(value, "the seed", 0, MOST_SEED),
    "layers": _layers,
    "activation": lambda value: reading.choice(value, "the activation", sorted(activations.CATALOGUE)),
    "loss": lambda value: reading.choice(value, "the loss", list(losses.CATALOGUE)),
    "rate": _rate,
    "optimizer": lambda value: reading.choice(value, "the optimizer", list(optimizers.CATALOGUE)),
    "t": lambda value: reading.whole(value, "the step", 0, MOST_STEPS),
    "speed": speed,
    "networks": _networks,
}
ENTRANT_READERS: Mapping[str, Any] = {
    "init": initializer,
    "epsilon": epsilon,
    "at": place,
    "edits": _edits,
    "dropout": _dropout,
    "arithmetic": lambda value: reading.choice(value, "the arithmetic", list(ARITHMETICS)),
    "merged": _merged,
}


def check_place(where: Place, sizes: tuple[int, ...]) -> None:
    """Refuse a place that a network of these sizes does not have."""
    name, row, column = where
    layer = int(name[1:])
    columns = 1 if name[0] == "b" else sizes[min(layer, len(sizes)) - 1]
    if layer >= len(sizes) or row >= sizes[layer] or column >= columns:
        raise InvalidInput(
            "the network has no such weight",
            got=f"{name}[{row}, {column}]",
            allowed=f"a place in a network of sizes {sizes}",
            hint="W1[0, 0]",
        )
