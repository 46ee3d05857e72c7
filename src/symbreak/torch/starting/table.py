"""A plan as data: which law each parameter starts from, and why. It prints as a table and goes to JSON and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from symbreak.errors import InvalidData, InvalidInput
from symbreak.initializers.stacks import get

SCHEMA = "symbreak/plan/1"
KEEP = "keep"
LONGEST_LAW = 48


@dataclass(frozen=True)
class Entry:
    """One row.

    Attributes:
        parameter: its normalised name; that of its first name if it is tied.
        shape: as stored.
        law: text form of an initializer; None: it stays as it is.
        reason: in words.
        frozen: it takes no part in training, and is left as it is unless it is named.
        named: the law was asked for by name.
    """

    parameter: str
    shape: tuple[int, ...]
    law: str | None
    reason: str
    frozen: bool = False
    named: bool = False

    @property
    def applied(self) -> str | None:
        """The law that counts: none for what is frozen and not named."""
        return None if self.frozen and not self.named else self.law


@dataclass(frozen=True)
class Plan:
    """What each parameter of a model shall start from.

    Attributes:
        entries: one for each parameter, in the model's order.
        scheme: what the laws come from.
        observed: the wiring was seen on a batch; else only the kinds of the modules were known.
    """

    entries: tuple[Entry, ...]
    scheme: str = "auto"
    observed: bool = False

    def __getitem__(self, parameter: str) -> Entry:
        """Return the row of a parameter."""
        for entry in self.entries:
            if entry.parameter == parameter:
                return entry
        raise KeyError(parameter)

    def edited(self, laws: Mapping[str, str]) -> Plan:
        """Return the plan with other laws for the parameters that patterns such as "head.*" name; "keep" for none.

        Later patterns win over earlier ones.

        Raises:
            InvalidInput: a pattern names no parameter, or a text is no initializer.

        >>> plan = Plan((Entry("fc.weight", (2, 3), "normal(1)", ""), Entry("fc.bias", (2,), "zeros", "")))
        >>> [entry.law for entry in plan.edited({"*.weight": "orthogonal(2)", "*.bias": "keep"}).entries]
        ['orthogonal(2)', None]
        """
        entries = self.entries
        for pattern, text in laws.items():
            law = None if text == KEEP else str(get(text))
            if not any(fnmatchcase(entry.parameter, pattern) for entry in entries):
                raise unmatched("a pattern of a plan must name a parameter", pattern, (e.parameter for e in entries))
            entries = tuple(
                replace(entry, law=law, reason="as asked for by name", named=law is not None)
                if fnmatchcase(entry.parameter, pattern)
                else entry
                for entry in entries
            )
        return replace(self, entries=entries)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain data (schema symbreak/plan/1)."""
        rows = [{**vars(entry), "shape": list(entry.shape)} for entry in self.entries]
        return {"schema": SCHEMA, "scheme": self.scheme, "observed": self.observed, "entries": rows}

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | str) -> Plan:
        """Read what `to_json` gave, or its text.

        Raises:
            InvalidData: this is no plan.
            InvalidInput: one of its laws is no initializer.

        >>> plan = Plan((Entry("fc.weight", (2, 3), "normal(0.1)", "linear"),))
        >>> Plan.from_json(plan.to_json()) == plan
        True
        """
        try:
            given = json.loads(data) if isinstance(data, str) else data
            if given["schema"] != SCHEMA:
                raise ValueError(given["schema"])
            entries = tuple(_entry(row) for row in given["entries"])
            return cls(entries, str(given["scheme"]), bool(given["observed"]))
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, InvalidInput):
                raise
            raise InvalidData(
                "a plan is read from what Plan.to_json() gave",
                got=f"{type(error).__name__}: {error}",
                allowed=f"schema {SCHEMA} with scheme, observed, entries",
                hint="Plan.from_json(plan.to_json())",
            ) from error

    def __str__(self) -> str:
        rows = [(e.parameter, "x".join(map(str, e.shape)) or "()", _short(e.applied), _why(e)) for e in self.entries]
        return _table([("parameter", "shape", "law", "reason"), *rows])


def unmatched(rule: str, pattern: str, names: Iterable[str]) -> InvalidInput:
    """Build the error for a pattern that names nothing."""
    known = list(names)
    shown = ", ".join(known[:8]) + (f", ... ({len(known)} in all)" if len(known) > 8 else "")
    return InvalidInput(rule, got=repr(pattern), allowed=shown or "a model with parameters", hint=(known or ["*"])[0])


def _entry(row: Mapping[str, Any]) -> Entry:
    law = row["law"]
    shape = tuple(int(size) for size in row["shape"])
    text = None if law is None else str(get(law))
    return Entry(str(row["parameter"]), shape, text, str(row["reason"]), bool(row["frozen"]), bool(row["named"]))


def _short(law: str | None) -> str:
    if law is None:
        return "(as it is)"
    return law if len(law) <= LONGEST_LAW else law[: LONGEST_LAW - 3] + "..."


def _why(entry: Entry) -> str:
    return f"frozen; {entry.reason}" if entry.frozen and not entry.named else entry.reason


def _table(rows: list[tuple[str, str, str, str]]) -> str:
    widths = [max(len(row[place]) for row in rows) for place in range(3)]
    return "\n".join(
        "  ".join((*(cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)), row[3])) for row in rows
    )
