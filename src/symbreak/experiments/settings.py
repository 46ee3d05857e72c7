"""What a comparison is asked to do, checked once, and the command that asks for it again."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from symbreak import initializers
from symbreak.errors import InvalidInput
from symbreak.initializers import Initializer
from symbreak.network import arithmetic as arithmetics
from symbreak.network import losses, optimizers
from symbreak.network.training import check_count, check_rate
from symbreak.numerics import Activation, activations

DEFAULT_INITS = ("zeros", "constant(0.5)", "normal(0.01)", "normal(1)", "normal(100)", "xavier", "he")


@dataclass(frozen=True)
class Settings:
    """One comparison. The defaults are the lesson: its network, its data, its rate.

    Attributes:
        data: a data set's name, or a path.
        target: the column to learn, for CSV and Parquet files.
        task: "classification" or "regression", where the targets could be read both ways.
        impute: fill missing values in files.
        inits: initializers, in their text form.
        layers: sizes of the hidden layers; empty for logistic regression.
        activation: of the hidden layers.
        loss: "auto" takes cross-entropy for classes and squared error for numbers.
        seeds: how many; seed 0, 1, ... for every initialization.
        batch_size: None for the full batch.
        arithmetic: "unitwise" (tied units stay tied, same bits everywhere) or "blas".
        in_memory: the data came as an object, so that no shell command can name it.
    """

    data: str = "planar"
    target: str | None = None
    task: str | None = None
    impute: bool = False
    inits: tuple[str, ...] = DEFAULT_INITS
    layers: tuple[int, ...] = (4,)
    activation: str = "tanh"
    loss: str = "auto"
    seeds: int = 20
    iterations: int = 2000
    learning_rate: float = 1.2
    optimizer: str = "gd"
    batch_size: int | None = None
    arithmetic: str = "unitwise"
    in_memory: bool = False

    def __post_init__(self) -> None:
        if not self.inits:
            raise InvalidInput(
                "there must be something to compare", got="no initialization", allowed="one or more", hint="he"
            )
        for init in self.inits:
            initializers.get(init)
        for size in self.layers:
            check_count("the size of a hidden layer", size, least=1)
        check_count("seeds", self.seeds, least=1)
        check_count("iterations", self.iterations, least=1)
        check_rate(self.learning_rate)
        if self.batch_size is not None:
            check_count("the batch size", self.batch_size, least=1)
        activations.get(self.activation)
        optimizers.get(self.optimizer)
        arithmetics.get(self.arithmetic)
        if self.loss != "auto":
            losses.get(self.loss)
        if not isinstance(self.impute, bool):
            raise InvalidInput("impute is a yes or no", got=self.impute, allowed="True or False", hint="impute=True")
        # NumPy's numbers would not go to JSON.
        for name, kind in (("seeds", int), ("iterations", int), ("learning_rate", float)):
            object.__setattr__(self, name, kind(getattr(self, name)))
        object.__setattr__(self, "layers", tuple(int(size) for size in self.layers))

    @property
    def command(self) -> str:
        """The command that makes this comparison again: for the shell, or in Python if the data is held in memory.

        >>> Settings(inits=("zeros", "normal(0.01)"), layers=(64, 64)).command
        "symbreak compare --init zeros --init 'normal(0.01)' --layers 64,64"
        """
        changed = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        if changed.pop("in_memory", False):
            changed.pop("data", None)
            return f"symbreak.compare({', '.join(['data', *(f'{k}={v!r}' for k, v in changed.items())])})"
        return shlex.join(["symbreak", "compare", *(word for k, v in changed.items() for word in option(k, v))])


def parse_layers(text: str) -> tuple[int, ...]:
    """Read "4", "64,64", or "0" for no hidden layer.

    >>> parse_layers("64,64"), parse_layers("0")
    ((64, 64), ())
    """
    try:
        sizes = tuple(int(part) for part in text.split(","))
    except ValueError:
        sizes = (-1,)
    if sizes == (0,):
        return ()
    if any(size < 1 for size in sizes):
        raise InvalidInput(
            "hidden layers are whole numbers >= 1, separated by commas",
            got=text,
            allowed="4, or 64,64, or 0 for none",
            hint="4",
        )
    return sizes


def layer_sizes(layers: int | str | Sequence[int]) -> tuple[int, ...]:
    """Return the sizes of hidden layers however they are given: as a text, as numbers, one number for one layer.

    >>> layer_sizes("64,64"), layer_sizes([3, 2]), layer_sizes(4), layer_sizes(0)
    ((64, 64), (3, 2), (4,), ())
    """
    if isinstance(layers, str):
        return parse_layers(layers)
    if isinstance(layers, Iterable):
        return tuple(layers)
    return () if layers == 0 else (layers,)


def init_text(init: str | Initializer) -> str:
    """Return the text form of an initializer, its arguments written the short way."""
    return _text("initializer", init, initializers.get, str(init))


def activation_text(activation: str | Activation) -> str:
    """Return the text form of an activation."""
    return _text("activation", activation, activations.get, getattr(activation, "text", activation))


def _text(kind: str, asked: Any, get: Callable[[Any], Any], text: Any) -> str:
    """Return the text that names this object; a comparison is recorded as text, so what has none is refused."""
    found = get(text)
    if isinstance(asked, str) or found == asked:
        return str(getattr(found, "text", found))
    raise InvalidInput(
        f"a comparison takes an {kind} of the catalogue, so that its record can make it again",
        got=f"{asked!r}, which is not what {text!r} stands for",
        allowed="a name with its arguments",
        hint=f"{text}, or train your own with symbreak.network.descend",
    )


def option(name: str, value: object) -> list[str]:
    """Return the words of the command line that give a setting this value."""
    if name == "inits" and isinstance(value, Sequence):
        return [word for init in value for word in ("--init", str(init))]
    option = f"--{name.replace('_', '-')}"
    if value is True:
        return [option]
    if name == "layers" and isinstance(value, Sequence):
        return [option, ",".join(map(str, value)) or "0"]
    return [option, str(value)]
