"""Run the rules over an observation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from symbreak.diagnosis.colours import Progress
from symbreak.diagnosis.finding import Finding
from symbreak.diagnosis.observation import Observation
from symbreak.diagnosis.rules import RULES
from symbreak.diagnosis.rules.rule import MISSING, Context, Rule
from symbreak.errors import UnknownName


@dataclass(frozen=True)
class Outcome:
    """What one rule found; `skipped` tells what it would have needed."""

    rule: str
    findings: tuple[Finding, ...] = ()
    skipped: str = ""


def diagnose(
    observation: Observation,
    *,
    select: Iterable[str] | None = None,
    ignore: Iterable[str] | None = None,
    progress: Progress | None = None,
) -> tuple[Outcome, ...]:
    """Return the outcome of every rule that is wanted, in the order of `RULES`.

    Args:
        observation: a model at step 0.
        select: slugs of the only rules to run.
        ignore: slugs of rules to leave out.
        progress: called with the random points done and their bound, where the observation goes deep.

    Raises:
        UnknownName: no rule has this slug.
    """
    context = Context(observation, progress)
    wanted = _wanted(select, ignore)
    return tuple(_outcome(rule, context) for rule in RULES if rule.slug in wanted)


def _wanted(select: Iterable[str] | None, ignore: Iterable[str] | None) -> set[str]:
    known = [rule.slug for rule in RULES]
    for slug in (*(select or ()), *(ignore or ())):
        if slug not in known:
            raise UnknownName.among("rule", slug, known)
    return (set(known) if select is None else set(select)) - set(ignore or ())


def _outcome(rule: Rule, context: Context) -> Outcome:
    if context.lacks(rule.needs):
        return Outcome(rule.slug, skipped=MISSING[rule.needs])
    return Outcome(rule.slug, tuple(rule.find(context)))
