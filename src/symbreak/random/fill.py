"""Fill an array with a law: small ones by the reference, large ones by the compiled kernels; the bits are the same.

A process that draws only small tensors never pays for loading the compiler; once it is loaded, the kernels serve from
`SMALL` on.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.random.index import Selection
from symbreak.random.keys import Key
from symbreak.random.laws import Law

CHUNK = 2**16
SMALL = 2**12
LARGE = 2**20

_LAUNCH = "symbreak.random.launch"


def fill(target: NDArray[Any], law: Law, key: Key, selection: Selection, threads: int | None) -> None:
    """Write the selected values into `target`, which has the selection's shape."""
    flat_target = target.reshape(-1) if target.flags.c_contiguous else np.empty(selection.size, target.dtype)
    if selection.size >= (SMALL if _LAUNCH in sys.modules else LARGE):
        importlib.import_module(_LAUNCH).fill_by_kernels(flat_target, law, key, selection, threads)
    else:
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
