"""exp, expm1, log, log1p, tanh and the normal distribution function, with the same bits on every machine.

Mathematical libraries promise no such thing: their exp and tanh differ between releases and instruction sets in the
last bit. `reference.py` holds the formulas; large arrays go to compiled kernels with the same bits.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbreak.numerics import reference

Array = NDArray[np.float64]

# Below this many elements loading Numba and its cached kernels costs more than NumPy's passes over the array.
KERNEL_SIZE = 2**10


def exp(x: ArrayLike) -> Array:
    """Return e^x as float64; 0 below the smallest float64, inf above the largest.

    >>> float(exp(0.0)), float(exp(-1000.0)), float(exp(1000.0))
    (1.0, 0.0, inf)
    """
    return _apply("exp", reference.exp, x)


def expm1(x: ArrayLike) -> Array:
    """Return e^x - 1 as float64, without cancellation near 0.

    >>> float(expm1(1e-20))
    1e-20
    """
    return _apply("expm1", reference.expm1, x)


def log(x: ArrayLike) -> Array:
    """Return the natural logarithm as float64; -inf at 0 and nan below.

    >>> float(log(2.0))
    0.6931471805599453
    """
    return _apply("log", reference.log, x)


def log1p(x: ArrayLike) -> Array:
    """Return log(1 + x) as float64, exact to rounding also for tiny x.

    >>> float(log1p(1e-20))
    1e-20
    """
    return _apply("log1p", reference.log1p, x)


def tanh(x: ArrayLike) -> Array:
    """Return the hyperbolic tangent as float64; odd to the last bit.

    >>> float(tanh(-1000.0))
    -1.0
    """
    return _apply("tanh", reference.tanh, x)


def normal_cdf(x: ArrayLike) -> Array:
    """Return the standard normal distribution function, with full relative precision in the lower tail.

    >>> float(normal_cdf(0.0)), float(normal_cdf(-1000.0))
    (0.5, 0.0)
    """
    return _apply("normal_cdf", reference.normal_cdf, x)


def _apply(name: str, formula: Callable[[Array], Array], x: ArrayLike) -> Array:
    values = np.asarray(x, np.float64)
    if values.size < KERNEL_SIZE:
        return formula(values)
    from symbreak.numerics import kernels

    flat = np.ascontiguousarray(values).reshape(-1)
    out = np.empty_like(flat)
    getattr(kernels, name)(flat, out)
    return out.reshape(values.shape)
