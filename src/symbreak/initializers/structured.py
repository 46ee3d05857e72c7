"""Rules whose entries depend on their position: orthogonal, identity, Dirac, sparse."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from symbreak import random
from symbreak.errors import InvalidInput, InvalidShape
from symbreak.initializers import law as laws
from symbreak.initializers import parts
from symbreak.initializers.elementwise import require_finite, require_scale
from symbreak.initializers.fans import Shape
from symbreak.initializers.initializer import Weight
from symbreak.initializers.law import Law
from symbreak.initializers.parts import Flat
from symbreak.notation import number


@dataclass(frozen=True)
class Orthogonal:
    """A random matrix with W W^T or W^T W = gain^2 I, uniform over all of them (Haar); (out, in * taps) if more.

    Saxe, McClelland, Ganguli, arXiv:1312.6120.
    """

    gain: float

    def __post_init__(self) -> None:
        require_scale(self.gain, "orthogonal(1)")

    @property
    def formula(self) -> str:
        return f"{_times(self.gain)}Q, Q Haar with orthonormal rows or columns"

    def law(self, shape: Shape) -> Law:
        return _orthogonal_law(self.gain, *_flat(shape), self.formula)

    def draw(self, weight: Weight) -> NDArray[Any]:
        rows, columns = _flat(weight.shape)
        if weight.index is None:
            q = random.orthogonal(rows, columns, seed=weight.seed, name=weight.name)
            return _rounded(self.gain * q, weight).reshape(weight.shape)
        row, column = np.divmod(parts.flat(weight.shape, weight.index), max(1, columns))
        return _rounded(self.gain * _haar(weight, (rows, columns), row, column), weight)


@dataclass(frozen=True)
class DeltaOrthogonal:
    """A convolution kernel that is orthogonal at its central tap and 0 elsewhere. Xiao et al., arXiv:1806.05393."""

    gain: float

    def __post_init__(self) -> None:
        require_scale(self.gain, "delta_orthogonal(1)")

    @property
    def formula(self) -> str:
        return f"{_times(self.gain)}Q at the central tap, 0 elsewhere; Q Haar with orthonormal columns"

    def law(self, shape: Shape) -> Law:
        out, into, *spatial = _kernel("delta_orthogonal", shape)
        if out < into:
            raise InvalidShape(
                "delta_orthogonal needs at least as many outputs as inputs, or norms could not be kept",
                got=f"shape {shape}",
                allowed="(out, in, *spatial) with out >= in",
                hint="orthogonal()",
            )
        central = _orthogonal_law(self.gain, out, into, self.formula)
        shared = central.variance / math.prod(spatial)
        return Law("orthogonal", 0.0, shared, central.low, central.high, self.formula)

    def draw(self, weight: Weight) -> NDArray[Any]:
        self.law(weight.shape)
        out, into = weight.shape[:2]
        row, column, *tap = _coordinates(weight)
        kernel, central = np.zeros(row.shape), _at_centre(tap, weight.shape)
        kernel[central] = self.gain * _haar(weight, (out, into), row[central], column[central])
        return _rounded(kernel, weight)


@dataclass(frozen=True)
class Identity:
    """`gain` on the diagonal of a matrix of any shape, 0 elsewhere."""

    by_element: ClassVar[bool] = True
    gain: float

    def __post_init__(self) -> None:
        require_finite("the gain", self.gain)

    @property
    def formula(self) -> str:
        return f"{_times(self.gain)}I"

    def law(self, shape: Shape) -> Law:
        rows, columns = _matrix("identity", shape)
        share = min(rows, columns) / max(1, rows * columns)
        return laws.entries("identity", ((self.gain, share), (0.0, 1 - share)), self.formula)

    def draw(self, weight: Weight) -> NDArray[Any]:
        _, columns = _matrix("identity", weight.shape)
        row, column = np.divmod(parts.flat(weight.shape, weight.index), max(1, columns))
        return _rounded(np.where(row == column, self.gain, 0.0), weight)


@dataclass(frozen=True)
class Dirac:
    """A convolution kernel that passes channel d of each group on to output d of that group, unchanged."""

    by_element: ClassVar[bool] = True
    groups: int

    def __post_init__(self) -> None:
        if not isinstance(self.groups, (int, np.integer)) or isinstance(self.groups, bool) or self.groups < 1:
            raise InvalidInput(
                "groups must be a whole number >= 1", got=self.groups, allowed="1, 2, ...", hint="dirac(1)"
            )

    @property
    def formula(self) -> str:
        return "1 at the central tap from channel d to output d" + (
            f" of each of {self.groups} groups" * (self.groups > 1)
        )

    def law(self, shape: Shape) -> Law:
        ones = self.groups * self._channels(shape) / max(1, math.prod(shape))
        return laws.entries("dirac", ((1.0, ones), (0.0, 1 - ones)), self.formula)

    def draw(self, weight: Weight) -> NDArray[Any]:
        self._channels(weight.shape)
        row, column, *tap = _coordinates(weight)
        passed = row % max(1, weight.shape[0] // self.groups) == column
        return _rounded(np.where(passed & _at_centre(tap, weight.shape), 1.0, 0.0), weight)

    def _channels(self, shape: Shape) -> int:
        out, into, *_ = _kernel("dirac", shape)
        if out % self.groups:
            raise InvalidShape(
                "the groups must divide the outputs",
                got=f"shape {shape}, groups {self.groups}",
                allowed=f"a divisor of {out}",
                hint="dirac(1)",
            )
        return min(out // self.groups, into)


@dataclass(frozen=True)
class Sparse:
    """N(0, scale^2) with a share of each column set to 0: every input feeds equally many units. Martens, ICML 2010."""

    sparsity: float
    scale: float

    def __post_init__(self) -> None:
        require_scale(self.scale, "sparse(0.9, 0.01)")
        require_finite("the sparsity", self.sparsity)
        if not 0 <= self.sparsity <= 1:
            raise InvalidInput(
                "the sparsity is the share of zeros in a column",
                got=self.sparsity,
                allowed="0 to 1",
                hint="sparse(0.9)",
            )

    @property
    def formula(self) -> str:
        return f"N(0, {number(self.scale)}^2), {number(100 * self.sparsity)} % of each column set to 0"

    def law(self, shape: Shape) -> Law:
        rows, _ = _matrix("sparse", shape)
        kept = 1 - self._zeros(rows) / max(1, rows)
        return Law("sparse normal", 0.0, kept * self.scale**2, -math.inf, math.inf, self.formula, self.scale)

    def draw(self, weight: Weight) -> NDArray[Any]:
        rows, columns = _matrix("sparse", weight.shape)
        w = random.normal(weight.shape, scale=self.scale, **(weight.address | {"dtype": np.float32, "out": None}))
        row, column = np.divmod(parts.flat(weight.shape, weight.index), max(1, columns))
        wanted = _hull(column)
        words = random.bits(
            weight.shape, seed=weight.seed, name=f"{weight.name}/pattern", index=(slice(None), slice(*wanted))
        )
        # The rows with the smallest words are a uniformly random subset; a stable sort settles equal words by row.
        chosen = np.argsort(words, axis=0, kind="stable")[: self._zeros(rows)]
        zero = np.zeros(words.shape, bool)
        np.put_along_axis(zero, chosen, True, axis=0)
        w[zero[row, column - wanted[0]]] = 0
        return w.astype(weight.dtype)

    def _zeros(self, rows: int) -> int:
        return math.ceil(self.sparsity * rows)


def _orthogonal_law(gain: float, rows: int, columns: int, formula: str) -> Law:
    # The squares of a unit vector of length n sum to 1, so each has expectation 1/n; symmetry makes the mean 0.
    variance = gain * gain / max(1, rows, columns)
    return Law("orthogonal", 0.0, variance, -gain, gain, formula)


def _rounded(values: NDArray[np.float64], weight: Weight) -> NDArray[Any]:
    """One float32 value per entry is the promise; other types follow from it."""
    return np.asarray(values).astype(np.float32).astype(weight.dtype)


def _times(gain: float) -> str:
    return "" if gain == 1 else f"{number(gain)} "


def _flat(shape: Shape) -> tuple[int, int]:
    if len(shape) < 2:
        raise _misshapen("orthogonal", shape, "(out, in) or (out, in, *spatial)", "(4, 2)")
    return shape[0], math.prod(shape[1:])


def _matrix(name: str, shape: Shape) -> tuple[int, int]:
    if len(shape) != 2:
        raise _misshapen(name, shape, "a matrix (out, in)", "(4, 2)")
    return shape[0], shape[1]


def _kernel(name: str, shape: Shape) -> Shape:
    if not 3 <= len(shape) <= 5:
        raise _misshapen(
            name, shape, "a convolution kernel (out, in, *spatial) with 1 to 3 spatial sizes", "(8, 4, 3, 3)"
        )
    return shape


def _coordinates(weight: Weight) -> tuple[Flat, ...]:
    """Return the position of each element of the part on each axis."""
    found: tuple[Flat, ...] = np.unravel_index(parts.flat(weight.shape, weight.index), weight.shape)
    return found


def _at_centre(taps: list[Flat], shape: Shape) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.logical_and.reduce(
        [tap == size // 2 for tap, size in zip(taps, shape[2:], strict=True)]
    )
    return found


def _haar(weight: Weight, size: tuple[int, int], row: Flat, column: Flat) -> NDArray[np.float64]:
    """Return these elements of the orthogonal matrix; only the columns (of a wide one, rows) that they lie in are
    made."""
    rows, columns = size
    short = column if rows >= columns else row
    first, last = _hull(short)
    q = random.orthogonal(rows, columns, seed=weight.seed, name=weight.name, part=range(first, last))
    values: NDArray[np.float64] = q[row, column - first] if rows >= columns else q[row - first, column]
    return values


def _hull(positions: Flat) -> tuple[int, int]:
    return (int(positions.min()), int(positions.max()) + 1) if positions.size else (0, 0)


def _misshapen(name: str, shape: Shape, allowed: str, hint: str) -> InvalidShape:
    return InvalidShape(f"{name} cannot fill a tensor of this shape", got=f"shape {shape}", allowed=allowed, hint=hint)
