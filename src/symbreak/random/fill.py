"""Fill an array with a law, chunk by chunk."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.random.index import Selection
from symbreak.random.keys import Key
from symbreak.random.laws import Law

CHUNK = 2**16


def fill(target: NDArray[Any], law: Law, key: Key, selection: Selection, threads: int | None) -> None:
    """Write the selected values into `target`, which has the selection's shape."""
    flat_target = target.reshape(-1) if target.flags.c_contiguous else np.empty(selection.size, target.dtype)
    fill_by_reference(flat_target, law, key, selection)
    if not target.flags.c_contiguous:
        target[...] = flat_target.reshape(target.shape)


def fill_by_reference(target: NDArray[Any], law: Law, key: Key, selection: Selection) -> None:
    """Fill a flat array by the readable reference."""
    begin = 0
    for part in selection.parts:
        for start in range(0, part.size, CHUNK):
            stop = min(start + CHUNK, part.size)
            target[begin + start : begin + stop] = law.values(key, part.flat(start, stop)).astype(target.dtype)
        begin += part.size
