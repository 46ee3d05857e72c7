"""Parameters whose gradient is zero for ever: a product of which both factors are zero."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from symbreak.diagnosis.certifying import held_still, level
from symbreak.diagnosis.finding import Finding, Where
from symbreak.diagnosis.observation import Operation
from symbreak.diagnosis.reach import felt, harmless
from symbreak.diagnosis.rules import deep
from symbreak.diagnosis.rules.rule import Context, Rule

# Functions whose slope is zero wherever they have one.
STEPS = frozenset(("round", "floor", "ceil", "trunc", "sign", "sgn", "heaviside"))
# Questions whose answers have no gradient at all.
ASKED = frozenset(("gt", "ge", "lt", "le", "eq", "ne", "argmax", "argmin", "argsort"))

LEVEL = (
    "Its slices go with modules that are one, so their gradients are equal; and what is added to all of them alike "
    "vanishes behind them, so these gradients add up to zero. Each of them is zero."
)


def find(context: Context) -> Iterator[Finding]:
    """Report parameters that no gradient can reach, together, with the factors that are zero."""
    levelled = dict(_levelled(context))
    told: set[str] = set(levelled)
    if levelled:
        yield _level(context, levelled)
    for names, certificate in _groups(context):
        stuck = tuple(n for n in names if n not in levelled and context.observation.parameter(n).judged)
        told.update(stuck)
        if stuck:
            yield _finding(context, stuck, certificate)
    cut = tuple(name for name in _measured(context) if name not in told and context.observation.parameter(name).judged)
    steps = {name: step for name in cut if (step := _step(context, name))}
    if steps or (cut and set(cut) >= _trained(context)):
        yield _cut(context, tuple(steps) or cut, next(iter(steps.values()), ""))
        told.update(steps or cut)
    if context.colours is not None:
        yield from deep.still(context, told)
    apart = tuple(name for name in context.observation.unused if context.observation.parameter(name).judged)
    asked = {name: question for name in apart if (question := _step(context, name, ASKED)) and _carries(context, name)}
    if asked:
        yield _cut(context, tuple(asked), next(iter(asked.values())))
    if left := tuple(name for name in apart if name not in asked):
        yield _apart(context, left)


def _trained(context: Context) -> set[str]:
    return {p.name for p in context.observation.parameters if p.gradient is not None and p.summary.size}


def _carries(context: Context, name: str) -> bool:
    """Tell whether nothing of the input reaches the loss but through a parameter's operation."""
    return any(name in operation.parameters for operation in context.wires.trunk)


def _step(context: Context, name: str, kinds: frozenset[str] = STEPS) -> str:
    """Return the name of a function without slope that lies between a parameter and the loss, if one does."""
    reached: set[int] = set()
    for operation in context.wires.operations:
        if name in operation.parameters or reached & set(operation.inputs):
            if operation.name in kinds:
                return operation.name
            reached.add(operation.index)
    return ""


def _groups(context: Context) -> Iterator[tuple[tuple[str, ...], dict[str, Any] | None]]:
    """Yield what is stuck by a proof with its certificate, then what only the gradients tell."""
    if context.chain is not None and context.symmetry is not None:
        yield _proved(context), context.symmetry.certificate.to_json()
        return
    measured, zeros = _measured(context), held_still(context.observation)
    if zeros is not None:
        yield tuple(name for name in measured if name in zeros.stuck), zeros.to_json()
    left = tuple(name for name in measured if zeros is None or name not in zeros.stuck)
    vain = harmless(context.observation, left)
    yield tuple(name for name in left if name not in vain), None


def _levelled(context: Context) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield parameters whose slices, as a router's, go with modules that are one, with the proof."""
    seen = context.observation
    for name, axis in dict.fromkeys((name, axis) for swap in context.swaps for name, axis, _, _ in swap.slices):
        judged = seen.parameter(name).judged and not felt(seen, name)
        proof = level(seen, context.swaps, name, axis) if judged else None
        if proof is not None:
            yield name, proof.to_json()


def _proved(context: Context) -> tuple[str, ...]:
    assert context.chain, "only asked for chains"
    assert context.symmetry, "which have one"
    moving = {context.chain.name(text) for text in context.symmetry.moving}
    trainable = {p.name for p in context.observation.parameters if p.trainable}
    names = [name for pair in context.chain.names for name in pair if name is not None]
    return tuple(name for name in names if name not in moving and name in trainable)


def _measured(context: Context) -> tuple[str, ...]:
    used = {name for op in context.wires.operations for name in op.parameters}
    silent = {op.bias for op in context.wires.operations if op.bias and _cancels(context, op)}
    sized = {p.name for p in context.observation.parameters if p.summary.size}
    return tuple(name for name in context.reach.stuck if name in (used & sized) - silent)


