"""Derive the coefficients of `symbreak.numerics.single.tanh` and print them as literals.

tanh x / x is an even function; on |x| <= TOP, beyond which tanh rounds to 1 in float32, it is fitted by a quotient of
two polynomials in x^2 whose constants are 1, so that tanh x = x for tiny x. The fit is by least squares of the relative
error, linearised by the denominator of the round before, with more weight where the error was largest.
"""

from __future__ import annotations

import mpmath

TOP = mpmath.mpf("9.02")
DEGREE = 4
NODES = 160
ROUNDS = 12

Numbers = list[mpmath.mpf]


def value(coefficients: Numbers, t: mpmath.mpf) -> mpmath.mpf:
    """The polynomial with the lowest coefficient first."""
    return mpmath.fsum(c * t**k for k, c in enumerate(coefficients))


def fitted(points: Numbers, wanted: Numbers, weights: Numbers) -> tuple[Numbers, Numbers]:
    """The numerator P and denominator Q with the least sum of weights^2 (P - wanted Q)^2."""
    rows = [
        [w * t**k for k in range(1, DEGREE + 1)] + [-w * f * t**k for k in range(1, DEGREE + 1)]
        for t, f, w in zip(points, wanted, weights, strict=True)
    ]
    right = [w * (f - 1) for f, w in zip(wanted, weights, strict=True)]
    found = list(mpmath.qr_solve(mpmath.matrix(rows), mpmath.matrix(right))[0])
    return [mpmath.mpf(1), *found[:DEGREE]], [mpmath.mpf(1), *found[DEGREE:]]


def coefficients() -> tuple[Numbers, Numbers, mpmath.mpf]:
    """P and Q in (x / TOP)^2, lowest first, and the largest relative error of x P / Q."""
    nodes = [TOP * (1 - mpmath.cos(mpmath.pi * (k + mpmath.mpf(1) / 2) / NODES)) / 2 for k in range(NODES)]
    points, wanted = [(x / TOP) ** 2 for x in nodes], [mpmath.tanh(x) / x for x in nodes]
    stress, below = [mpmath.mpf(1)] * NODES, [mpmath.mpf(1)] * NODES
    for _ in range(ROUNDS):
        weights = [w / (f * q) for w, f, q in zip(stress, wanted, below, strict=True)]
        top, bottom = fitted(points, wanted, weights)
        below = [value(bottom, t) for t in points]
        errors = [abs(value(top, t) / q / f - 1) for t, q, f in zip(points, below, wanted, strict=True)]
        stress = [w * mpmath.sqrt(0.2 + e / max(errors)) for w, e in zip(stress, errors, strict=True)]
    return top, bottom, max(errors)


if __name__ == "__main__":
    mpmath.mp.dps = 50
    *polynomials, error = coefficients()
    for name, polynomial in zip(("TANH_TOP", "TANH_BOTTOM"), polynomials, strict=True):
        print(f"{name}:", *(f"{float(c / TOP ** (2 * k))!r}," for k, c in reversed(list(enumerate(polynomial)))))
    print(f"largest relative error {float(error):.2g}")
