"""Which factor each weight gets: at once where it is read once, over a few passes where it is read several times."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from symbreak.torch.calibrating.passes import Setting, Spread
from symbreak.torch.calibrating.roles import Role
from symbreak.torch.calibrating.uses import Use, Uses

# A head is left as it is over a wide range: small answers cost no loss, and larger ones hand on a larger gradient.
# Below a hundredth of the wanted spread the first steps of the layers before it are a hundred times smaller than they
# could be; logits of spread s make a cross-entropy start s^2/2 above that of a constant guess, felt from 3/2 on.
HEADS = (0.01, 1.5)
# What is outside is set to a third: a cross-entropy then starts 0.06 above that of a constant guess.
HEAD = 1 / 3
# How much larger what all samples have in common may be than the wanted spread, before biases take it away.
# Four times makes the mean cosine between samples 16/17; rows of ReLU layers get there after some forty.
OFFSETS = {"head": 1.0, "hidden": 4.0}
# A factor nearer to 1 is rounding: of a size that was found within the room that there is.
LEAST = 1e-5
# Bounds of the slope of log(spread) by log(factor): 1 for a weight that is read once, 2 for one that is read twice in a
# row; slopes outside come of noise or of saturation.
SLOPES = (0.5, 4.0)


@dataclass(frozen=True)
class Seen:
    """What a weight gives: its spread, that of what it reads, and that of the stream that it is added to."""

    std: float
    read: float
    stream: float


@dataclass(eq=False)
class Fitting:
    """The factors so far, and how the next are found; called at each product during a pass."""

    roles: Mapping[str, Role]
    uses: Uses
    target: float
    tol: float
    biases: Mapping[str, Tensor]
    setting: Setting = field(default_factory=Setting)
    streams: dict[str, float] = field(default_factory=dict)
    errors: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    settled: bool = False

    def __call__(self, use: Use, spread: Spread, streams: Mapping[int, float]) -> tuple[float, Tensor | None]:
        """Return the factor and the shift that a product asks for, on top of what it has."""
        self.look(use, spread, streams)
        role = self.roles[use.parameter]
        if role.place == "left" or role.together:
            return 1.0, None
        seen = Seen(spread.std, math.sqrt(spread.read), self.streams[use.parameter])
        factor = self.factor(role, seen, self.setting.factors.get(use.parameter, 1.0))
        return factor, self._shift(use, role, spread, factor)

    def look(self, use: Use, spread: Spread, streams: Mapping[int, float]) -> tuple[float, Tensor | None]:
        """Note the stream that a product's results are added to, and change nothing."""
        start = self.roles[use.parameter].start
        self.streams[use.parameter] = self.target if start is None else streams.get(start, self.target)
        return 1.0, None

    def wanted(self, role: Role, seen: Seen) -> float:
        """Return the spread that a weight's results shall have: for a branch the most, for a head if it is changed."""
        if role.place == "recurrent":
            return seen.read
        part = {"branch": seen.stream, "head": HEAD}.get(role.place, 1.0)
        return self.target * role.share * part

    def factor(self, role: Role, seen: Seen, size: float = 1.0) -> float:
        """Return by what to multiply a weight on top of its factor `size`; 1 if it is right, or has no spread."""
        wanted = self.wanted(role, seen)
        if not (seen.std > 0 and wanted > 0 and math.isfinite(seen.std)):
            return 1.0
        low, high = {"branch": (0.0, 1.0), "head": (HEADS[0] / HEAD, HEADS[1] / HEAD)}.get(role.place, (1.0, 1.0))
        if low * (1 - self.tol) <= seen.std / wanted <= high * (1 + self.tol):
            return 1.0
        found = min(wanted / seen.std, max(1.0, role.room / size))
        return 1.0 if abs(found - 1) < LEAST else found

    def is_held_back(self, role: Role, seen: Seen, size: float) -> bool:
        """Tell whether a weight that gives too little may not be larger than it is."""
        short = role.place == "hidden" and seen.std < self.wanted(role, seen) * (1 - self.tol)
        return short and role.room <= size * (1 + LEAST)

    def _shift(self, use: Use, role: Role, spread: Spread, factor: float) -> Tensor | None:
        """Return what takes from the biases that which all samples have in common, where it is too much.

        A bias itself stays: where it was meant to be, it keeps the results around it. What it takes away already, as
        it does after a calibration, is not taken twice: only what is left along the weight's own offset counts.
        """
        bias = self.biases.get(use.bias or "")
        most = OFFSETS.get(role.place)
        if most is None or bias is None or bias.shape != spread.offsets.shape:
            return None
        own = bias.to(spread.offsets)
        offset = (spread.offsets - own) * factor
        size = float(offset.square().mean().sqrt())
        allowed = most * self.target * role.share
        if size <= allowed * (1 + self.tol):
            return None
        left = float(((offset + own) * offset).mean()) / size
        return None if left <= allowed * (1 + self.tol) else offset * ((allowed - left) / size)

    def finish(self, spreads: Mapping[int, Spread]) -> None:
        """Find the next factors of weights that are read several times, after a pass."""
        self.settled = True
        for name, role in self.roles.items():
            if role.together and role.place != "left":
                factor = self.factor(role, self.seen(name, spreads), self.setting.factors.get(name, 1.0))
                if factor != 1:
                    self.settled = False
                    self._step(name, math.log(factor))

    def _step(self, name: str, error: float) -> None:
        """Take a secant's step in the logarithms."""
        size = math.log(self.setting.factors.get(name, 1.0))
        known = self.errors.setdefault(name, [])
        slope = 2.0 if self.uses.is_tied(name) else 1.0
        if known and known[-1][0] != size:
            slope = (known[-1][1] - error) / (size - known[-1][0])
            slope = min(max(slope, SLOPES[0]), SLOPES[1])
        known.append((size, error))
        self.setting.factors[name] = math.exp(size + error / slope)

    def seen(self, name: str, spreads: Mapping[int, Spread]) -> Seen:
        """Return what a weight gives, over all its products."""
        found = [spreads[use.operation] for use in self.uses.of(name) if use.operation in spreads]
        rows = sum(each.rows for each in found)
        if not rows:
            return Seen(0.0, 0.0, 0.0)
        variance = sum(each.std**2 * each.rows for each in found) / rows
        read = sum(each.read * each.rows for each in found) / rows
        return Seen(math.sqrt(variance), math.sqrt(read), self.streams.get(name, self.target))

    def shift_size(self, bias: str | None) -> float:
        """Return the root of the mean square of what is added to a bias."""
        shift = self.setting.shifts.get(bias or "")
        return 0.0 if shift is None else float(torch.sqrt(shift.square().mean()))
