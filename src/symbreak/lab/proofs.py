"""What the symmetry theorem says of the networks of a race, in a sentence and at length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symbreak.diagnosis.symmetry import symmetry
from symbreak.experiments.proof import Proof, prove
from symbreak.lab.frames import MOST_WEIGHTS
from symbreak.lab.race import Race, start
from symbreak.lab.state import Entrant


def proofs(race: Race) -> list[dict[str, Any]]:
    """Return for every network `says`, empty if nothing is proved of it for ever, and `theorem`, of its start.

    Of the largest networks nothing is said: it would keep the page waiting.
    """
    state, problem = race.track.state, race.track.problem
    found = []
    for index, entrant in enumerate(state.networks):
        network = start(state, problem, index)
        if sum(p.size for p in network.parameters) > MOST_WEIGHTS:
            found.append({"says": "", "theorem": ""})
            continue
        says = sentence(prove(network, state.optimizer), network.sizes) if _is_plain(entrant) else ""
        found.append({"says": says, "theorem": str(symmetry(network, optimizer=state.optimizer))})
    return found


def _is_plain(entrant: Entrant) -> bool:
    """Tell whether a network is trained as the theorem assumes, and in arithmetic that keeps every bit of a tie."""
    changed = entrant.epsilon or entrant.edits or entrant.dropout
    return not changed and entrant.arithmetic == "unitwise"


def sentence(proof: Proof, sizes: Sequence[int]) -> str:
    """Say what is proved for ever, to who has never heard of it.

    >>> sentence(Proof((True,), ("b2",)), (2, 4, 1))
    '4 units are one, for ever (proved). Only b2 moves.'
    """
    tied = [layer for layer, size in enumerate(sizes[1:-1], 1) if size > 1 and proof.one[layer - 1]]
    if not tied:
        return ""
    if len(tied) == 1:
        names = f"{sizes[tied[0]]} units{f' of layer {tied[0]}' if len(sizes) > 3 else ''} are one"
    else:
        names = f"In layers {', '.join(map(str, tied[:-1]))} and {tied[-1]} all units of a layer are one"
    told = f"{names}, for ever (proved)."
    if proof.moving is None or len(proof.moving) == 2 * (len(sizes) - 1):
        return told
    moving = f"Only {' and '.join(proof.moving)}" if proof.moving else "Nothing"
    return f"{told} {moving} moves."
