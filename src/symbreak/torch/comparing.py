"""Values beside those of a start: the same, trained from it, or of another law. Found in one pass, block by block."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from symbreak.torch.filling import Array

AS_INITIALIZED = "as initialized"
TRAINED = "trained since"
OTHER = "other law"
CHANGED = "changed"

SIGMAS = 6.0
"""The correlation of n values with n independent ones has a standard deviation of 1/sqrt(n). Beyond so many of them,
which chance reaches in one of 10^9 tensors, the values come from this start."""

NEAR = 0.01
"""Change, relative to the start, up to which values are those of the start, trained: another law is farther off."""

FEWEST = 64
"""Below so many values neither correlation nor order says much."""

SAMPLE = 4096
GAPS = 20.0
"""Values are compared with the start by their order if they moved by more than 20 spreads over the sample's size, some
eight gaps between neighbours: training would have changed the order."""


@dataclass
class Comparison:
    """Sums over pairs of a value and its start, and a sample of the pairs."""

    same: bool = True
    sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(7))
    sample: list[tuple[Array, Array]] = field(default_factory=list)

    def add(self, values: Array, start: Array) -> None:
        """Take in one block."""
        self.same = self.same and same_bits(values, start)
        w, w0 = values.astype(np.float64).ravel(), start.astype(np.float64).ravel()
        moved = w - w0  # by its own sum: that of three squares would lose a change of one ulp
        self.sums += [len(w), w.sum(), w0.sum(), w @ w, w0 @ w0, w @ w0, moved @ moved]
        missing = SAMPLE - sum(len(one) for one, _ in self.sample)
        if missing > 0:
            step = max(1, len(w) // missing)
            self.sample.append((w[::step][:missing], w0[::step][:missing]))

    def judged(self) -> tuple[str, str]:
        """Return the status and what it rests on."""
        if self.same:
            return AS_INITIALIZED, ""
        n = float(self.sums[0])
        mean, mean0, square, square0, product, moved = (float(total) / n for total in self.sums[1:])
        change = math.sqrt(moved)
        size, spread = math.sqrt(square0), math.sqrt(max(0.0, square0 - mean0 * mean0))
        if not math.isfinite(change) or spread <= 1e-12 * size or spread == 0.0:
            return CHANGED, f"by {change:.3g} (root mean square) from a start without spread"
        if change <= NEAR * size:
            return TRAINED, f"by {change / size:.2g} of its size"
        if n < FEWEST:
            return CHANGED, f"by {change / size:.2g} of its size; {n:.0f} values are too few to tell by what"
        if min(n, SAMPLE) * change > GAPS * spread and self._in_order():
            return OTHER, "the same random numbers brought to another law or scale"
        covariance = product - mean * mean0
        correlation = covariance / (spread * math.sqrt(max(0.0, square - mean * mean)) or math.inf)
        if abs(correlation) > SIGMAS / math.sqrt(n):
            return TRAINED, f"by {change / size:.2g} of its size; correlation with the start {correlation:.2f}"
        return OTHER, f"or seed, or nothing of the start is left: correlation {correlation:.2g} over {n:.0f} values"

    def _in_order(self) -> bool:
        """Tell whether larger starts have larger values, once around: laws of one seed and name are increasing
        functions of the same random words, those of normals from the middle word on, of uniforms from the first."""
        w, w0 = (np.concatenate(side) for side in zip(*self.sample, strict=True))
        ordered = w[np.lexsort((w, w0))]  # equal starts, of a coarse type, may be of any order
        descents = int(np.count_nonzero(np.diff(ordered) < 0))
        return descents <= 1 and bool(ordered.min() < ordered.max())


def same_bits(one: Array, other: Array) -> bool:
    """Tell whether two arrays of one type are equal to the bit."""
    kind = f"u{one.dtype.itemsize}"
    return bool(np.array_equal(np.ascontiguousarray(one).view(kind), np.ascontiguousarray(other).view(kind)))
