"""The callable that every name of the catalogue stands for: name + shape + seed -> array."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from symbreak.errors import InvalidInput
from symbreak.initializers import fans
from symbreak.initializers.law import Law

Seed = int | str


@dataclass(frozen=True)
class Weight:
    """Which tensor is to be made: its logical shape (out, in, *spatial), its groups, and the address of its bits."""

    shape: fans.Shape
    seed: Seed
    name: str
    dtype: np.dtype[Any]


class Rule(Protocol):
    """What an initializer does, apart from its name: a frozen dataclass, so that equal rules are equal."""

    @property
    def formula(self) -> str:
        """The law in symbols, for any shape."""

    def law(self, shape: fans.Shape) -> Law:
        """The law of an entry of a tensor of this logical shape."""

    def draw(self, weight: Weight) -> NDArray[Any]:
        """The tensor in logical layout."""


@dataclass(frozen=True)
class Initializer:
    """An initializer: called with a shape and a seed it returns an array; `law` tells what the array follows.

    Two initializers are equal if they do the same, whatever they were called: `get("he") == get("he_normal")`.

    >>> from symbreak.initializers import he_normal
    >>> he_normal()
    he_normal: N(0, 2/fan_in), not truncated
    >>> he_normal()((4, 3), seed=0, name="layer1.weight").shape
    (4, 3)
    >>> he_normal().law((4, 3)).variance
    0.6666666666666666
    """

    text: str = field(compare=False)
    rule: Rule

    def __call__(
        self,
        shape: fans.Shape | int,
        *,
        seed: Seed,
        name: str = "",
        layout: str = "out_in",
        dtype: DTypeLike = np.float32,
    ) -> NDArray[Any]:
        """Return a new array; the same seed, name and index give the same value in every layout and dtype.

        Args:
            shape: (out, in, *spatial), or as `layout` orders it; fewer dimensions for a bias.
            seed: an int of any size, or a string.
            name: the parameter's name; two names of one seed are independent.
            layout: "out_in", or "in_out" for (*spatial, in, out).
            dtype: a floating type; one float32 value is made, then widened or rounded.

        Raises:
            InvalidShape: a shape that is none, or that this initializer cannot fill.
            InvalidInput: a dtype that is not floating.
        """
        sizes = fans.logical_shape(fans.checked_shape(shape), layout=layout)
        weight = Weight(sizes, seed, name, _floating(dtype))
        return fans.to_layout(self.rule.draw(weight), layout=layout)

    def law(self, shape: fans.Shape | int, *, layout: str = "out_in") -> Law:
        """Return the law of an entry of an array of this shape."""
        return self.rule.law(fans.logical_shape(fans.checked_shape(shape), layout=layout))

    @property
    def formula(self) -> str:
        """The law in symbols."""
        return self.rule.formula

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"{self.text}: {self.formula}"


def _floating(dtype: DTypeLike) -> np.dtype[Any]:
    chosen = np.dtype(dtype)
    # ml_dtypes registers bfloat16 with kind "V", so its name decides.
    if chosen.kind == "f" or chosen.name in ("bfloat16", "float16"):
        return chosen
    raise InvalidInput(
        "weights are floating-point numbers",
        got=f"dtype {chosen.name}",
        allowed="float32, float64, float16, bfloat16",
        hint="float32",
    )
