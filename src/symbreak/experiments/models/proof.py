"""What `check` knows of a start: ties and stuck parameters, proved under the optimizer at hand or measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from torch import nn
from torch.optim import Optimizer

from symbreak.diagnosis.checking import diagnose
from symbreak.diagnosis.finding import Finding
from symbreak.experiments.models.batches import Batch
from symbreak.experiments.models.optimizers import proved_under
from symbreak.experiments.proof import Proof
from symbreak.torch.observe import observe

RULES = ("cloned-layers", "symmetric-units", "stuck-parameters")


def prove(
    model: nn.Module, batch: Batch, loss_fn: Any, optimizer: Optimizer, layers: Sequence[str], *, seed: int
) -> Proof:
    """Ask the rules of `check` about ties and about what never moves.

    Args:
        model: at its start.
        batch: to observe it on; what is proved holds for any.
        loss_fn: of the training.
        optimizer: a proof is said only of one that its theorem names.
        layers: names of the hidden layers' weights.
        seed: of the passes.
    """
    rules = proved_under(optimizer)
    seen = observe(model, batch.x, batch.y, loss_fn, seed=seed)
    findings = [f for outcome in diagnose(seen, select=RULES) for f in outcome.findings if f.severity == "error"]
    proved = [finding for finding in findings if _holds(finding, rules)]
    sizes = {p.name: p.shape for p in seen.parameters}
    one = tuple(any(_covers(finding, name, sizes) for finding in proved) for name in layers)
    whole = {name for name, is_one in zip(layers, one, strict=True) if is_one}
    rest = [finding for finding in findings if not _told_by(finding, whole)]
    return Proof(one, None, tuple(f"{f.says} ({'proved' if f in proved else 'measured'})" for f in rest))


def _holds(finding: Finding, rules: frozenset[str] | None) -> bool:
    """Tell whether a proof covers this optimizer."""
    if finding.status != "proved" or rules is None:
        return False
    named = finding.measured.get("optimizers")
    # What is stuck has gradient zero under every optimizer; ties are kept by those that the theorem names.
    return finding.rule == "stuck-parameters" or rules <= set(_names(named))


def _names(named: Any) -> Iterable[str]:
    return str(named).split(", ") if named else ()


def _covers(finding: Finding, weight: str, sizes: dict[str, tuple[int, ...]]) -> bool:
    """Tell whether a finding says that all units behind a weight are one."""
    if finding.rule != "symmetric-units" or weight not in finding.where.parameters or len(finding.where.units) != 1:
        return False
    return len(finding.where.units[0]) == finding.measured.get("units") and finding.measured["units"] in sizes[weight]


def _told_by(finding: Finding, whole: set[str]) -> bool:
    """Tell whether the verdict's own words on whole layers say it already."""
    return finding.rule == "symmetric-units" and bool(whole & set(finding.where.parameters))
