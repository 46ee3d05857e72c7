"""What a map is asked to draw, checked once, and the command that asks for it again."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak import initializers
from symbreak.errors import InvalidInput, UnknownName
from symbreak.experiments.map.axes import MOST_POINTS, Axis
from symbreak.experiments.map.cell import Cell, cell
from symbreak.experiments.settings import Settings, option
from symbreak.network import optimizers
from symbreak.network.training import check_count

Array = NDArray[np.floating[Any]]

PRECISIONS = ("float64", "float32")
SCALE = Axis("scale", 1e-3, 1e3, "log")
RATE = Axis("learning-rate", 1e-2, 1e2, "log")


@dataclass(frozen=True)
class MapSettings:
    """One map: every point is one network. The defaults are the lesson's network, weight scale against learning rate.

    Attributes:
        x, y: the axes, or their text form.
        size: the most columns and rows; an axis of whole numbers may have fewer.
        data, target, task, impute, layers, activation, loss, iterations, learning_rate, optimizer, batch_size: as in
            `compare`.
        init: how weights start. The scale is a factor on it: with normal(1) it is the standard deviation itself.
        bias_init: how biases start.
        seed: of the start; the same for every network, unless it is an axis.
        precision: "float64", as in `compare`, or "float32".
        arithmetic: "unitwise" (same bits everywhere), or "blas" for large layers.
        in_memory: the data came as an object, so that no shell command can name it.
    """

    x: Axis = SCALE
    y: Axis = RATE
    size: tuple[int, int] = (128, 128)
    data: str = "planar"
    target: str | None = None
    task: str | None = None
    impute: bool = False
    init: str = "normal(1)"
    bias_init: str = "zeros"
    layers: tuple[int, ...] = (4,)
    activation: str = "tanh"
    loss: str = "auto"
    seed: int = 0
    iterations: int = 500
    learning_rate: float = 1.2
    optimizer: str = "gd"
    batch_size: int | None = None
    precision: str = "float64"
    arithmetic: str = "unitwise"
    in_memory: bool = False

    def __post_init__(self) -> None:
        for name in ("x", "y"):
            axis: Axis | str = getattr(self, name)
            object.__setattr__(self, name, Axis.parse(axis) if isinstance(axis, str) else axis)
        object.__setattr__(self, "size", tuple(self.size))
        if len(self.size) != 2:
            raise InvalidInput("a map has a width and a height", got=self.size, allowed="two numbers", hint="128x128")
        for count in self.size:
            check_count("the size of a map", count, least=1, most=MOST_POINTS)
        check_count("the seed", self.seed, least=0)
        if self.precision not in PRECISIONS:
            raise UnknownName.among("precision", self.precision, PRECISIONS)
        if self.x.name == self.y.name:
            raise InvalidInput("the axes are two", got=f"{self.x.name} twice", allowed="two names", hint="scale")
        compared = self.compared
        object.__setattr__(self, "layers", compared.layers)
        object.__setattr__(self, "learning_rate", compared.learning_rate)
        object.__setattr__(self, "iterations", compared.iterations)
        # What fits at the corners fits between them.
        for x in (self.x.low, self.x.high):
            for y in (self.y.low, self.y.high):
                corner = self.cell(x, y)
                optimizers.get(corner.optimizer)
                for init in (*corner.inits, corner.bias_init):
                    initializers.get(init)

    @property
    def compared(self) -> Settings:
        """What `compare` would be asked, apart from the axes: one network."""
        names = {field.name for field in fields(Settings)} & {field.name for field in fields(self)}
        return Settings(**{name: getattr(self, name) for name in names}, inits=(self.init,), seeds=1)

    @cached_property
    def xs(self) -> Array:
        """The values along x, ascending: (n,), read-only."""
        return _frozen(self.x.points(self.size[0]))

    @cached_property
    def ys(self) -> Array:
        """The values along y, ascending: (m,), read-only."""
        return _frozen(self.y.points(self.size[1]))

    def cell(self, x: float, y: float) -> Cell:
        """Return the one network at this point."""
        return cell(self, {self.x.name: float(x), self.y.name: float(y)})

    @property
    def command(self) -> str:
        """The command that draws this map again: for the shell, or in Python if the data is held in memory.

        >>> MapSettings(x="depth:1:8", size=(8, 64), init="he").command
        'symbreak map --x depth:1:8:linear --size 8x64 --init he'
        """
        changed = self._changed()
        if changed.pop("in_memory", False):
            changed.pop("data", None)
            return f"symbreak.map({', '.join(['data', *(f'{k}={v!r}' for k, v in changed.items())])})"
        if "size" in changed:
            changed["size"] = "x".join(map(str, self.size))
        return shlex.join(["symbreak", "map", *(word for k, v in changed.items() for word in option(k, v))])

    def _changed(self) -> dict[str, Any]:
        given = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        return {name: value.text if isinstance(value, Axis) else value for name, value in given.items()}

    def command_at(self, x: float, y: float) -> str:
        """The command that trains the one network at this point, with the same bits.

        It is a `symbreak compare` where that can ask for such a network, which then tells more of it, and else a
        `symbreak map --at`.

        >>> MapSettings().command_at(0.3, 1.2)
        "symbreak compare --init 'normal(0.3)' --seeds 1 --iterations 500"
        """
        one = self.cell(x, y)
        if one.plain and self.precision == "float64" and not self.in_memory:
            return replace(
                self.compared,
                inits=one.inits[:1],
                layers=one.layers,
                learning_rate=one.rates[0],
                optimizer=one.optimizer,
                seeds=one.seed + 1,
            ).command
        if self.in_memory:
            return f"{self.command[:-1]}, at=({x!r}, {y!r}))"
        return f"{self.command} --at {x!r},{y!r}"

    def window(self, x: tuple[float, float], y: tuple[float, float]) -> MapSettings:
        """Return the same map between other ends, at the same size."""
        return replace(self, x=self.x.between(*x), y=self.y.between(*y))

    def to_json(self) -> dict[str, Any]:
        """Return plain data; the axes in their text form."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**plain, "x": self.x.text, "y": self.y.text, "size": list(self.size), "layers": list(self.layers)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> MapSettings:
        """Read back what `to_json` wrote.

        >>> MapSettings.from_json(MapSettings().to_json()) == MapSettings()
        True
        """
        return cls(**{**data, "size": tuple(data["size"]), "layers": tuple(data["layers"])})

    @property
    def digest(self) -> str:
        """SHA-256 of the settings."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()


def parse_size(text: str) -> tuple[int, int]:
    """Read "256x128" (columns x rows), or "256" for a square.

    >>> parse_size("256x128"), parse_size("64")
    ((256, 128), (64, 64))
    """
    sides = text.lower().split("x")
    if len(sides) <= 2 and all(side.strip().isdecimal() for side in sides):
        return int(sides[0]), int(sides[-1])
    raise InvalidInput("a size is columns x rows", got=text, allowed="256x256, or 256", hint="128x128")


def parse_window(text: str) -> tuple[tuple[float, float], tuple[float, float]]:
    """Read "x0:x1,y0:y1".

    >>> parse_window("0.1:1,1e-2:3")
    ((0.1, 1.0), (0.01, 3.0))
    """
    try:
        (x0, x1), (y0, y1) = (map(float, side.split(":")) for side in text.split(","))
    except ValueError:
        raise InvalidInput("a window is x0:x1,y0:y1", got=text, allowed="two intervals", hint="0.1:1,0.5:5") from None
    return (x0, x1), (y0, y1)


def parse_point(text: str) -> tuple[float, float]:
    """Read "x,y".

    >>> parse_point("0.3,1.2")
    (0.3, 1.2)
    """
    try:
        x, y = map(float, text.split(","))
    except ValueError:
        raise InvalidInput("a point is x,y", got=text, allowed="two numbers", hint="0.3,1.2") from None
    return x, y


def _frozen(values: Array) -> Array:
    values.flags.writeable = False
    return values
