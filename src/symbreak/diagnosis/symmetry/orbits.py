"""Whether units can be exchanged by a permutation of units that leaves the network as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.diagnosis.symmetry.refinement import Round
from symbreak.network import Network

Array = NDArray[np.floating[Any]]
Colours = list[list[int]]

# The search may fail to end soon in graphs that are very regular; then the weaker tier is reported.
LARGEST = 64
BRANCHES = 200


def exchangeable(network: Network, rest: Round, layer: int, units: Sequence[int]) -> bool:
    """Whether automorphisms carry the first unit to each of the others, found within the search's limits."""
    if sum(network.sizes[1:-1]) > LARGEST:
        return False
    weights, biases = _without_signs(network, rest)
    start = [space.labels.tolist() for space in rest.active] + [list(range(network.sizes[-1]))]
    return all(_Search(weights, biases).maps(start, layer, units[0], unit) for unit in units[1:])


def _without_signs(network: Network, rest: Round) -> tuple[list[Array], list[Array]]:
    """Mirror units so that every class has one sign; an automorphism of the result mirrors and exchanges."""
    ends = np.ones(network.sizes[0]), np.ones(network.sizes[-1])
    inner = [np.where(space.scales < 0, -1.0, 1.0) for space in rest.active[1:]]
    signs = [ends[0], *inner, ends[1]]
    weights = [w * high[:, None] * low for w, low, high in zip(network.weights, signs[:-1], signs[1:], strict=True)]
    return weights, [b[:, 0] * s for b, s in zip(network.biases, signs[1:], strict=True)]


class _Search:
    def __init__(self, weights: list[Array], biases: list[Array]) -> None:
        self.weights, self.biases, self.left = weights, biases, BRANCHES

    def maps(self, start: Colours, layer: int, i: int, j: int) -> bool:
        """Whether an automorphism that keeps the colours carries unit i of a layer to unit j."""
        one, other = _marked(start, layer, i), _marked(start, layer, j)
        return self._extend(one, other)

    def _extend(self, one: Colours, other: Colours) -> bool:
        self.left -= 1
        if self.left < 0:
            return False
        one, other = self._refined(one, other)
        if [sorted(c) for c in one] != [sorted(c) for c in other]:
            return False
        layer, tied = _first_tied(one)
        if not tied:
            return self._is_automorphism(_permutations(one, other))
        unit = tied[0]
        images = [u for u, colour in enumerate(other[layer]) if colour == one[layer][unit]]
        return any(self._extend(_marked(one, layer, unit), _marked(other, layer, image)) for image in images)

    def _refined(self, one: Colours, other: Colours) -> tuple[Colours, Colours]:
        while True:
            names: dict[Any, int] = {}
            new = [self._keys(colours, names) for colours in (one, other)]
            if [len(set(c)) for c in new[0]] == [len(set(c)) for c in one]:
                return new[0], new[1]
            one, other = new

    def _keys(self, colours: Colours, names: dict[Any, int]) -> Colours:
        return [
            [names.setdefault((layer, self._key(colours, layer, u)), len(names)) for u in range(len(colours[layer]))]
            for layer in range(len(colours))
        ]

    def _key(self, colours: Colours, layer: int, unit: int) -> Any:
        below = sorted(zip(colours[layer - 1], self.weights[layer - 1][unit].tolist(), strict=True)) if layer else []
        last = layer == len(colours) - 1
        above = [] if last else sorted(zip(colours[layer + 1], self.weights[layer][:, unit].tolist(), strict=True))
        bias = float(self.biases[layer - 1][unit]) if layer else 0.0
        return colours[layer][unit], bias, tuple(below), tuple(above)

    def _is_automorphism(self, maps: list[list[int]]) -> bool:
        kept = zip(self.weights, maps[:-1], maps[1:], strict=True)
        same = all(np.array_equal(w[np.ix_(high, low)], w) for w, low, high in kept)
        return same and all(np.array_equal(b[m], b) for b, m in zip(self.biases, maps[1:], strict=True))


def _marked(colours: Colours, layer: int, unit: int) -> Colours:
    new = [list(c) for c in colours]
    new[layer][unit] = -2
    return new


def _first_tied(colours: Colours) -> tuple[int, list[int]]:
    for layer, c in enumerate(colours):
        for colour in c:
            units = [u for u, other in enumerate(c) if other == colour]
            if len(units) > 1:
                return layer, units
    return 0, []


def _permutations(one: Colours, other: Colours) -> list[list[int]]:
    return [[there.index(colour) for colour in here] for here, there in zip(one, other, strict=True)]