def _cancels(context: Context, operation: Operation) -> bool:
    """Tell whether a bias stays because gradients that come back add up to zero, as under a norm or a balanced hinge.

    A bias's gradient is the plain sum of what comes back: no factor of it can be zero but that.
    """
    back = operation.signal.gradient_rms if operation.signal else None
    return context.wires.followed_by(operation, "norm") or bool(back)


def _finding(context: Context, stuck: tuple[str, ...], certificate: dict[str, Any] | None) -> Finding:
    factors = [line for name in stuck[:4] for line in _factors(context, name)]
    how = f"gradient exactly zero at the start and at {context.reach.probes} random points that training could reach"
    return Finding(
        rule=RULE.slug,
        severity="error",
        status="proved" if certificate else "measured",
        where=Where(parameters=stuck),
        says=f"the gradient of {_listed(stuck)} is zero for ever",
        measured={"parameters": len(stuck), "values": _values(context, stuck)},
        expected="at least one factor of each product that is not zero",
        why="A weight's gradient is the error that comes back times the activation that goes in. "
        + (" ".join(factors) or "Here the product is zero, and nothing that moves changes that.")
        + " Each of the zeros waits for the other to move first.",
        fix=f"torch.nn.init.xavier_normal_(model.get_parameter({_first_matrix(context, stuck)!r}))"
        "  # one of the two factors is enough",
        evidence={"certificate": certificate} if certificate else {"how": how},
        synthetic=context.observation.synthetic and certificate is None,
    )


def _level(context: Context, proofs: Mapping[str, dict[str, Any]]) -> Finding:
    """Report a router, as a whole, over modules that are one."""
    names = tuple(sorted(proofs, key=lambda name: -len(context.observation.parameter(name).shape)))
    matrix = len(context.observation.parameter(names[0]).shape) > 1
    return Finding(
        rule=RULE.slug,
        severity="error",
        status="proved",
        where=Where(parameters=names),
        says=f"the gradient of {_listed(names)} is zero for ever",
        measured={"parameters": len(names), "values": _values(context, names)},
        expected="slices that differ",
        why=LEVEL,
        fix=f"torch.nn.init.xavier_normal_(model.get_parameter({names[0]!r}))" if matrix else "",
        evidence={"certificates": list(proofs.values())},
    )


def _cut(context: Context, names: tuple[str, ...], step: str) -> Finding:
    """Report parameters that have no gradient anywhere, where that leaves nothing, or no part of a layer, to learn."""
    why = f"{step} is flat between its jumps: its slope is zero, and with it every gradient that comes back through it."
    return Finding(
        rule=RULE.slug,
        severity="error",
        status="measured",
        where=Where(parameters=names),
        says=f"the gradient of {_listed(names)} is zero for ever: {step + ' lets none' if step else 'none comes'} back",
        measured={"parameters": len(names), "values": _values(context, names)},
        expected="a loss whose slope in the parameters is not zero",
        why=why
        if step
        else "The loss has one value whatever the parameters are, here and at random points: as after "
        "a softmax over a single class, which is always 1, or behind a clamp that is never inside its bounds.",
        fix=f"# let the gradient through, as if the answer were x: y = x + ({step} of x - x).detach()"
        if step
        else "# a single class asks for binary_cross_entropy_with_logits, without a softmax",
        synthetic=context.observation.synthetic,
    )


def _apart(context: Context, names: tuple[str, ...]) -> Finding:
    return Finding(
        rule=RULE.slug,
        severity="info",
        status="measured",
        where=Where(parameters=names),
        says=f"no gradient of the {'loss' if context.observation.loss else 'output'} reaches {_listed(names)}",
        measured={"parameters": len(names), "values": _values(context, names)},
        expected="a gradient, or requires_grad_(False)",
        why="This pass does not use them, or only behind detach(), no_grad() or an operation without a gradient, such "
        "as argmax. If that is meant, as for a target network or a head that another loss trains, all is well.",
        synthetic=context.observation.synthetic,
    )


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _values(context: Context, names: tuple[str, ...]) -> int:
    return sum(context.observation.parameter(name).summary.size for name in names)


def _first_matrix(context: Context, stuck: tuple[str, ...]) -> str:
    return next((name for name in stuck if len(context.observation.parameter(name).shape) > 1), stuck[0])


def _factors(context: Context, name: str) -> Iterator[str]:
    """Tell which factors of the gradient are zero, for a weight of a layer."""
    for operation in context.wires.weighted:
        if operation.weight is None or operation.weight.parameter != name:
            continue
        into, back = _input_size(context, operation), operation.signal.gradient_rms if operation.signal else None
        parts = [text for text, size in (("what goes in", into), ("what comes back", back)) if size == 0]
        if parts:
            yield f"For {name}, {' and '.join(parts)} {'are' if len(parts) > 1 else 'is'} all zero."
        return


def _input_size(context: Context, operation: Operation) -> float | None:
    sizes = [source.signal.rms for source in context.wires.sources(operation) if source.signal is not None]
    return min(sizes, default=None)


RULE = Rule("stuck-parameters", "a parameter's gradient is zero for ever, by structure", "run", find)
