"""What a calibration did: a row for each weight, with what was measured before and after, or why it was left alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

SCHEMA = "symbreak/calibration/1"
HEADINGS = ("parameter", "place", "factor", "shift", "before", "after", "wanted", "reason")


@dataclass(frozen=True)
class Change:
    """What was done to one weight.

    Attributes:
        parameter: its name.
        place: what it is in the model: "hidden", "head", "branch", "recurrent", ...
        factor: what it was multiplied by; 1 if it was left alone.
        bias: name of the bias that was shifted, if one was.
        shift: root of the mean square of what was added to that bias.
        before: spread over the batch of what the weight gives, before; None if it was not measured.
        after: the same afterwards.
        wanted: the spread that was aimed at; None if it is not to be set.
        reason: the rule, or why the weight was left alone.
    """

    parameter: str
    place: str
    factor: float
    bias: str | None
    shift: float
    before: float | None
    after: float | None
    wanted: float | None
    reason: str

    @property
    def changed(self) -> bool:
        """Whether the weight or its bias is another one now."""
        return self.factor != 1 or self.bias is not None


@dataclass(frozen=True)
class Calibration:
    """All rows, in the order of the model's parameters.

    Attributes:
        changes: one for each weight.
        target: the spread that was asked for.
        passes: how often the model was run forward.
        refused: why the whole model was left as it was; empty if it was not.
    """

    changes: tuple[Change, ...]
    target: float
    passes: int
    refused: str = ""

    def __getitem__(self, parameter: str) -> Change:
        """Return the row of a parameter.

        Raises:
            KeyError: it has none.
        """
        for change in self.changes:
            if change.parameter == parameter:
                return change
        raise KeyError(parameter)

    @property
    def changed(self) -> tuple[Change, ...]:
        """Rows of what is another one now."""
        return tuple(change for change in self.changes if change.changed)

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data (schema symbreak/calibration/1)."""
        return {
            "schema": SCHEMA,
            "target": self.target,
            "passes": self.passes,
            "refused": self.refused,
            "changes": [asdict(change) for change in self.changes],
        }

    def __str__(self) -> str:
        if self.refused:
            return f"nothing was changed: {self.refused}"
        rows = [HEADINGS, *(_cells(change) for change in self.changes)]
        wide = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, wide, strict=True)).rstrip() for row in rows]
        return "\n".join([*lines, _summary(self.changes, self.passes)])


def _cells(change: Change) -> Sequence[str]:
    numbers = (change.before, change.after, change.wanted)
    return (
        change.parameter,
        change.place,
        f"{change.factor:.4g}",
        f"{change.shift:.3g}" if change.bias else "",
        *("" if number is None else f"{number:.4g}" for number in numbers),
        change.reason,
    )


def _summary(changes: Sequence[Change], passes: int) -> str:
    changed = sum(change.changed for change in changes)
    return f"{changed} of {len(changes)} weights changed, in {passes} forward passes"
