"""How many inputs feed a unit and how many outputs it feeds; the one place that knows weight layouts.

The logical layout is (out, in, *spatial). `out_in` is that layout (PyTorch and the lesson's W of shape
(n_out, n_in)); `in_out` is (*spatial, in, out) (Keras, Flax, JAX).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from symbreak.errors import InvalidInput, InvalidShape, UnknownName

Shape = tuple[int, ...]
Axis = TypeVar("Axis")


@dataclass(frozen=True)
class Fans:
    """`fan_in` inputs feed one output unit; `fan_out` outputs are fed by one input unit."""

    fan_in: int
    fan_out: int

    @property
    def average(self) -> float:
        """The mean of both, as Glorot and Bengio use it."""
        return (self.fan_in + self.fan_out) / 2


def fans(shape: Shape, *, layout: str = "out_in", groups: int = 1, transposed: bool = False) -> Fans:
    """Return the fans of a weight of this shape.

    For a matrix, (n_in, n_out). For a convolution both are multiplied by the number of taps of the kernel. With
    groups, an output sees `in` channels of its own group only (the shape holds in / groups already) and an input
    feeds out / groups outputs. A transposed convolution stores (in, out / groups, *spatial).

    Raises:
        InvalidShape: fewer than two dimensions, or outputs that the groups do not divide.

    >>> fans((64, 784))
    Fans(fan_in=784, fan_out=64)
    >>> fans((3, 3, 16, 32), layout="in_out")
    Fans(fan_in=144, fan_out=288)
    >>> fans((32, 1, 3, 3), groups=32)
    Fans(fan_in=9, fan_out=9)
    """
    first, second, *spatial = logical_shape(_matrix_like(shape), layout=layout)
    taps = math.prod(spatial)
    if first % groups:
        raise InvalidShape(
            "the groups must divide the first dimension",
            got=f"shape {shape}, groups={groups}",
            allowed=f"a divisor of {first}",
            hint="groups=1",
        )
    own, shared = second * taps, first // groups * taps
    return Fans(shared, own) if transposed else Fans(own, shared)


def checked_shape(shape: Any) -> Shape:
    """Return the shape as a tuple of ints >= 0; one int is a vector's length."""
    try:
        sizes = tuple(operator.index(size) for size in (shape if np.iterable(shape) else (shape,)))
    except TypeError:
        sizes = (-1,)
    if any(size < 0 for size in sizes) or isinstance(shape, bool):
        raise InvalidShape("a shape is made of whole numbers >= 0", got=shape, allowed="such as (4, 2)", hint="(4, 2)")
    return sizes


def logical_shape(shape: Shape, *, layout: str) -> Shape:
    """Return the shape as (out, in, *spatial); vectors and scalars stay as they are."""
    return logical_axes(shape, layout=layout)


def logical_axes(values: Sequence[Axis], *, layout: str) -> tuple[Axis, ...]:
    """Return what is given for each axis of a tensor, such as its size or a slice, in the order of logical layout."""
    to_logical, _ = _orders(layout)
    return tuple(values[axis] for axis in to_logical(len(values)))


def to_layout(logical: NDArray[Any], *, layout: str) -> NDArray[Any]:
    """Return an array of logical layout as a contiguous array of the layout asked for."""
    _, from_logical = _orders(layout)
    permuted = logical.transpose(from_logical(logical.ndim))
    return np.ascontiguousarray(permuted).reshape(permuted.shape)


def _out_in(ndim: int) -> Shape:
    return tuple(range(ndim))


def _in_out_to_logical(ndim: int) -> Shape:
    return _out_in(ndim) if ndim < 2 else (ndim - 1, ndim - 2, *range(ndim - 2))


def _logical_to_in_out(ndim: int) -> Shape:
    return _out_in(ndim) if ndim < 2 else (*range(2, ndim), 1, 0)


Order = Callable[[int], Shape]
LAYOUTS: dict[str, tuple[Order, Order]] = {
    "out_in": (_out_in, _out_in),
    "in_out": (_in_out_to_logical, _logical_to_in_out),
}


def _orders(layout: str) -> tuple[Order, Order]:
    if layout not in LAYOUTS:
        raise UnknownName.among("layout", layout, LAYOUTS)
    return LAYOUTS[layout]


def _matrix_like(shape: Any) -> Shape:
    sizes = checked_shape(shape)
    if len(sizes) < 2:
        raise InvalidShape(
            "fans need a weight of at least two dimensions; a bias has none",
            got=f"shape {sizes}",
            allowed="(out, in) or (out, in, *spatial)",
            hint="zeros() for a bias",
        )
    return sizes


def positive_fan(value: float, shape: Shape) -> float:
    """Return the fan, refusing one of 0: no variance can be derived from it."""
    if value <= 0:
        raise InvalidInput(
            "a scale can only be derived from fans above 0",
            got=f"shape {shape}",
            allowed="a weight with at least one input and one output",
            hint="(4, 2)",
        )
    return value
