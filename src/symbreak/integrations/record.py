"""What a watch over the first steps saw, as data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

SCHEMA = "symbreak/watch/1"

# With half of all slopes below a hundredth of the steepest, half of the gradient is lost at this layer alone.
SATURATED = 0.5
# A weight that changes by a tenth of its size in one step has left its start after ten: the start decides nothing.
LARGE_UPDATE = 0.1


@dataclass(frozen=True)
class Layer:
    """A layer at a step, on the first rows of the batch.

    Attributes:
        module: its path.
        units: how many it has; 0 for an activation.
        effective: how many of them differ in what they give or in the gradient that comes back.
        saturated: for an activation, the share of entries whose slope is below 1 % of its steepest.
    """

    module: str
    units: int = 0
    effective: int | None = None
    saturated: float | None = None


@dataclass(frozen=True)
class Seen:
    """One step.

    Attributes:
        step: its number, from 0.
        updates: by parameter, the size of its change in this step over its size before, on some of its entries; None
            where it was zero before, or is no number.
        layers: in the order in which they ran.
    """

    step: int
    updates: Mapping[str, float | None]
    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class Watched:
    """What a watch saw: a few of the first steps, close together at first.

    >>> seen = Watched((Seen(0, {"fc.weight": 0.5}, (Layer("fc", 8, 1), Layer("act", saturated=0.9))),))
    >>> print(*seen.warnings, sep="\\n")
    step 0: 8 units of fc do the work of 1
    step 0: 90% of what act gives is saturated
    step 0: fc.weight changes by 50% of its size
    >>> Watched.from_json(seen.to_json()) == seen
    True
    """

    steps: tuple[Seen, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is out of the ordinary, each at the first step at which it was seen."""
        found: dict[tuple[str, str], str] = {}
        for seen in self.steps:
            for key, says in _unusual(seen):
                found.setdefault(key, f"step {seen.step}: {says}")
        return tuple(found.values())

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {"schema": SCHEMA, "steps": [asdict(seen) for seen in self.steps], "warnings": list(self.warnings)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Watched:
        """Return the record that `to_json` made this of."""
        return cls(
            tuple(
                Seen(seen["step"], dict(seen["updates"]), tuple(Layer(**layer) for layer in seen["layers"]))
                for seen in data["steps"]
            )
        )


def _unusual(seen: Seen) -> Iterator[tuple[tuple[str, str], str]]:
    for layer in seen.layers:
        if layer.effective is not None and layer.effective < layer.units:
            yield ("tied", layer.module), f"{layer.units} units of {layer.module} do the work of {layer.effective}"
        if layer.saturated is not None and layer.saturated >= SATURATED:
            yield ("saturated", layer.module), f"{layer.saturated:.0%} of what {layer.module} gives is saturated"
    for name, update in seen.updates.items():
        if update is not None and update >= LARGE_UPDATE:
            yield ("update", name), f"{name} changes by {update:.0%} of its size"


def finite(value: float) -> float | None:
    """Return the number, or None where it is inf or nan."""
    return value if math.isfinite(value) else None
