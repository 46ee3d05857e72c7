"""What `symbreak.check` says of the architectures and of the healthy models, whole and broken."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass

from check.architectures import JUSTIFIED, Architecture
from check.cases import Task
from check.healthy import HEALTHY
from check.mutations import MUTATIONS

import symbreak

UNTOLD = "NO REASON GIVEN"


def loud(task: Task) -> list[tuple[str, str, str]]:
    """Return rule, severity and place of every error and warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = symbreak.check(*task).findings
    return [(finding.rule, finding.severity, str(finding.where)) for finding in found if finding.severity != "info"]


def rows(architecture: Architecture) -> list[tuple[str, str, str, str]]:
    """Return rule, severity, place and reason of what is found in an architecture."""
    return [(*found, JUSTIFIED.get((architecture.name, found[0]), UNTOLD)) for found in loud(architecture.build())]


@dataclass(frozen=True)
class Recall:
    """How often operators were caught.

    Attributes:
        broken: for each slug, how many broken models it was right for; under "all", all of them.
        caught: of these, how many were reported under a slug that was right, at the place that was broken.
        missed: the others, in words.
    """

    broken: Counter[str]
    caught: Counter[str]
    missed: tuple[str, ...]

    def share(self, slug: str) -> float:
        """Return caught / broken."""
        return self.caught[slug] / self.broken[slug]


def recall(seeds: int) -> Recall:
    """Apply every operator to every healthy model that it applies to, and check."""
    broken: Counter[str] = Counter()
    caught: Counter[str] = Counter()
    missed = []
    for seed, operator, healthy in ((s, o, h) for s in range(seeds) for o in MUTATIONS for h in HEALTHY):
        task = healthy.build(seed)
        if not (place := operator.apply(task.model, healthy, seed=seed)):
            continue
        found = loud(task)
        hit = any(rule in operator.expect and (place == "*" or place in where) for rule, _, where in found)
        slugs = {*operator.expect, "all"}
        broken.update(slugs)
        caught.update(slugs if hit else ())
        if not hit:
            told = ", ".join(sorted({f"{rule} at {where}" for rule, _, where in found})) or "nothing"
            missed.append(f"{operator.name} in {healthy.name} (seed {seed}) at {place}: {told}")
    return Recall(broken, caught, tuple(missed))


def alarms(seeds: int) -> dict[str, list[str]]:
    """Return what is said of each unbroken model."""
    return {
        f"{healthy.name} (seed {seed})": [f"{rule} at {where}" for rule, _, where in loud(healthy.build(seed))]
        for seed in range(seeds)
        for healthy in HEALTHY
    }
