"""Units that are one unit for ever: proved where the exact theory reads the model, measured by gradients elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from symbreak.diagnosis.certifying import exchanged, renamed
from symbreak.diagnosis.chain import Chain
from symbreak.diagnosis.finding import Finding, Where
from symbreak.diagnosis.invariance import Groups, Member, Swap
from symbreak.diagnosis.observation import Operation
from symbreak.diagnosis.renaming import OPTIMIZERS, Tie
from symbreak.diagnosis.rules import deep
from symbreak.diagnosis.rules.lines import reset, roots
from symbreak.diagnosis.rules.rule import Context, Rule
from symbreak.diagnosis.symmetry import UnitClass
from symbreak.diagnosis.symmetry.classes import listed

# Differences of this share need ln(1e4), nine times the time in which they grow e-fold, before they count.
BREATH = 1e-4
WHY = (
    "Units with equal weights coming in and going out compute the same number on every input, so the same error comes "
    "back to them and the same update is made: by induction they never part. Together they can learn no more than one."
)

MIRRORED = (
    "Of these units one is the other's negative, in what comes in and in what goes out: on every input they compute "
    "opposite numbers, so opposite errors come back and opposite updates are made. By induction they never part, and "
    "together they can learn no more than one."
)


def find(context: Context) -> Iterator[Finding]:
    """Report classes of units of hidden layers, and modules that are copies for ever."""
    told: set[str] = set()
    for finding in _of_units(context):
        told.update(finding.where.parameters)
        yield finding
    if context.colours is None:
        yield from _copied(context)
    if context.colours is not None:
        yield from deep.tied_units(context, told)
        yield from deep.tied_modules(context)


def _of_units(context: Context) -> Iterator[Finding]:
    found = context.chain
    if found is not None and not context.observation.noise:
        yield from _proved(context, found)
    else:
        judged = [tie for tie in (*context.ties, *context.mirrors) if _is_judged(context, tie)]
        yield from (_by_renaming(context, tie) for tie in judged)
        exchanged_too = {name for swap in context.swaps for name, *_ in swap.slices}
        yield from _measured(context, exchanged_too | {m.parameter for tie in judged for m in tie.space.members})
    yield from _nearly(context)


def _proved(context: Context, found: Chain) -> Iterator[Finding]:
    for layer in context.symmetry.layers if context.symmetry else ():
        tied = [c for c in layer.classes if len(c.units) > 1 and not c.dead and c.status == "proved"]
        name, bias = found.names[layer.index - 1]
        if tied and context.observation.parameter(name).judged:
            yield _exact(context, tied, name, bias, layer.units)


def _exact(context: Context, tied: list[UnitClass], name: str, bias: str | None, units: int) -> Finding:
    kinds = {c.relation for c in tied}
    keeps = sorted(set.intersection(*(set(c.optimizers) for c in tied)))
    groups = tuple(c.units for c in tied)
    certificate = context.symmetry.certificate if context.symmetry else None
    return Finding(
        rule=RULE.slug,
        severity="error",
        status="proved",
        where=Where(tuple(n for n in (name, bias) if n), (name.rpartition(".")[0],), groups),
        says=f"{_told(groups, units, name)} ({', '.join(sorted(kinds))})",
        measured={"units": units, "tied": sum(map(len, groups)), "optimizers": ", ".join(keeps)},
        expected="rows that differ in more than their signs, or different weights going out",
        why=WHY,
        fix=_fix(name),
        evidence={"certificate": certificate.to_json()} if certificate else {},
    )


def _is_judged(context: Context, tie: Tie) -> bool:
    names = {member.parameter for member in tie.space.members}
    return any(context.observation.parameter(name).judged for name in names)


def _by_renaming(context: Context, tie: Tie) -> Finding:
    """Report a tie that the theorem on renamings proves."""
    members, seen = tie.space.members, context.observation
    names = tuple(dict.fromkeys(member.parameter for member in members))
    matrices = [m for m in members if len(seen.parameter(m.parameter).shape) > 1]
    first = next((m for m in matrices if m.axis == 0), matrices[0])
    kind = f"blocks of {first.after} units (heads)" if first.after > 1 else "units"
    groups = _along(first, tie)
    units = seen.parameter(first.parameter).shape[first.axis] // first.after
    signed = any(member.negated for member in members)
    return Finding(
        rule=RULE.slug,
        severity="error",
        status="proved",
        where=Where(names, (first.parameter.rpartition(".")[0],), groups),
        says=_told(groups, units, first.parameter, kind) + (", up to their signs" if signed else ""),
        measured={"units": units, "tied": sum(map(len, groups)), "optimizers": ", ".join(OPTIMIZERS)},
        expected="units that differ in at least one of the parameters named",
        why=MIRRORED if signed else WHY,
        fix=_fix(first.parameter),
        evidence={"certificate": renamed(seen, members, tie.space.size, tie.groups, tie.followed).to_json()},
    )


def _along(member: Member, tie: Tie) -> Groups:
    """Return the groups as numbers of a member's axis, in blocks: once for each of its parts."""
    starts = [member.start // member.after + part * tie.space.size for part in range(member.before)]
    return tuple(tuple(start + unit for unit in group) for start in starts for group in tie.groups)


def _measured(context: Context, told: set[str]) -> Iterator[Finding]:
    seen = set(told)
    for operation in context.wires.weighted:
        weight = operation.weight
        if weight is None or weight.parameter in seen or operation.index in context.wires.outputs:
            continue
        seen.add(weight.parameter)
        classes = context.reach.classes.get((weight.parameter, weight.out_axis if weight.out_axis is not None else -1))
        if classes is not None and classes.groups and context.observation.parameter(weight.parameter).judged:
            yield _by_gradients(context, operation, classes.groups)


def _by_gradients(context: Context, operation: Operation, groups: tuple[tuple[int, ...], ...]) -> Finding:
    assert operation.weight is not None, "it was chosen for its weight"
    name = operation.weight.parameter
    parameter = context.observation.parameter(name)
    units = parameter.shape[operation.weight.out_axis or 0]
    noisy = bool(context.observation.noise)
    probes = context.reach.probes
    return Finding(
        rule=RULE.slug,
        severity="warning" if noisy else "error",
        status="measured",
        where=Where(parameter.names[:1], (operation.module,), groups),
        says=_told(groups, units, name) + (", but for the noise of dropout" if noisy else ""),
        measured={"units": units, "tied": sum(map(len, groups)), "probes": probes},
        expected="gradients that tell the units apart",
        why=WHY,
        fix=_fix(name),
        evidence={
            "how": f"equal to the last bit at the start; gradients equal there and at {probes} random points that "
            "training could reach",
            "noise": list(context.observation.noise),
        },
        synthetic=context.observation.synthetic,
    )


def _copied(context: Context) -> Iterator[Finding]:
    """Report modules that are one module for ever, as their exchange changes no output, or as all gradients say."""
    groups: dict[tuple[str, ...], list[Swap]] = {}
    for swap in context.swaps:
        groups.setdefault(tuple(a for a, _ in swap.pairs), []).append(swap)
    told: set[str] = set()
    for first, swaps in groups.items():
        copies = [tuple(b for _, b in swap.pairs) for swap in swaps]
        told.update(first, *copies)
        proofs = {"certificates": [exchanged(context.observation, swap).to_json() for swap in swaps]}
        yield from _as_one(context, first, copies, proofs)
    by_modules: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for same in context.clones:
        names = tuple(p.name for p in same)
        by_modules.setdefault(roots(names), []).append(names)
    for found in by_modules.values():
        kept = all((names[0], other) in context.reach.copies for names in found for other in names[1:])
        if kept and not told & {name for names in found for name in names} and _has_matrix(context, found):
            first, *others = zip(*found, strict=True)
            how = (
                f"equal to the last bit at the start; gradients equal there and at {context.reach.probes} random points"
            )
            yield from _as_one(context, first, others, {"how": f"{how} that training could reach"})


def _has_matrix(context: Context, found: list[tuple[str, ...]]) -> bool:
    return any(len(context.observation.parameter(names[0]).shape) > 1 for names in found)


def _as_one(
    context: Context, first: tuple[str, ...], copies: list[tuple[str, ...]], evidence: dict[str, Any]
) -> Iterator[Finding]:
    modules = roots([first[0], *(copy[0] for copy in copies)])
    names = (*first, *(name for copy in copies for name in copy))
    if not any(context.observation.parameter(name).judged for name in names):
        return
    proved = "certificates" in evidence
    yield Finding(
        rule=RULE.slug,
        severity="error" if proved or not context.observation.noise else "warning",
        status="proved" if proved else "measured",
        where=Where(names, modules),
        says=f"{', '.join(modules)} are one module for ever",
        measured={
            "modules": len(modules),
            "wasted_parameters": len(copies) * sum(context.observation.parameter(name).summary.size for name in first),
        },
        expected="modules that start from different draws, or that are read differently",
        why=deep.COPIES,
        fix=reset(modules[1:], {p.name for p in context.observation.parameters}),
        evidence=evidence,
        synthetic=context.observation.synthetic and not proved,
    )


def _nearly(context: Context) -> Iterator[Finding]:
    """Report weights that are one constant but for a breath of noise: their units part, but late."""
    seen: set[str] = set()
    for operation in context.wires.weighted:
        name = operation.weight.parameter if operation.weight else ""
        if name in seen or operation.index in context.wires.outputs:
            continue
        seen.add(name)
        parameter = context.observation.parameter(name)
        summary = parameter.summary
        share = summary.std / abs(summary.mean) if summary.mean else math.inf
        if parameter.judged and parameter.trainable and not summary.constant and share < BREATH:
            yield Finding(
                rule=RULE.slug,
                severity="warning",
                status="measured",
                where=Where((name,), (operation.module,)),
                says=f"the units behind {name} differ by {share:.1g} of their size: they act as one for a long time",
                measured={"relative_difference": share, "units": parameter.shape[0]},
                expected=f"differences of the size of the weights, not below {BREATH:g} of it",
                why="Units that start nearly equal part like exp(rate * t): the time grows with the logarithm of the "
                "start's smallness, and until then they learn no more than one. See steps_to_separate.",
                fix=_fix(name),
            )


def _told(groups: tuple[tuple[int, ...], ...], units: int, name: str, kind: str = "units") -> str:
    if len(groups) == 1:
        numbers = listed(groups[0]).partition(" ")[2]
        return f"{kind} {numbers} of {units} behind {name} are one for ever"
    tied = sum(map(len, groups))
    return f"{tied} of {units} {kind} behind {name} do the work of {len(groups)} for ever: {listed(groups[0])}, ..."


def _fix(name: str) -> str:
    return f"torch.nn.init.xavier_normal_(model.get_parameter({name!r}))  # kaiming_normal_ before a ReLU"


RULE = Rule("symmetric-units", "units, channels or heads are one unit for ever", "run", find)
