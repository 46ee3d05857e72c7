"""Whether units that should be one are one at an update, bit by bit. This module loads Numba."""

from __future__ import annotations

from typing import Any

from symbreak.compiling import lent

SUMS, ANSWERS, DELTAS, GRADIENTS = range(4)


@lent
def watch_ties(kind: Any, notes: Any, room: Any, m: Any, count: Any, n: Any, t: Any) -> None:
    """Write down where network n's tied units differ first, after the passes of update t over `count` examples."""
    parted = notes.parted[n]
    at, above, first = 0, 0, 0
    for layer in range(1, kind.sizes.size - 1):
        units, inner, outer = kind.sizes[layer], kind.sizes[layer - 1] + 1, kind.sizes[layer + 1]
        incoming, outgoing = kind.offsets[layer - 1], kind.offsets[layer]
        for u in range(units):
            other = notes.tied[n, first + u]
            sign = 1
            if other < 0:
                other, sign = -1 - other, -1
            if other != u:
                _compare(room.z, at + u * m, at + other * m, 1, count, sign, parted, SUMS, t)
                _compare(room.a, above + u * m, above + other * m, 1, count, sign, parted, ANSWERS, t)
                _compare(room.dz, at + u * m, at + other * m, 1, count, sign, parted, DELTAS, t)
                rows = incoming + u * inner, incoming + other * inner
                _compare(room.gradient, rows[0], rows[1], 1, inner, sign, parted, GRADIENTS, t)
                _compare(room.gradient, outgoing + u, outgoing + other, units + 1, outer, sign, parted, GRADIENTS, t)
        at, above, first = at + units * m, above + (units + 1) * m, first + units


@lent
def _compare(
    values: Any, one: Any, other: Any, stride: Any, count: Any, sign: Any, parted: Any, what: Any, t: Any
) -> None:
    if parted[what] >= 0:
        return
    # A count instead of an early end: the loop over examples becomes vector instructions.
    different = 0
    for i in range(count):
        a, b = values[one + i * stride], values[other + i * stride]
        different += 1 if a != (b if sign > 0 else -b) else 0
    if different:
        parted[what] = t
