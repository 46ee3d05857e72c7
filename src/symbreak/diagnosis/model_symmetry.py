"""What training keeps of any model: units that are one, parameters that stay put, and what that wastes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from symbreak.diagnosis.certifying import certificates
from symbreak.diagnosis.colours import Progress, refine
from symbreak.diagnosis.model_certificate import ModelCertificate
from symbreak.diagnosis.observation import Observation
from symbreak.diagnosis.patterns import (
    Frozen,
    ModuleUnits,
    SliceTies,
    TensorTie,
    UnitTie,
    Waste,
    conditions,
    copies,
    frozen,
    modules,
    slices,
    tensors,
    waste,
)
from symbreak.diagnosis.rules.rule import Context
from symbreak.diagnosis.symmetry.classes import listed
from symbreak.diagnosis.witnessing import Witness, witnessed

FORMAT = "symbreak/model-symmetry/1"
MOVES = {"same": "moving as one", "mirrored": "moving as one, mirrored", "zero": "never moved"}


@dataclass(frozen=True)
class ModelSymmetry:
    """Which units of a model are one for ever, which parameters never move, and how that is known.

    Attributes:
        modules: unit classes of each module that has weights; modules of one forward pass that ran k times, once.
        slices: the same of the gradients of parameters, along each axis.
        tensors: parameters that are one parameter for ever; `copies`: modules whose outputs are.
        frozen: parameters that no gradient reaches.
        certificates: for all that is proved to be tied, why; ties name theirs by their places here.
        waste: what the ties and zeros cost.
        witness: what a few real steps show; None for models too large for it.
        points: at how many random points the gradient was looked at; `passes` of forward and backward in all.
        tolerance: relative difference up to which two gradients count as equal.
        kept: whether the last points brought no news; if not, the ties are still too many.
        conditions: what the measured part does not prove.
    """

    modules: tuple[ModuleUnits, ...]
    slices: tuple[SliceTies, ...]
    tensors: tuple[TensorTie, ...]
    copies: tuple[TensorTie, ...]
    frozen: tuple[Frozen, ...]
    certificates: tuple[ModelCertificate, ...]
    waste: Waste
    witness: Witness | None
    points: int
    passes: int
    tolerance: float
    kept: bool
    conditions: tuple[str, ...]

    @property
    def suggestion(self) -> str:
        """What merging and pruning would save; empty if nothing."""
        if not self.waste.wasted_parameters:
            return ""
        lost = self.waste
        return (
            f"merge what is tied and prune what is frozen: {lost.wasted_parameters} of {lost.parameters} parameters "
            f"and {lost.wasted_multiplications} of {lost.multiplications} multiplications do no work of their own"
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        proofs = [certificate.to_json() for certificate in self.certificates]
        return {"format": FORMAT, **asdict(self), "certificates": proofs, "suggestion": self.suggestion}

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def _lines(found: ModelSymmetry) -> Iterator[str]:
    for module in found.modules:
        if module.ties:
            yield f"{module.module or 'the model'}: {module.units} units, doing the work of {module.effective}"
            yield from (f"  {listed(tie.units)}: {tie.relation} for ever, {tie.status}" for tie in module.ties)
            yield from _short(found, module.ties)
    for one in found.slices if not found.modules else ():
        yield f"{one.parameter}, axis {one.axis}: {one.slices} slices, {one.effective} of them of their own"
        yield from (f"  {listed(tie.units)}: {MOVES[tie.relation]}, {tie.status}" for tie in one.ties)
    for label, ties in (("parameters", found.tensors), ("outputs of", found.copies)):
        for tie in ties:
            kept = "one for ever" if tie.equal else "moving as one"
            yield f"{label} {', '.join(tie.names)}: {kept}, {tie.status}"
        yield from _short(found, ties)
    for still in found.frozen:
        part = "" if still.slices == still.of else f" ({still.slices} of {still.of} slices)"
        yield f"{still.parameter}{part}: never moves, {still.kind}: {still.why} ({still.status})"
    yield from _beside(found)
    for parting in found.witness.partings if found.witness else ():
        yield f"{parting.module}: {listed(parting.units)} are equal now; breaks at step {parting.step}"
    yield found.suggestion or "no unit is tied to another and every parameter moves"
    state = "no news at the last of" if found.kept else "not yet at rest after"
    yield f"measured: {state} {found.points} random points, {found.passes} passes, tolerance {found.tolerance:.0e}"
    if found.witness:
        held = "all of it held" if found.witness.held else "NOT all of it held"
        yield f"witness: {found.witness.steps} steps of AdamW, {held}"
    yield from (f"not proved: {condition}" for condition in found.conditions)


def _short(found: ModelSymmetry, ties: Iterable[UnitTie | TensorTie]) -> Iterator[str]:
    """Yield the certificates that prove these ties, one line each."""
    for place in dict.fromkeys(place for tie in ties for place in tie.certificates):
        yield f"  certificate {place}: {found.certificates[place].short}"


def _beside(found: ModelSymmetry) -> Iterator[str]:
    """Yield what is proved of units that no module gives out."""
    told = {place for module in found.modules for tie in module.ties for place in tie.certificates}
    for place, certificate in enumerate(found.certificates):
        if place not in told and certificate.groups and certificate.theorem in ("renaming", "signed renaming"):
            names = ", ".join(dict.fromkeys(member.parameter for member in certificate.members))
            groups = "; ".join(listed(group) for group in certificate.groups)
            signs = " up to sign" if certificate.theorem == "signed renaming" else ""
            yield f"{names}: {groups} of {certificate.size} are one for ever{signs}, proved"
            yield f"  certificate {place}: {certificate.short}"


def model_symmetry(observation: Observation, *, seed: int = 0, progress: Progress | None = None) -> ModelSymmetry:
    """Refine, prove what the exact rules cover, and try it in a few real steps; needs an observation that can look."""
    assert observation.look is not None, "the adapters give one"
    colours = refine(observation.parameters, observation.look, seed=seed, progress=progress)
    context = Context(observation)
    witness = witnessed(observation, colours)
    steps = 0 if witness is None else witness.steps + 1
    proofs = certificates(context, colours)
    return ModelSymmetry(
        modules=tuple(modules(context, colours, proofs)),
        slices=tuple(slices(colours)),
        tensors=tuple(tensors(colours, proofs)),
        copies=tuple(copies(colours)),
        frozen=tuple(frozen(context, colours, proofs)),
        certificates=proofs,
        waste=waste(observation, colours),
        witness=witness,
        points=colours.points,
        passes=bool(observation.operations) + colours.points + colours.free + steps,
        tolerance=math.sqrt(colours.epsilon),
        kept=colours.kept,
        conditions=tuple(conditions(observation, colours)),
    )
