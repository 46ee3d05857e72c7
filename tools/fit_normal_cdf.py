"""Derive the Chebyshev coefficients of `symbreak.numerics.portable.normal_cdf` and print them as literals.

The scaled complementary error function erfcx(x) = exp(x^2) erfc(x) is smooth on [0, inf). In t = (x - K) / (x + K)
the half line is [-1, 1], and (1 + 2x) erfcx(x) is nearly constant there, so few Chebyshev terms are enough
(the mapping is that of Shepherd and Laframboise, Mathematics of Computation 36, 1981).
"""

from __future__ import annotations

import mpmath

K = mpmath.mpf("3.75")
TERMS = 26
NODES = 96


def scaled(t: mpmath.mpf) -> mpmath.mpf:
    """(1 + 2x) erfcx(x) at the x that t stands for."""
    if t == 1:
        return 2 / mpmath.sqrt(mpmath.pi)
    x = K * (1 + t) / (1 - t)
    return (1 + 2 * x) * mpmath.exp(x * x) * mpmath.erfc(x)


def coefficients() -> list[mpmath.mpf]:
    """Chebyshev interpolation at the roots of T_NODES, cut after TERMS."""
    angles = [mpmath.pi * (2 * j + 1) / (2 * NODES) for j in range(NODES)]
    values = [scaled(mpmath.cos(angle)) for angle in angles]
    return [
        (1 if k == 0 else 2) * mpmath.fsum(v * mpmath.cos(k * a) for v, a in zip(values, angles, strict=True)) / NODES
        for k in range(TERMS)
    ]


if __name__ == "__main__":
    mpmath.mp.dps = 60
    for value in coefficients():
        print(f"    {float(value)!r},")
