"""Every claim of the lesson by its id, in the lesson's order."""

from __future__ import annotations

from symbreak.lesson import front_matter, one_unit, proof, zero, zero_forward, zero_gradients
from symbreak.lesson.claim import Claim

SECTIONS = {
    "front": "What the lesson says of itself",
    "zero": "Why not zero",
    "proof": "The proof by induction",
    "solution": "The solution: small random weights",
    "small": "Why small: saturation",
    "example": "The complete example",
    "table": "The comparison table",
    "depth": "Deeper networks",
    "blocks": "Before and after",
    "checklist": "The checklist",
    "functions": "What one can do afterwards",
    "takeaways": "The takeaways",
}


def _by_id(*rooms: tuple[Claim, ...]) -> dict[str, Claim]:
    return {claim.id: claim for room in rooms for claim in room}


CLAIMS: dict[str, Claim] = _by_id(
    front_matter.CLAIMS,
    zero.CLAIMS,
    zero_forward.CLAIMS,
    zero_gradients.CLAIMS,
    proof.CLAIMS,
    one_unit.CLAIMS,
)
