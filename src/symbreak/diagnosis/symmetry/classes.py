"""What is found of each hidden layer, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symbreak.diagnosis.symmetry.tiers import Tier

SAME = "same for ever"
PARTS = "same now, parts at step {step}"
DISTINCT = "distinct"
MIRRORED = "mirrored"
DEAD = "dead by sign"
COLLINEAR = "collinear"
NEAR = "near"
SINGLE = "single"
ZERO = "zero for ever"


@dataclass(frozen=True)
class UnitClass:
    """Units of a hidden layer that are one unit for ever, in exact arithmetic.

    Attributes:
        layer: counted from 1, as in W1.
        units: row numbers, counted from 0.
        factors: each unit's activation is its factor times that of the first unit.
        zero: the activation is 0 on every input, for ever.
        dead: zero because z <= 0 on every input, not because z = 0.
        frozen: the factor of W2^T, dZ2, g'(Z1) that makes the units' gradient 0 for ever; None if none does.
        tier: how strong the tie is; None for a single unit that is not zero.
        optimizers: those that keep it.
        status: "proved", or "undecided" if nothing is known of the update.
    """

    layer: int
    units: tuple[int, ...]
    factors: tuple[Fraction | int, ...]
    zero: bool
    dead: bool
    frozen: str | None
    tier: Tier | None
    optimizers: tuple[str, ...]
    status: str

    @property
    def signs(self) -> tuple[int, ...]:
        """1, or -1 for mirrored units."""
        return tuple(1 if factor > 0 else -1 for factor in self.factors)

    @property
    def relation(self) -> str:
        """How the units stand to each other."""
        if self.zero:
            return DEAD if self.dead else ZERO
        if len(self.units) == 1:
            return SINGLE
        if any(abs(factor) != 1 for factor in self.factors):
            return COLLINEAR
        return MIRRORED if -1 in self.factors else SAME

    def to_json(self) -> dict[str, Any]:
        """Return the class as JSON values; factors are exact fractions in text."""
        return {
            "units": list(self.units),
            "signs": list(self.signs),
            "factors": [str(factor) for factor in self.factors],
            "zero": self.zero,
            "dead": self.dead,
            "frozen": self.frozen,
            "tier": self.tier,
            "optimizers": list(self.optimizers),
            "relation": self.relation,
            "status": self.status,
        }


@dataclass(frozen=True)
class Layer:
    """One hidden layer.

    Attributes:
        index: counted from 1, as in W1.
        classes: every unit is in one.
    """

    index: int
    classes: tuple[UnitClass, ...]

    @property
    def units(self) -> int:
        """How many units the layer has."""
        return sum(len(c.units) for c in self.classes)

    @property
    def effective_units(self) -> int:
        """How many units a network that computes the same for ever needs: the classes that are not zero."""
        return sum(not c.zero for c in self.classes)

    def class_of(self, unit: int) -> UnitClass:
        """Return the class that holds this unit."""
        return next(c for c in self.classes if unit in c.units)

    def to_json(self) -> dict[str, Any]:
        """Return the layer as JSON values."""
        return {
            "layer": self.index,
            "units": self.units,
            "effective_units": self.effective_units,
            "classes": [c.to_json() for c in self.classes],
        }


def listed(units: tuple[int, ...]) -> str:
    """Write unit numbers, long ones shortened.

    >>> listed((0, 1, 2, 3, 7)), listed((4,))
    ('units 0-3, 7', 'unit 4')
    """
    runs: list[list[int]] = []
    for unit in sorted(units):
        if runs and unit == runs[-1][-1] + 1:
            runs[-1].append(unit)
        else:
            runs.append([unit])
    parts = [str(r[0]) if len(r) == 1 else f"{r[0]}{'-' if len(r) > 2 else ', '}{r[-1]}" for r in runs]
    shown = parts if len(parts) <= 12 else [*parts[:11], "...", parts[-1]]
    return f"unit{'s' if len(units) > 1 else ''} {', '.join(shown)}"
