"""The lemmas of the induction, looked at bit by bit at every step; and what broke one.

Two units are tied at the start if their incoming weights, biases and outgoing weights are equal to the last bit (or
opposite, where the activation is odd). The induction then says that at every step 1. their sums z are equal, 2. their
answers are, 3. their deltas are, 4. their gradients are, so that the update keeps them equal.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.lab.state import Edit, Entrant
from symbreak.network import Backward, Forward, Network

Array = NDArray[np.floating[Any]]

SAYS = (
    "equal sums: the rows of Z are equal",
    "same function: the rows of A are equal",
    "same delta: the rows of dZ are equal",
    "same update: the rows of dW and db, and the columns of the next dW, are equal",
)


def ties(network: Network) -> tuple[int, ...]:
    """Return for every hidden unit, layer after layer, the first unit of its layer that it equals; ~unit if mirrored.

    >>> ties(Network.initialize((2, 3, 1), "constant(0.5)", seed=0))
    (0, 0, 0)
    """
    found: list[int] = []
    for layer in range(len(network.weights) - 1):
        own = [network.weights[layer], network.biases[layer], network.weights[layer + 1].T]
        rows = np.hstack(own) + 0.0
        for unit, row in enumerate(rows):
            found.append(_first_equal(rows[:unit], row, mirrored=network.activation.odd, otherwise=unit))
    return tuple(found)


def _first_equal(rows: Array, row: Array, *, mirrored: bool, otherwise: int) -> int:
    for unit, other in enumerate(rows):
        if (row == other).all():
            return unit
        if mirrored and (row == -other).all():
            return ~unit
    return otherwise


def any_tied(tied: tuple[int, ...], sizes: tuple[int, ...]) -> bool:
    """Tell whether any unit is another's copy."""
    return tied != tuple(unit for size in sizes[1:-1] for unit in range(size))


def holding(network: Network, tied: tuple[int, ...], passed: Forward, gradient: Backward) -> tuple[bool, ...]:
    """Return whether the hypothesis holds (the weights are equal), and the four lemmas, at one step."""
    holds, first = [True] * 5, 0
    for layer, size in enumerate(network.sizes[1:-1]):
        others = np.array(tied[first : first + size])
        signs, others = np.where(others < 0, -1.0, 1.0)[:, None], np.where(others < 0, ~others, others)
        looked = (
            (network.weights[layer], network.biases[layer], network.weights[layer + 1].T),
            (passed.pre_activations[layer],),
            (passed.activations[layer + 1],),
            (gradient.deltas[layer],),
            (gradient.weights[layer], gradient.biases[layer], gradient.weights[layer + 1].T),
        )
        for k, arrays in enumerate(looked):
            holds[k] &= all(bool((rows == signs * rows[others]).all()) for rows in arrays)
        first += size
    return tuple(holds)


def told(
    entrant: Entrant,
    tied: tuple[int, ...],
    parted: tuple[int, ...],
    now: tuple[bool, ...],
    sizes: tuple[int, ...],
    t: int,
) -> list[dict[str, Any]]:
    """Return what a frame says of each lemma: whether it holds at step t, and where it first did not.

    Args:
        entrant: what was asked of the network.
        tied: which units were one at the start.
        parted: for each lemma, the first step before t at which it did not hold; -1: none.
        now: what `holding` found at step t.
        sizes: of the network.
        t: the step.
    """
    found = []
    for k, says in enumerate(SAYS):
        broken = parted[k] if parted[k] >= 0 else (None if now[k + 1] else t)
        names = "" if broken is None else cause(entrant, tied, sizes, broken)
        found.append({"lemma": k + 1, "says": says, "holds": now[k + 1], "broken_at": broken, "names": names})
    return found


def cause(entrant: Entrant, tied: tuple[int, ...], sizes: tuple[int, ...], step: int) -> str:
    """Return what broke a tie by this step, in words.

    >>> cause(Entrant(epsilon=0.5), (0, 0), (2, 2, 1), 0)
    'W1[0, 0] was changed by 0.5 at the start'
    """
    found = []
    if entrant.epsilon and concerns(entrant.at, tied, sizes):
        found.append(f"{_named(entrant.at)} was changed by {entrant.epsilon:.3g} at the start")
    found += [edited(edit) for edit in entrant.edits if edit[0] <= step and concerns(edit[1:4], tied, sizes)]
    if entrant.dropout:
        found.append("dropout")
    if entrant.arithmetic == "blas" and not found:
        found.append("BLAS arithmetic")
    return "; ".join(found) or "rounding"


def edited(edit: Edit) -> str:
    """Return what was done by hand, in words.

    >>> edited((5, "b1", 0, 0, 0.25))
    'b1[0, 0] was set to 0.25 at step 5'
    """
    return f"{_named(edit[1:4])} was set to {edit[4]:.3g} at step {edit[0]}"


def concerns(where: tuple[str, int, int], tied: tuple[int, ...], sizes: tuple[int, ...]) -> bool:
    """Tell whether a weight goes into or comes from a unit that is tied to another."""
    layer = int(where[0][1:])
    ends = [(layer, where[1])] + ([(layer - 1, where[2])] if where[0][0] == "W" else [])
    return any(0 < n < len(sizes) - 1 and _is_tied(tied, sizes, n, unit) for n, unit in ends)


def _is_tied(tied: tuple[int, ...], sizes: tuple[int, ...], layer: int, unit: int) -> bool:
    first = sum(sizes[1:layer])
    firsts = [other if other >= 0 else ~other for other in tied[first : first + sizes[layer]]]
    return firsts.count(firsts[unit]) > 1


def _named(where: tuple[str, int, int]) -> str:
    return f"{where[0]}[{where[1]}, {where[2]}]"
