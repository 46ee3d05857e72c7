"""What the symmetry theorem says of one network's start, in the few words that a verdict needs."""

from __future__ import annotations

from dataclasses import dataclass

from symbreak.diagnosis.symmetry import symmetry
from symbreak.network import Network


@dataclass(frozen=True)
class Proof:
    """For ever, in exact arithmetic, whatever the data.

    Attributes:
        one: for each hidden layer, whether all its units are proved to be one unit (or all zero).
        moving: the arrays whose gradient is not proved to be 0, such as ("b2",); None where that was not asked.
        told: what else is known of ties and of what never moves, in words that say how it is known.
    """

    one: tuple[bool, ...]
    moving: tuple[str, ...] | None = None
    told: tuple[str, ...] = ()


def prove(network: Network, optimizer: str) -> Proof:
    """Apply the theorem to a network.

    >>> prove(Network.initialize((2, 4, 1), "zeros", seed=0), "gd")
    Proof(one=(True,), moving=('b2',), told=())
    """
    found = symmetry(network, optimizer=optimizer)
    one = tuple(
        len(layer.classes) == 1 and all(c.status == "proved" and c.tier is not None for c in layer.classes)
        for layer in found.layers
    )
    return Proof(one, found.moving)
