"""How strong the tie of a class is, and with it which updates keep it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from symbreak.diagnosis.symmetry import orbits
from symbreak.diagnosis.symmetry.refinement import Round
from symbreak.diagnosis.symmetry.rules import Kind
from symbreak.diagnosis.symmetry.space import Space
from symbreak.network import Network

Array = NDArray[np.floating[Any]]
Tier = Literal["clone", "orbit", "multiset", "balanced", "subspace"]

# What each kind of update keeps; "dropout" is added for units that stay zero whatever units are left out.
LINEAR = ("gd", "gd_l2", "momentum")
ENTRYWISE = ("adam", "adamw")
COUPLED = ("adam_l2",)
KEEPERS: dict[Tier, tuple[str, ...]] = {
    "clone": LINEAR + ENTRYWISE + COUPLED,
    "orbit": LINEAR + ENTRYWISE + COUPLED,
    "multiset": LINEAR + ENTRYWISE + COUPLED,
    "balanced": LINEAR + ENTRYWISE,
    "subspace": LINEAR,
}


@dataclass(frozen=True)
class Ties:
    """The resting round under each kind of update, computed when it is asked for.

    Attributes:
        network: of which the rounds are.
        rest: kind of update -> the last round.
    """

    network: Network
    rest: Callable[[Kind], Round]

    def tier(self, layer: int, units: Sequence[int], factors: Sequence[Any], kinds: Sequence[Kind]) -> Tier:
        """Return the strongest tier of a class, for a class that holds under the last of the kinds."""
        plain = all(factor in (1, -1) for factor in factors)
        if plain and are_clones(self.network, layer, units, [int(f) for f in factors]):
            return "clone"
        kept = [kind for kind in kinds if _together(self.rest(kind).active[layer], units, factors)]
        if "coupled" in kept:
            exchanged = orbits.exchangeable(self.network, self.rest("coupled"), layer, units)
            return "orbit" if exchanged else "multiset"
        return "balanced" if "entrywise" in kept else "subspace"


def _together(space: Space, units: Sequence[int], factors: Sequence[Any]) -> bool:
    labels = space.labels[list(units)]
    if (labels < 0).all():
        return True
    same = [space.scales[u] == f * space.scales[units[0]] for u, f in zip(units, factors, strict=True)]
    return bool((labels == labels[0]).all() and all(same))


def are_clones(network: Network, layer: int, units: Sequence[int], signs: Sequence[int]) -> bool:
    """Whether the units have the same weights one by one, in and out, up to one sign for each unit."""
    index, sign = list(units), np.array(signs)
    low, high = network.weights[layer - 1][index], network.weights[layer][:, index]
    bias = network.biases[layer - 1][index, 0]
    return bool(
        (low * sign[:, None].astype(low.dtype) == low[0]).all()
        and (high * sign.astype(high.dtype) == high[:, :1]).all()
        and (bias * sign.astype(bias.dtype) == bias[0]).all()
    )


def stays_zero_under_dropout(network: Network, layer: int, unit: int, *, dead: bool, sign: int) -> bool:
    """Whether a zero unit's conditions hold weight by weight, so that no unit left out can spoil them.

    `sign` is that of the layer's inputs: 1 if none is negative, -1 if none is positive.
    """
    row, bias = network.weights[layer - 1][unit], network.biases[layer - 1][unit, 0]
    if dead:
        return bool((row * sign <= 0).all() if sign else not row.any())
    flat = network.activation.slope_at_zero == 0
    return bool(not row.any() and bias == 0 and (flat or not network.weights[layer][:, unit].any()))
