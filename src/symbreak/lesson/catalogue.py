"""Every claim of the lesson by its id, in the lesson's order."""

from __future__ import annotations

import re

from symbreak.lesson import (
    biases,
    blocks,
    breaking,
    checklist,
    checklist_trained,
    comparison_table,
    depth,
    example,
    front_matter,
    functions,
    one_unit,
    output_layer,
    proof,
    relu,
    saturation,
    small_values,
    solution,
    takeaways,
    vanishing,
    zero,
    zero_forward,
    zero_gradients,
)
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
    return {claim.id: claim for claim in sorted((claim for room in rooms for claim in room), key=_place)}


def _place(claim: Claim) -> tuple[int, int, str]:
    """Where the lesson has it: a file may hold claims on one matter from several places of the lesson."""
    kind, number, rest = re.findall(r"([RK])(\d+)(.*)", claim.id)[0]
    return "RK".index(kind), int(number), rest


CLAIMS: dict[str, Claim] = _by_id(
    front_matter.CLAIMS,
    zero.CLAIMS,
    zero_forward.CLAIMS,
    zero_gradients.CLAIMS,
    proof.CLAIMS,
    one_unit.CLAIMS,
    solution.CLAIMS,
    breaking.CLAIMS,
    biases.CLAIMS,
    small_values.CLAIMS,
    saturation.CLAIMS,
    vanishing.CLAIMS,
    output_layer.CLAIMS,
    relu.CLAIMS,
    example.CLAIMS,
    comparison_table.CLAIMS,
    depth.CLAIMS,
    blocks.CLAIMS,
    checklist.CLAIMS,
    checklist_trained.CLAIMS,
    functions.CLAIMS,
    takeaways.CLAIMS,
)
