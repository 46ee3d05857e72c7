"""Run the rules over an observation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from symbreak.diagnosis.colours import Progress
from symbreak.diagnosis.finding import Finding
from symbreak.diagnosis.observation import Observation
from symbreak.diagnosis.rules import RULES
from symbreak.diagnosis.rules.rule import MISSING, Context, Rule
from symbreak.errors import InvalidInput, UnknownName


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
        InvalidInput: no rule is left.
    """
    context = Context(observation, progress)
    wanted = chosen(select, ignore)
    return tuple(_outcome(rule, context) for rule in RULES if rule.slug in wanted)


def chosen(select: Iterable[str] | None, ignore: Iterable[str] | None) -> set[str]:
    """Return the slugs of the rules to run; a text is a list of slugs with commas.

    >>> sorted(chosen("dead-units, plateau", None))
    ['dead-units', 'plateau']

    Raises:
        UnknownName: no rule has this slug.
        InvalidInput: no rule is left.
    """
    known = [rule.slug for rule in RULES]
    listed, left = slugs(select or ()), slugs(ignore or ())
    for slug in (*listed, *left):
        if slug not in known:
            raise UnknownName.among("rule", slug, known)
    found = (set(known) if select is None else set(listed)) - set(left)
    if not found:
        raise InvalidInput(
            "a check needs a rule",
            got=f"select {', '.join(listed) or 'nothing'}, ignore {', '.join(left) or 'nothing'}",
            allowed="at least one rule that is selected and not ignored",
            hint=f"select={known[0]!r}",
        )
    return found


def slugs(given: Iterable[str]) -> tuple[str, ...]:
    """Return slugs, however they were listed."""
    texts = [given] if isinstance(given, str) else list(given)
    return tuple(slug.strip() for text in texts for slug in str(text).split(",") if slug.strip())


def _outcome(rule: Rule, context: Context) -> Outcome:
    if context.lacks(rule.needs):
        return Outcome(rule.slug, skipped=MISSING[rule.needs])
    return Outcome(rule.slug, tuple(_complete(finding, rule, context.observation) for finding in rule.find(context)))


def _complete(finding: Finding, rule: Rule, observation: Observation) -> Finding:
    """Say how a number can be had again where there is no proof, and on what it rests."""
    evidence = dict(finding.evidence) or {"how": _how(rule, observation)}
    if finding.status == "proved" and finding.evidence:
        return finding
    values_alone = rule.needs in ("values", "builder")
    given = "model" if values_alone and not observation.operations else "model, x, y, loss_fn"
    evidence["again"] = f"symbreak.check({given}, select={rule.slug!r}, seed={observation.seed})"
    made_up = finding.synthetic or (observation.synthetic and not values_alone)
    return replace(finding, evidence=evidence, synthetic=made_up)


def _how(rule: Rule, observation: Observation) -> str:
    if rule.needs in ("values", "builder") or not observation.operations:
        return "read from the values"
    return (
        "one forward and one backward pass in training mode, with the mean in place of dropout's noise, on "
        f"{observation.samples} samples"
    )
