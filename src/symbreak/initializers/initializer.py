"""The callable that every name of the catalogue stands for: name + shape + seed -> array."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from symbreak.errors import InvalidInput
from symbreak.initializers import fans, parts
from symbreak.initializers.law import Law
from symbreak.random.arguments import checked_out
from symbreak.random.index import Index

Seed = int | str


@dataclass(frozen=True)
class Weight:
    """Which part of which tensor is to be made: the whole's logical shape (out, in, *spatial) and the address of its
    bits; `index` in logical layout, None for all of it; and where the values may be written, if the rule can."""

    shape: fans.Shape
    seed: Seed
    name: str
    dtype: np.dtype[Any]
    index: Index | None = None
    out: NDArray[Any] | None = None

    @property
    def address(self) -> dict[str, Any]:
        """What the laws of `symbreak.random` take besides their own numbers."""
        return {"seed": self.seed, "name": self.name, "dtype": self.dtype, "index": self.index, "out": self.out}


class Rule(Protocol):
    """What an initializer does, apart from its name: a frozen dataclass, so that equal rules are equal."""

    @property
    def formula(self) -> str:
        """The law in symbols, for any shape."""

    def law(self, shape: fans.Shape) -> Law:
        """The law of an entry of a tensor of this logical shape."""

    def draw(self, weight: Weight) -> NDArray[Any]:
        """The part asked for, in logical layout: `weight.out`, filled, or a new array."""


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
        index: Index | None = None,
        out: NDArray[Any] | None = None,
    ) -> NDArray[Any]:
        """Return an array; the same seed, name and index give the same value in every layout and dtype.

        Args:
            shape: (out, in, *spatial), or as `layout` orders it; fewer dimensions for a bias.
            seed: an int of any size, or a string.
            name: the parameter's name; two names of one seed are independent.
            layout: "out_in", or "in_out" for (*spatial, in, out).
            dtype: a floating type; one float32 value is made, then widened or rounded.
            index: a part of the whole, in the caller's layout; only it is returned. Ints, slices and tuples of them
                mean whole[index]; a range or an array of integers are flat indices, whole.ravel()[index]; the parts
                that a list of such selects follow each other. Where entries are independent or follow from their
                position only the part is made, and no more memory is taken; `orthogonal` and `delta_orthogonal` make
                the columns (the rows of a wide matrix) that the part meets, in full length, and `sparse` the columns
                that it meets.
            out: an array of the part's shape and this dtype to fill and return, instead of a new one.

        Raises:
            InvalidShape: a shape that is none, or that this initializer cannot fill.
            InvalidInput: a dtype that is not floating, an index outside the shape, an `out` that does not fit.

        >>> from symbreak.initializers import he_normal
        >>> whole = he_normal()((6, 4), seed=0, name="w")
        >>> shard = he_normal()((6, 4), seed=0, name="w", index=slice(2, 5))
        >>> bool((shard == whole[2:5]).all())
        True
        """
        sizes, kind = fans.checked_shape(shape), _floating(dtype)
        target = None if out is None else checked_out(out, parts.shape_of(sizes, index), kind)
        weight = Weight(fans.logical_shape(sizes, layout=layout), seed, name, kind, index, out)
        values = self.rule.draw(weight) if layout == "out_in" else self._permuted(weight, sizes, layout)
        if target is None or values is target:
            return values
        target[...] = values
        return target

    def _permuted(self, weight: Weight, sizes: fans.Shape, layout: str) -> NDArray[Any]:
        """Draw in logical layout what the index means in the caller's."""
        index = parts.logical(sizes, weight.index, layout=layout)
        values = self.rule.draw(replace(weight, index=index, out=None))
        if index is None or isinstance(index, tuple):
            values = fans.to_layout(values, layout=layout)
        return values.reshape(parts.shape_of(sizes, weight.index))

    def law(self, shape: fans.Shape | int, *, layout: str = "out_in") -> Law:
        """Return the law of an entry of an array of this shape."""
        return self.rule.law(fans.logical_shape(fans.checked_shape(shape), layout=layout))

    @property
    def by_element(self) -> bool:
        """Whether a part costs what its elements cost: rules that say so with a `by_element` that is true."""
        return bool(getattr(self.rule, "by_element", False))

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
