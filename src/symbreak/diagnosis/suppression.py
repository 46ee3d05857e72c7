"""Findings that are set aside: suppressed with a reason, or known from a baseline. Pure functions over outcomes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from symbreak.diagnosis.checking import Outcome
from symbreak.diagnosis.finding import Finding, Where
from symbreak.diagnosis.rules import RULES
from symbreak.errors import InvalidData, InvalidInput, UnknownName

SCHEMA = "symbreak/baseline/1"
# 64 bits: among a million findings, two share a fingerprint with a probability below 3e-8.
DIGITS = 16


@dataclass(frozen=True)
class Suppression:
    """A finding that somebody looked at and lets stand.

    Attributes:
        rule: slug of the rule.
        reason: why it may stand; never empty.
        parameters: pattern that all of the finding's parameters match, or its modules if it names no parameter.

    Raises:
        UnknownName: no rule has this slug.
        InvalidInput: no reason, or no pattern.
    """

    rule: str
    reason: str
    parameters: str = "*"

    def __post_init__(self) -> None:
        known = [rule.slug for rule in RULES]
        if self.rule not in known:
            raise UnknownName.among("rule in a suppression", self.rule, known)
        for name in ("reason", "parameters"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip():
                raise InvalidInput(
                    f"a suppression needs a {name.removesuffix('s')}",
                    got=f"{name} = {value!r} for {self.rule}",
                    allowed="a text that is not empty",
                    hint='reason = "the head starts at zero on purpose"',
                )

    def covers(self, finding: Finding) -> bool:
        """Tell whether it is about this finding, and about all of its places: a new one among them is told.

        >>> known = Suppression("symmetric-units", "tied on purpose", "head.*")
        >>> known.covers(Finding("symmetric-units", "error", "proved", Where(("head.weight",)), "equal rows"))
        True
        >>> known.covers(Finding("symmetric-units", "error", "proved", Where(("head.weight", "body.weight")), "..."))
        False
        """
        names = finding.where.parameters or finding.where.modules or ("",)
        return finding.rule == self.rule and all(fnmatchcase(name, self.parameters) for name in names)


@dataclass(frozen=True)
class Suppressed:
    """A finding and the reason for which it was set aside."""

    finding: Finding
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {**self.finding.to_json(), "reason": self.reason}


@dataclass(frozen=True)
class Known:
    """An entry of a baseline: a rule and a place."""

    rule: str
    where: Where

    def __str__(self) -> str:
        return f"{self.rule} in {self.where}"


@dataclass(frozen=True)
class Baseline:
    """Findings that were there before, by fingerprint."""

    entries: Mapping[str, Known] = field(default_factory=dict)

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> Baseline:
        """Return the baseline that knows these findings; what is only explained (info) needs no entry."""
        told = [finding for finding in findings if finding.severity != "info"]
        return cls({fingerprint(finding): Known(finding.rule, finding.where) for finding in told})

    def to_json(self) -> dict[str, Any]:
        """Return plain data, in an order that does not change from run to run."""
        found = [
            {
                "fingerprint": key,
                "rule": entry.rule,
                "parameters": list(entry.where.parameters),
                "modules": list(entry.where.modules),
            }
            for key, entry in self.entries.items()
        ]
        return {"schema": SCHEMA, "findings": sorted(found, key=lambda each: (each["rule"], each["fingerprint"]))}

    @classmethod
    def from_json(cls, data: Any) -> Baseline:
        """Return the baseline that `to_json` made this of.

        Raises:
            InvalidData: it is no such data.
        """
        try:
            if data["schema"] != SCHEMA:
                raise ValueError(f"schema {data['schema']!r}")
            found = {}
            for each in data["findings"]:
                where = Where(_names(each["parameters"]), _names(each["modules"]))
                found[str(each["fingerprint"])] = Known(str(each["rule"]), where)
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidData(
                "the baseline cannot be read",
                got=f"{type(error).__name__}: {error}",
                allowed=f"what --write-baseline wrote, with schema {SCHEMA}",
                hint="symbreak check ... --write-baseline baseline.json",
            ) from error
        return cls(found)


@dataclass(frozen=True)
class Sifted:
    """Outcomes without what was set aside, and what was set aside.

    Attributes:
        outcomes: of the rules, with the findings that count.
        suppressed: with their reasons.
        known: findings that the baseline knows.
        vanished: entries of the baseline whose rule ran and did not find them again.
    """

    outcomes: tuple[Outcome, ...]
    suppressed: tuple[Suppressed, ...] = ()
    known: tuple[Finding, ...] = ()
    vanished: tuple[Known, ...] = ()


def fingerprint(finding: Finding) -> str:
    """Return what stays the same from run to run: a hash of rule, parameters and modules, not of numbers or units.

    >>> before = Finding("dead-units", "warning", "measured", Where(("0.weight",), ("1",), ((3, 5),)), "2 of 8")
    >>> after = Finding("dead-units", "error", "measured", Where(("0.weight",), ("1",), ((0, 7),)), "8 of 8")
    >>> fingerprint(before) == fingerprint(after)
    True
    """
    place = [finding.rule, sorted(finding.where.parameters), sorted(finding.where.modules)]
    return hashlib.sha256(json.dumps(place).encode()).hexdigest()[:DIGITS]


def set_aside(
    outcomes: Iterable[Outcome], suppressions: Sequence[Suppression] = (), baseline: Baseline | None = None
) -> Sifted:
    """Take out of the outcomes what is suppressed, then what the baseline knows."""
    kept: list[Outcome] = []
    suppressed: list[Suppressed] = []
    known: list[Finding] = []
    entries = baseline.entries if baseline is not None else {}
    seen: set[str] = set()
    for outcome in outcomes:
        rest = []
        for finding in outcome.findings:
            key = fingerprint(finding)
            seen.add(key)
            reason = next((each.reason for each in suppressions if each.covers(finding)), None)
            if reason is not None:
                suppressed.append(Suppressed(finding, reason))
            elif key in entries:
                known.append(finding)
            else:
                rest.append(finding)
        kept.append(replace(outcome, findings=tuple(rest)))
    ran = {outcome.rule for outcome in kept if not outcome.skipped}
    vanished = tuple(entry for key, entry in entries.items() if key not in seen and entry.rule in ran)
    return Sifted(tuple(kept), tuple(suppressed), tuple(known), vanished)


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise TypeError(f"names are a list of texts, not {value!r}")
    return tuple(value)
