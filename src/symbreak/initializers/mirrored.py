"""Weights in pairs of opposite sign, with which a deep network starts as a linear one.

Where g(z) - g(-z) is a multiple of z (ReLU, leaky ReLU, GELU, SiLU, softplus), units z and -z together carry z without
loss: a layer that reads their difference is linear at the start, however many follow each other, and with orthogonal
blocks no direction fades. The units of a pair see different gradients from the first step on.
Balduzzi et al., "The shattered gradients problem", arXiv:1702.08591, section 4 ("looks linear").
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.errors import InvalidShape, UnknownName
from symbreak.initializers import parts
from symbreak.initializers.initializer import Initializer, Weight
from symbreak.initializers.law import Law
from symbreak.initializers.structured import Orthogonal
from symbreak.notation import number

Shape = tuple[int, ...]
SIDES = {"out": (0,), "in": (1,), "both": (0, 1)}


@dataclass(frozen=True)
class Mirrored:
    """gain times Q, repeated with opposite sign along the axes of the outputs, of the inputs, or of both."""

    gain: float
    side: str

    def __post_init__(self) -> None:
        if self.side not in SIDES:
            raise UnknownName.among("side of mirrored", self.side, SIDES)

    @property
    def formula(self) -> str:
        """The law in symbols."""
        block = {"out": "[Q; -Q]", "in": "[Q, -Q]", "both": "[Q, -Q; -Q, Q]"}[self.side]
        return f"{number(self.gain)} {block}, Q Haar with orthonormal rows or columns"

    def law(self, shape: Shape) -> Law:
        """Return the law of an entry: that of the block, which is symmetric about 0."""
        return replace(self._block.law(self._half(shape)), formula=self.formula)

    def draw(self, weight: Weight) -> NDArray[Any]:
        """Draw the block where the part asks for it, with the sign of the place."""
        flat = parts.flat(weight.shape, weight.index)
        half = self._half(weight.shape)
        if not flat.size:
            return np.empty(flat.shape, weight.dtype)
        places = list(np.unravel_index(flat, weight.shape))
        sign = np.ones(flat.shape)
        for axis in SIDES[self.side]:
            sign = np.where(places[axis] < half[axis], sign, -sign)
            places[axis] = places[axis] % half[axis]
        index = np.ravel_multi_index(tuple(places), half)
        block = self._block.draw(replace(weight, shape=half, index=index, out=None))
        return np.where(sign > 0, block, -block).astype(weight.dtype)

    @property
    def _block(self) -> Orthogonal:
        return Orthogonal(self.gain)

    def _half(self, shape: Shape) -> Shape:
        axes = SIDES[self.side]
        if len(shape) < 2 or any(shape[axis] % 2 for axis in axes):
            raise InvalidShape(
                "mirrored weights come in pairs",
                got=f"shape {shape}, mirrored along {self.side}",
                allowed="(out, in, *spatial) with an even number along what is mirrored",
                hint="orthogonal(1)",
            )
        return tuple(size // 2 if axis in axes else size for axis, size in enumerate(shape))


def mirrored(gain: float = 1.0, side: str = "both") -> Initializer:
    """Return gain times an orthogonal block with its negative beside it.

    >>> w = mirrored(1.0, "in")((2, 4), seed=0, name="w")
    >>> bool((w[:, :2] == -w[:, 2:]).all())
    True
    """
    return Initializer(f"mirrored({number(gain)}, {side})", Mirrored(gain, side))
