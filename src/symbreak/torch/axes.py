"""Which axes of all tensors of a pass are one axis: whose units can be renamed everywhere at once.

An axis is a list of factors, the outer first: flattening (channels, height, width) gives one axis with three factors.
Two axes that an operation lines up have the same factors from then on; where their sizes differ, the larger factor is
split. A factor is fixed if renaming along it would change what is computed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from symbreak.torch.trace import Leaf, Ref

Axis = tuple[int, ...]
Shape = tuple[Axis, ...]


class Factors:
    """Factors with their sizes; each may turn out to be another one, to be a product of others, or to be fixed."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self._same: list[int] = []
        self._parts: dict[int, Axis] = {}
        self._fixed: set[int] = set()

    def new(self, size: int, *, fixed: bool = False) -> Axis:
        """Return an axis of one new factor; of none if its size is 1."""
        if size == 1:
            return ()
        self.sizes.append(size)
        self._same.append(len(self._same))
        if fixed:
            self._fixed.add(len(self._same) - 1)
        return (len(self._same) - 1,)

    def resolve(self, axis: Axis) -> Axis:
        """Return the factors that an axis consists of as is known now."""
        found: list[int] = []
        for factor in axis:
            root = self._root(factor)
            found += self.resolve(self._parts[root]) if root in self._parts else [root]
        return tuple(found)

    def size(self, axis: Axis) -> int:
        """Return the length of an axis."""
        return math.prod(self.sizes[factor] for factor in axis)

    def is_fixed(self, factor: int) -> bool:
        """Whether renaming along a factor would change what is computed."""
        return self._root(factor) in self._fixed

    def fix(self, axis: Axis) -> None:
        """Fix all factors of an axis."""
        self._fixed.update(self.resolve(axis))

    def equate(self, a: Axis, b: Axis) -> None:
        """Make two axes of equal length one; fix both where their factors cannot be matched."""
        left, right = list(self.resolve(a)), list(self.resolve(b))
        while left and right:
            x, y = left.pop(0), right.pop(0)
            if self.sizes[x] != self.sizes[y]:
                outer, inner = (x, right) if self.sizes[x] < self.sizes[y] else (y, left)
                larger = y if outer == x else x
                parts = self.split(larger, self.sizes[outer])
                if parts is None:
                    self.fix((x, y, *left, *right))
                    return
                x, y = outer, parts[0]
                inner[:0] = parts[1:]
            self._join(x, y)
        self.fix((*left, *right))

    def split(self, factor: int, outer: int) -> Axis | None:
        """Split a factor into one of size `outer` and the rest; None if that does not divide it."""
        if self.sizes[factor] % outer:
            return None
        fixed = factor in self._fixed
        parts = (*self.new(outer, fixed=fixed), *self.new(self.sizes[factor] // outer, fixed=fixed))
        self._parts[factor] = parts
        return parts

    def regroup(self, axes: Sequence[Axis], shape: Sequence[int]) -> Shape:
        """Return the axes after the same entries, in the same order, were given another shape."""
        pool = [factor for axis in axes for factor in self.resolve(axis)]
        found: list[Axis] = []
        for size in shape:
            taken: list[int] = []
            have = 1
            while have < size:
                if not pool:
                    return tuple(self.new(n, fixed=True) for n in shape)
                factor = pool.pop(0)
                need = size // have
                if self.sizes[factor] > need:
                    parts = self.split(factor, need) if size % have == 0 else None
                    if parts is None:
                        self.fix((factor, *pool, *taken))
                        return tuple(self.new(n, fixed=True) for n in shape)
                    factor, pool[:0] = parts[0], parts[1:]
                taken.append(factor)
                have *= self.sizes[factor]
            if have != size:
                self.fix((*pool, *taken))
                return tuple(self.new(n, fixed=True) for n in shape)
            found.append(tuple(taken))
        return tuple(found)

    def _root(self, factor: int) -> int:
        while self._same[factor] != factor:
            factor = self._same[factor]
        return factor

    def _join(self, a: int, b: int) -> None:
        a, b = self._root(a), self._root(b)
        if a == b:
            return
        if a in self._parts and b in self._parts:
            self.equate(self._parts[a], self._parts[b])
        elif a in self._parts:
            a, b = b, a
        self._same[a] = b
        if a in self._fixed:
            self.fix((b,))


class Lined:
    """Gives every tensor of a pass its axes.

    Attributes:
        factors: of all axes.
        leaves: axes of parameters and buffers that were met.
        made: axes of results, by record and output.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self.factors = Factors()
        self._shapes = shapes
        self.leaves: dict[str, Shape] = {}
        self.made: dict[tuple[int, int], Shape] = {}

    def axes(self, item: Any) -> Shape | None:
        """Return the axes of an argument; None for what is no tensor of the pass."""
        if isinstance(item, Leaf):
            if item.name not in self.leaves:
                self.leaves[item.name] = tuple(self.factors.new(n) for n in self._shapes[item.name])
            return self.leaves[item.name]
        return self.made.get((item.record, item.output)) if isinstance(item, Ref) else None

    def fix(self, axes: Iterable[Axis]) -> None:
        """Fix all axes of a tensor."""
        for axis in axes:
            self.factors.fix(axis)

    def fresh(self, shape: tuple[int, ...], *, fixed: bool) -> Shape:
        """Return axes for a new tensor."""
        return tuple(self.factors.new(n, fixed=fixed) for n in shape)
