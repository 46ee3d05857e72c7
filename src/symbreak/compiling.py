"""How kernels are compiled. This module loads Numba; only modules named `kernels` import it, and only when needed."""

from __future__ import annotations

from typing import Any

from numba import njit


def compiled(function: Any) -> Any:
    """Compile without the interpreter's lock, keep the machine code on disk, and divide as NumPy does.

    Fast-math stays off: it would let the compiler reorder or contract operations, and change bits.
    """
    return njit(nogil=True, cache=True, error_model="numpy")(function)


def inlined(function: Any) -> Any:
    """Compile a function of single numbers into whatever calls it: a call left in a loop ends vectorisation."""
    return njit(nogil=True, cache=True, error_model="numpy", forceinline=True)(function)
