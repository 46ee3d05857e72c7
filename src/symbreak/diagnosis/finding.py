"""What diagnosis hands upward: one finding, frozen, that goes to JSON and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]
Status = Literal["proved", "refuted", "measured", "undecided"]


@dataclass(frozen=True)
class Where:
    """Where it is.

    Attributes:
        parameters: their names, as `named_parameters` gives them.
        modules: paths of modules.
        units: indices of units, channels or heads along the axis that the finding speaks of, in groups.
    """

    parameters: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    units: tuple[tuple[int, ...], ...] = ()

    def __str__(self) -> str:
        return ", ".join(self.parameters or self.modules) or "the model"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or unusual and right.

    Attributes:
        rule: slug of the rule.
        severity: "error", "warning" or "info".
        status: how it is known.
        where: parameters, modules, units.
        says: one line: what is the case.
        measured: numbers by name.
        expected: what they should be, with the formula.
        why: the reason, in two or three sentences that a learner follows.
        fix: lines of code that can be pasted; `model` is the model.
        evidence: a certificate or a replayable counterexample, as plain data.
        synthetic: it rests on an input that was made up.
    """

    rule: str
    severity: Severity
    status: Status
    where: Where
    says: str
    measured: Mapping[str, Any] = field(default_factory=dict)
    expected: str = ""
    why: str = ""
    fix: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    synthetic: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return plain data; numbers that are not finite are the texts "nan", "inf" and "-inf"."""
        where = {name: _plain(getattr(self.where, name)) for name in ("parameters", "modules", "units")}
        own = ("rule", "severity", "status", "says", "expected", "why", "fix", "synthetic")
        data = {name: getattr(self, name) for name in own}
        return {**data, "where": where, "measured": _plain(self.measured), "evidence": _plain(self.evidence)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Finding:
        """Return the finding that `to_json` made this of.

        >>> finding = Finding("non-finite", "error", "measured", Where(("w",)), "nan in w", {"count": 2})
        >>> Finding.from_json(finding.to_json()) == finding
        True
        """
        where = data["where"]
        units = tuple(tuple(group) for group in where["units"])
        place = Where(tuple(where["parameters"]), tuple(where["modules"]), units)
        return cls(**{**data, "where": place})


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    plain = value.item() if hasattr(value, "item") else value
    return str(plain) if isinstance(plain, float) and not math.isfinite(plain) else plain  # JSON has no nan, no inf
