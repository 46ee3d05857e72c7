"""What colour refinement adds to the rules: candidates that the values at the start do not show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from symbreak.diagnosis import patterns
from symbreak.diagnosis.certifying import certificates
from symbreak.diagnosis.finding import Finding, Where
from symbreak.diagnosis.model_certificate import ModelCertificate
from symbreak.diagnosis.rules.lines import roots
from symbreak.diagnosis.rules.rule import Context
from symbreak.diagnosis.symmetry.classes import listed

RESET = "lambda m: getattr(m, 'reset_parameters', lambda: None)()"
COPIES = (
    "Modules with equal weights whose outputs are read alike get equal errors back, so they get equal updates: by "
    "induction they never part, and together they can learn no more than one of them."
)


def _evidence(context: Context, proofs: Sequence[ModelCertificate] = ()) -> dict[str, Any]:
    """Tell how it is known: measured, and where it is proved, by which certificates."""
    assert context.colours is not None, "only asked for after a refinement"
    found = context.colours
    evidence: dict[str, Any] = {
        "how": f"gradient colour refinement: the gradients keep it at {found.points} random points of the set that "
        "training can reach, on fresh inputs, for a random loss",
        "kept": found.kept,
        "tolerance": found.epsilon**0.5,
        "not proved": list(patterns.conditions(context.observation, found)),
    }
    if proofs:
        evidence["certificates"] = [certificate.to_json() for certificate in proofs]
    if context.witness is not None:
        evidence["witness"] = {"optimizer": "adamw", "steps": context.witness.steps, "held": context.witness.held}
    return evidence


def _through(context: Context) -> str:
    witness = context.witness
    return f"; through step {witness.steps} nothing parts them" if witness is not None and witness.held else ""


def tied_units(context: Context, told: set[str]) -> Iterator[Finding]:
    """Report units of modules whose weights no other finding names."""
    assert context.colours is not None, "only asked for after a refinement"
    outputs = {op.module for op in context.wires.weighted if op.index in context.wires.outputs}
    proofs = certificates(context, context.colours)
    for module in patterns.modules(context, context.colours, proofs):
        ties = [tie for tie in module.ties if tie.relation != "zero" and len(tie.units) > 1]
        names = [p.name for p in context.observation.parameters if p.name.rpartition(".")[0] == module.module]
        if ties and module.module not in outputs and not told & set(names) and _judged(context, names):
            used = dict.fromkeys(place for tie in ties for place in tie.certificates)
            yield _units(context, module, ties, tuple(names), [proofs[place] for place in used])


def _units(
    context: Context,
    module: patterns.ModuleUnits,
    ties: list[patterns.UnitTie],
    names: tuple[str, ...],
    proofs: list[ModelCertificate],
) -> Finding:
    tied = sum(len(tie.units) for tie in ties)
    proved = all(tie.status == "proved" for tie in ties)
    return Finding(
        rule="symmetric-units",
        severity="warning" if context.observation.noise and not proved else "error",
        status="proved" if proved else "measured",
        where=Where(names, (module.module,), tuple(tie.units for tie in ties)),
        says=f"{tied} of {module.units} units of {module.module or 'the model'} do the work of {len(ties)} for ever: "
        f"{listed(ties[0].units)}{_through(context)}",
        measured={"units": module.units, "tied": tied, "effective": module.effective},
        expected="gradients that tell the units apart",
        why="All of their gradients are equal up to sign wherever training can lead, though their weights may differ.",
        evidence=_evidence(context, proofs),
        synthetic=context.observation.synthetic and not proved,
    )


def tied_modules(context: Context) -> Iterator[Finding]:
    """Report modules that are copies of each other for ever; two biases that are added are no copies of modules."""
    assert context.colours is not None, "only asked for after a refinement"
    proofs = certificates(context, context.colours)
    groups: dict[tuple[str, ...], list[patterns.TensorTie]] = {}
    for tie in patterns.tensors(context.colours, proofs):
        if tie.equal and _judged(context, list(tie.names)):
            groups.setdefault(roots(tie.names), []).append(tie)
    matrices = {p.name for p in context.observation.parameters if len(p.shape) > 1}
    for owners, tied in groups.items():
        if len(set(owners)) > 1 and any(matrices & set(tie.names) for tie in tied):
            used = dict.fromkeys(place for tie in tied for place in tie.certificates)
            yield _copies(context, owners, tied, [proofs[place] for place in used])


def _copies(
    context: Context, owners: tuple[str, ...], tied: list[patterns.TensorTie], proofs: list[ModelCertificate]
) -> Finding:
    names = tuple(name for tie in tied for name in tie.names)
    proved = all(tie.status == "proved" for tie in tied)
    copied = sum(context.observation.parameter(name).summary.size for tie in tied for name in tie.names[1:])
    return Finding(
        rule="symmetric-units",
        severity="warning" if context.observation.noise and not proved else "error",
        status="proved" if proved else "measured",
        where=Where(names, owners),
        says=f"{', '.join(owners)} are one module for ever{_through(context)}",
        measured={"modules": len(owners), "wasted_parameters": copied},
        expected="modules that start from different draws, or that are read differently",
        why=COPIES,
        fix=f"for name in {list(owners[1:])}:\n    model.get_submodule(name).apply({RESET})",
        evidence=_evidence(context, proofs),
        synthetic=context.observation.synthetic and not proved,
    )


def still(context: Context, told: set[str]) -> Iterator[Finding]:
    """Report parameters that no gradient reaches: lost ones as errors, harmless ones for information."""
    assert context.colours is not None, "only asked for after a refinement"
    proofs = certificates(context, context.colours)
    frozen = list(patterns.frozen(context, context.colours, proofs))
    for kind in ("lost", "harmless"):
        found = [each for each in frozen if each.kind == kind]
        for why in dict.fromkeys(each.why for each in found):
            own = [f for f in found if f.why == why and f.parameter not in told and not _is_off(context, f)]
            ones = [f for f in own if _judged(context, [f.parameter])]
            if ones:
                used = dict.fromkeys(place for each in ones for place in each.certificates)
                yield _still(context, ones, [proofs[place] for place in used])


def _still(context: Context, ones: list[patterns.Frozen], proofs: list[ModelCertificate]) -> Finding:
    lost = ones[0].kind == "lost"
    proved = all(each.status == "proved" for each in ones)
    names = tuple(each.parameter for each in ones)
    shown = ", ".join(_part(each) for each in ones[:3]) + (f" and {len(ones) - 3} more" if len(ones) > 3 else "")
    return Finding(
        rule="stuck-parameters",
        severity="error" if lost else "info",
        status="proved" if proved else "measured",
        where=Where(parameters=names),
        says=f"{shown} never move{'s' if len(ones) == 1 else ''}: {'lost' if lost else 'harmless'}, {ones[0].why}",
        measured={"parameters": len(ones), "slices": sum(each.slices for each in ones)},
        expected="at least one factor of each product that is not zero" if lost else "nothing: it costs only memory",
        why="Elsewhere in the space of parameters it has a gradient; from this start no step leads there."
        if lost
        else "No output depends on it at any point, so nothing is lost; it could be left out (bias=False).",
        fix=_drawn(context, names) if lost else "",
        evidence=_evidence(context, proofs),
        synthetic=context.observation.synthetic and not proved,
    )


def _drawn(context: Context, names: tuple[str, ...]) -> str:
    matrix = next((name for name in names if len(context.observation.parameter(name).shape) > 1), None)
    return f"torch.nn.init.xavier_normal_(model.get_parameter({matrix!r}))" if matrix is not None else ""


def _is_off(context: Context, frozen: patterns.Frozen) -> bool:
    """Tell whether single units of a layer stand still in front of a kink: `dead-units` judges those that are off."""
    if frozen.slices == frozen.of or frozen.status == "proved":
        return False
    layers = (op for op in context.wires.weighted if frozen.parameter in op.parameters)
    behind = (reader for layer in layers for reader in context.wires.readers(layer))
    return any(reader.name.partition("(")[0] in patterns.KINKED for reader in behind)


def _part(frozen: patterns.Frozen) -> str:
    return (
        frozen.parameter
        if frozen.slices == frozen.of
        else f"{frozen.slices} of {frozen.of} slices of {frozen.parameter}"
    )


def _judged(context: Context, names: list[str]) -> bool:
    return any(context.observation.parameter(name).judged for name in names)
