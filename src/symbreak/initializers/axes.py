"""Tensors whose inputs or outputs lie on any axes, such as the kernels of attention: (embedding, heads, size)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from symbreak.errors import InvalidInput
from symbreak.initializers import parts
from symbreak.initializers.fans import Shape, checked_shape
from symbreak.initializers.initializer import Initializer, Seed
from symbreak.initializers.parts import Index


@dataclass(frozen=True)
class Axes:
    """A layout: the axes of the inputs and of the outputs, in order; the others are spatial.

    The tensor is that of logical shape (product of the outputs, product of the inputs, *spatial) with its axes moved:
    so its fans are right, and an orthogonal one is orthogonal as the map that it is.

    >>> from symbreak.initializers import he_normal
    >>> query = Axes(inputs=(0,), outputs=(1, 2))
    >>> query.logical_shape((64, 4, 16))
    (64, 64)
    >>> kernel = drawn(he_normal(), (64, 4, 16), layout=query, seed=0, name="query")
    >>> matrix = he_normal()((64, 64), seed=0, name="query")
    >>> bool((kernel.reshape(64, 64) == matrix.T).all())
    True
    """

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def order(self, dimensions: int) -> Shape:
        """Return the stored axes in logical order; a tensor without inputs and outputs, such as a bias, stays."""
        if dimensions < 2:
            return tuple(range(dimensions))
        given = (*self.outputs, *self.inputs)
        named = [axis % dimensions for axis in given if -dimensions <= axis < dimensions]
        if len(set(named)) < len(given):
            raise InvalidInput(
                "each axis is an input, an output or spatial",
                got=f"inputs {self.inputs} and outputs {self.outputs} of {dimensions} axes",
                allowed="axes of the tensor, each named once",
                hint="Axes(inputs=(0,), outputs=(1, 2))",
            )
        return (*named, *(axis for axis in range(dimensions) if axis not in named))

    def logical_shape(self, shape: Shape) -> Shape:
        """Return the shape (out, in, *spatial) of the tensor stored with this shape."""
        if len(shape) < 2:
            return shape
        sizes = [shape[axis] for axis in self.order(len(shape))]
        outputs, inputs = len(self.outputs), len(self.inputs)
        spatial = sizes[outputs + inputs :]
        return (math.prod(sizes[:outputs]), math.prod(sizes[outputs : outputs + inputs]), *spatial)


Layout = str | Axes


def drawn(
    init: Initializer,
    shape: Shape | int,
    *,
    layout: Layout,
    seed: Seed,
    name: str = "",
    dtype: DTypeLike = np.float32,
    index: Index | None = None,
) -> NDArray[Any]:
    """Return what the initializer gives for a tensor of any layout, or the part of it that `index` selects."""
    address: dict[str, Any] = {"seed": seed, "name": name, "dtype": dtype}
    if isinstance(layout, str):
        return init(shape, layout=layout, index=index, **address)
    sizes = checked_shape(shape)
    order, logical = layout.order(len(sizes)), layout.logical_shape(sizes)
    moved = [sizes[axis] for axis in order]
    if index is None:
        whole = init(logical, **address).reshape(moved)
        return np.ascontiguousarray(whole.transpose(np.argsort(order))).reshape(sizes)
    coordinates = np.unravel_index(parts.flat(sizes, index), sizes)
    return init(logical, index=np.ravel_multi_index([coordinates[axis] for axis in order], moved), **address)


def require_drawable(name: str, init: Initializer, shape: Shape, *, layout: Layout, dtype: DTypeLike) -> None:
    """Refuse, by name, a tensor that the law cannot fill; nothing of it is made.

    Raises:
        InvalidInput: what `init` says of this shape and dtype.

    >>> from symbreak.initializers import he_normal
    >>> require_drawable("dense.bias", he_normal(), (4,), layout="in_out", dtype=np.float32)
    Traceback (most recent call last):
    symbreak.errors.InvalidShape: dense.bias: fans need a weight of at least two dimensions; a bias has none
      got: shape (4,)
      allowed: (out, in) or (out, in, *spatial)
      try: zeros() for a bias
    """
    try:
        drawn(init, shape, layout=layout, seed=0, dtype=dtype, index=range(0))
    except InvalidInput as error:
        raise type(error)(f"{name}: {error.rule}", got=error.got, allowed=error.allowed, hint=error.hint) from error
