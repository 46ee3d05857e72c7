"""The compiled twin of the sums in `digest.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from symbreak.compiling import compiled, inlined

GOLDEN, FIRST, SECOND = (np.uint64(c) for c in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
S27, S30, S31, S32 = (np.uint64(shift) for shift in (27, 30, 31, 32))


@inlined
def mix(z: Any) -> Any:
    """SplitMix64's last steps."""
    z = (z ^ (z >> S30)) * FIRST
    z = (z ^ (z >> S27)) * SECOND
    return z ^ (z >> S31)


@compiled
def add(positions: Any, bits: Any, sums: Any) -> None:
    """Add the elements with these flat indices and bits to both sums."""
    first, second = sums[0], sums[1]
    for k in range(positions.shape[0]):
        a = mix(np.uint64(positions[k]) + GOLDEN)
        b = mix(a ^ np.uint64(bits[k]))
        first += b
        second += mix(b + ((a << S32) | (a >> S32)))
    sums[0], sums[1] = first, second
