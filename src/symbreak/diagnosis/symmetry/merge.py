"""The smaller network that computes the same, now and after every update of gradient descent."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.diagnosis.symmetry.classes import UnitClass
from symbreak.diagnosis.symmetry.rules import Range
from symbreak.diagnosis.symmetry.symmetry import Symmetry, symmetry
from symbreak.network import Network
from symbreak.network.optimizers import Optimizer

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Merged:
    """One unit for each class, and the rates under which gradient descent on it is gradient descent on the original.

    Attributes:
        network: the smaller network; a layer whose units are all zero keeps one of them.
        rate_factors: for W1, b1, W2, b2, ...: what to multiply the learning rate with, entry by entry. A class of m
            units learns m times as fast on its outgoing weights, and 1/m times on its incoming weights and its bias.
        groups: for each hidden layer, the units of the original that each unit of the smaller network stands for; units
            that are zero beside others are left out.
    """

    network: Network
    rate_factors: tuple[Array, ...]
    groups: tuple[tuple[tuple[int, ...], ...], ...]

    @property
    def kept(self) -> tuple[tuple[int, ...], ...]:
        """For each hidden layer, the unit that stands for each class."""
        return tuple(tuple(units[0] for units in layer) for layer in self.groups)

    def updated(self, gradients: Sequence[Array], learning_rate: float) -> Merged:
        """Return the network after one update of gradient descent with these gradients of the smaller network."""
        trios = zip(self.network.parameters, gradients, self.rate_factors, strict=True)
        new = [p - learning_rate * factor * g for p, g, factor in trios]
        return replace(self, network=self.network.with_parameters(new))


def merge(
    network: Network | Symmetry, *, optimizer: str | Optimizer = "gd", input_range: Range | None = None
) -> Merged:
    """Return the network with one unit for each class; what it answers differs by rounding only.

    W'_CD = sum of f_j W_rj over the units j of D, for the unit r that stands for C; b'_C = b_r. With S_C the sum of
    f_i^2 over C (the number of units, if all factors are 1 or -1), the learning rate of W'_CD is S_D / S_C times that
    of the original, and 1 / S_C times for b'_C.

    Raises:
        InvalidInput, InvalidShape: as `symmetry`.

    >>> same = merge(Network.initialize((2, 4, 1), "zeros", seed=0, activation="sigmoid"))
    >>> same.network, same.rate_factors[0].tolist(), same.rate_factors[2].tolist()
    (Network(2-1-1, sigmoid, cross-entropy), [[0.25, 0.25]], [[4.0]])
    """
    found = (
        network if isinstance(network, Symmetry) else symmetry(network, optimizer=optimizer, input_range=input_range)
    )
    inner = [[c for c in layer.classes if not c.zero] for layer in found.layers]
    groups = [_singles(found.network.sizes[0]), *map(_groups, inner), _singles(found.network.sizes[-1])]
    arrays, rates = [], []
    for layer, (below, above) in enumerate(itertools.pairwise(groups)):
        arrays += _merged(found.network.weights[layer], found.network.biases[layer], below, above)
        low, high = _squares(below), _squares(above)
        rates += [low[None, :] / high[:, None], 1 / high[:, None]]
    hidden = zip(groups[1:-1], found.network.sizes[1:-1], strict=True)
    stands_for = tuple(tuple(tuple(range(size)) if g.zero else g.units for g in layer) for layer, size in hidden)
    return Merged(found.network.with_parameters(arrays), tuple(rates), stands_for)


@dataclass(frozen=True)
class _Group:
    units: tuple[int, ...]
    factors: tuple[float, ...]
    zero: bool = False


def _singles(n: int) -> list[_Group]:
    return [_Group((unit,), (1.0,)) for unit in range(n)]


def _groups(classes: list[UnitClass]) -> list[_Group]:
    groups = [_Group(c.units, tuple(float(f) for f in c.factors)) for c in classes]
    # A network has at least one unit in each layer; this one answers 0 and is never trained.
    return groups or [_Group((0,), (1.0,), zero=True)]


def _merged(w: Array, b: Array, below: list[_Group], above: list[_Group]) -> list[Array]:
    rows = [[_sum(w[high.units[0]], low) if not (high.zero or low.zero) else 0.0 for low in below] for high in above]
    biases = [[0.0 if high.zero else float(b[high.units[0], 0])] for high in above]
    return [np.array(rows, w.dtype), np.array(biases, b.dtype)]


def _sum(row: Array, group: _Group) -> float:
    return math.fsum(f * float(row[u]) for u, f in zip(group.units, group.factors, strict=True))


def _squares(groups: list[_Group]) -> Array:
    return np.array([math.fsum(f * f for f in group.factors) for group in groups])
