"""Gradients that grow or fade on their way back through the trunk."""

from __future__ import annotations

import math
from collections.abc import Iterator

from symbreak.diagnosis.finding import Finding, Where
from symbreak.diagnosis.observation import Operation
from symbreak.diagnosis.rules.lines import drawn_anew
from symbreak.diagnosis.rules.rule import Context, Rule

# Beyond these ratios between the two ends of the trunk no learning rate serves both: where one end moves by a hundredth
# in a step, the other moves by ten times its size, or by a millionth.
GROWS = 1e3
FADES = 1e-4
ERROR_FACTOR = 1e7
# A weight that is used this often one time after the other is a recurrence, whose steps are layers.
STEPS = 8


def exploding(context: Context) -> Iterator[Finding]:
    """Report a gradient that is far larger at the first layers or steps of a recurrence than at the last."""
    for ends in (_ends(context), *_recurrences(context)):
        if ends is not None and ends[1] > GROWS * ends[3]:
            yield _finding(context, EXPLODING.slug, *ends)
            return


def vanishing(context: Context) -> Iterator[Finding]:
    """Report a gradient that is far smaller at the first layers than at the last."""
    ends = _ends(context)
    if ends is not None and ends[1] < FADES * ends[3]:
        yield _finding(context, VANISHING.slug, *ends)


def _ends(context: Context) -> tuple[Operation, float, Operation, float] | None:
    """Return the first and the last hidden point of the trunk with the norms of their gradients."""
    found = [
        (op, _norm(op))
        for op in context.wires.trunk
        if op.kind in ("linear", "conv", "recurrent", "add") and op.signal is not None and context.wires.leads_on(op)
    ]
    found = [(op, norm) for op, norm in found if norm > 0 and math.isfinite(norm)]
    return (*found[0], *found[-1]) if len(found) > 1 else None


def _recurrences(context: Context) -> Iterator[tuple[Operation, float, Operation, float]]:
    """Yield the first step and the last quarter's strongest one of each weight that is used again and again.

    Only growth is told by them: what fades on the way to old inputs may be what the model is to forget.
    """
    uses: dict[str, list[Operation]] = {}
    for operation in context.wires.weighted:
        if operation.weight is not None and 0 < _norm(operation) < math.inf:
            uses.setdefault(operation.weight.parameter, []).append(operation)
    for steps in uses.values():
        if len(steps) >= STEPS and _follows(context, steps[1], steps[0]):
            late = max(steps[-(len(steps) // 4) :], key=_norm)
            yield steps[0], _norm(steps[0]), late, _norm(late)


def _follows(context: Context, later: Operation, earlier: Operation) -> bool:
    """Tell whether what an operation reads was made from another's result."""
    pending, seen = list(later.inputs), set[int]()
    while pending:
        place = pending.pop()
        if place == earlier.index:
            return True
        if place > earlier.index and place not in seen:
            seen.add(place)
            pending += context.wires.operations[place].inputs
    return False


def _norm(operation: Operation) -> float:
    if operation.signal is None or operation.signal.gradient_rms is None:
        return 0.0
    return operation.signal.gradient_rms * math.sqrt(math.prod(operation.shape))


def _finding(context: Context, slug: str, first: Operation, early: float, last: Operation, late: float) -> Finding:
    ratio = early / late
    beyond = ratio > ERROR_FACTOR or ratio < 1 / ERROR_FACTOR
    weight = first.weight.parameter if first.weight else None
    grows = slug == EXPLODING.slug
    steps = first.weight is not None and last.weight is not None and last.weight.parameter == weight
    return Finding(
        rule=slug,
        severity="error" if beyond else "warning",
        status="measured",
        where=Where((weight,) if weight else (), (first.module, last.module)),
        says=f"the gradient at the first {'step of ' + str(weight) if steps else 'layer'} is {ratio:.2g} times that at "
        "the last",
        measured={"first": early, "last": late, "ratio": ratio},
        expected="a ratio near 1: Var W = gain^2 / fan_out keeps the gradient's size",
        why="Going back, each layer multiplies the gradient by its weights and its activation's slope. "
        + (
            "Factors above 1 make the first layers jump at every step."
            if grows
            else "Factors below 1 leave the first layers where they are; the last ones learn on random features."
        ),
        fix=f"torch.nn.init.orthogonal_(model.get_parameter({weight!r}))"
        if steps
        else drawn_anew(context, mode="fan_out"),
        synthetic=context.observation.synthetic,
    )


EXPLODING = Rule("exploding-gradient", "gradients grow on their way back", "run", exploding)
VANISHING = Rule("vanishing-gradient", "gradients fade on their way back", "run", vanishing)
