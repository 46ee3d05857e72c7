"""How kernels are compiled. This module loads Numba; only modules named `kernels` import it, and only when needed."""

from __future__ import annotations

from typing import Any

from numba import njit


def compiled(function: Any) -> Any:
    """Compile without the interpreter's lock, keep the machine code on disk, and divide as NumPy does.

    Fast-math stays off: it would let the compiler reorder or contract operations, and change bits.
    """
    return njit(nogil=True, cache=True, error_model="numpy")(function)


def lent(function: Any) -> Any:
    """Compile as `compiled` does, for arrays that the caller keeps: the kernel does not count who holds them.

    Counting costs two atomic operations for each view of an array: a third of the time of the smallest networks. Such
    a kernel can make no array; Numba refuses it if it tries.
    """
    return njit(**_LENT)(function)


def lent_inlined(function: Any) -> Any:
    """Compile as `lent` does, into whatever calls it: a call hands over every array in seven numbers, which adds up."""
    return njit(forceinline=True, **_LENT)(function)


_LENT: dict[str, Any] = {"nogil": True, "cache": True, "error_model": "numpy", "_nrt": False}


def inlined(function: Any) -> Any:
    """Compile a function of single numbers into whatever calls it: a call left in a loop ends vectorisation."""
    return njit(nogil=True, cache=True, error_model="numpy", forceinline=True)(function)


WITHIN: Any = {"forceinline": True, "error_model": "numpy"}
"""The same for `numba.extending.overload`, as its `jit_options`."""
