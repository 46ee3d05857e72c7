"""Run the lesson's claims: one, or all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from symbreak.errors import UnknownName
from symbreak.lesson.catalogue import CLAIMS
from symbreak.lesson.claim import Claim, Finding, verdict

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Audit:
    """The findings of a run, in the lesson's order."""

    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain data, schema symbreak/lesson/1."""
        return {"schema": "symbreak/lesson/1", "claims": [finding.to_json() for finding in self.findings]}


def claims() -> tuple[Claim, ...]:
    """Return all claims in the lesson's order: R1 to R95, then the takeaways K1 to K15."""
    return tuple(CLAIMS.values())


def find(id: str) -> Claim:
    """Return the claim of this id, in any case; raises `UnknownName`."""
    for known, claim in CLAIMS.items():
        if known.casefold() == str(id).casefold():
            return claim
    raise UnknownName(
        "unknown claim",
        got=repr(id),
        allowed="R1 to R95 and R6b, K1 to K15; or assignments, alone",
        hint="symbreak lesson lists them",
    )


def run(id: str) -> Finding:
    """Run the experiment of one claim.

    Raises:
        UnknownName: no claim has this id.

    >>> run("R9").verdict
    'true'
    """
    claim = find(id)
    started = time.perf_counter()
    evidence = claim.experiment()
    seconds = time.perf_counter() - started
    return Finding(claim, *verdict(claim, evidence.cases), evidence, seconds)


def audit(ids: Iterable[str] | None = None, *, progress: Progress | None = None) -> Audit:
    """Run several claims, or all; `progress` is called with (done, in all, id of the next)."""
    wanted = list(CLAIMS) if ids is None else list(ids)
    findings = []
    for done, id in enumerate(wanted):
        if progress:
            progress(done, len(wanted), id)
        findings.append(run(id))
    if progress:
        progress(len(wanted), len(wanted), "")
    return Audit(tuple(findings))
