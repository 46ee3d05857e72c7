"""Fit the rational functions of the inverse normal and print their literals.

    python tools/fit_normal.py

Three fits, each a linearised minimax problem (least squares whose weights are raised, step after step, where the
error is largest): the centre z/|x| in u = sqrt(t (2 - t)), the tail z in the sixteenth root of t, and z times Mills'
ratio in 1/z^2. The literals are frozen in src/symbreak/random; this script prints what it finds beside them and the
error of both. Another linear algebra library may change the last digits of what is found; the frozen literals are the
specification.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.polynomial import chebyshev, polynomial
from scipy.special import erfcx, ndtri

from symbreak.random import transform, truncation

POINTS = 4000


def minimax(target, weight, interval, degrees, steps=120):
    """Return numerator, denominator (monomials, denominator(0) = 1) and the largest weighted error of the best step."""
    low, high = interval
    nodes = -np.cos(np.pi * (np.arange(POINTS) + 0.5) / POINTS)
    place = low + (high - low) * (nodes + 1) / 2
    value, scale = target(place), weight(place)
    top = chebyshev.chebvander(nodes, degrees[0])
    bottom = chebyshev.chebvander(nodes, degrees[1])[:, 1:]
    emphasis, denominator = np.ones(POINTS), np.ones(POINTS)
    best = (np.inf, None)
    for _ in range(steps):
        rows = scale * emphasis / denominator
        system = np.hstack([top, -value[:, None] * bottom]) * rows[:, None]
        solution = np.linalg.lstsq(system, value * rows, rcond=None)[0]
        denominator = 1 + bottom @ solution[degrees[0] + 1 :]
        error = np.abs(top @ solution[: degrees[0] + 1] / denominator - value) * scale
        if error.max() < best[0]:
            best = (error.max(), solution.copy())
        emphasis *= np.sqrt(error / error.max() + 1e-3)
        emphasis /= emphasis.max()
        denominator = np.abs(denominator)
    error, solution = best
    p = monomials(solution[: degrees[0] + 1], interval)
    q = monomials(np.r_[1.0, solution[degrees[0] + 1 :]], interval)
    return p / q[0], q / q[0], error


def monomials(series, interval):
    """Rewrite a Chebyshev series on the interval as a polynomial in the plain variable."""
    low, high = interval
    inner = np.array([-(high + low) / (high - low), 2 / (high - low)])
    result = np.zeros(1)
    for coefficient in chebyshev.cheb2poly(series)[::-1]:
        result = polynomial.polyadd(polynomial.polymul(result, inner), [coefficient])
    return result


def centre():
    """(z/|x| - r0) / (1 - u) - c, with the scale that puts the rounding errors where they hurt least."""
    r0 = np.sqrt(np.pi / 2)

    def ratio(u):
        x = np.sqrt((1 - u) * (1 + u))
        t = u * u / (1 + x)
        series = r0 * (1 + np.pi / 12 * x * x)
        return np.where(x < 1e-3, series, -ndtri(t / 2) / np.where(x == 0, 1, x)), x

    def target(u):
        value, x = ratio(u)
        return np.where(x < 1e-3, r0 * np.pi / 12 * (1 + u), (value - r0) / (1 - u))

    low = np.sqrt(2.0**-10 * (2 - 2.0**-10))
    p, q, error = minimax(target, lambda u: (1 - u) / ratio(u)[0], (low, 1.0), (5, 5))
    c = float(transform.CENTRE_SLOPE)
    return 1.19 * (p - c * q), 1.19 * q, error


def tail():
    interval = (2.0 ** (-64 / 16), 2.0 ** (-10 / 16))
    return minimax(lambda s: -ndtri(s**16 / 2), lambda s: -1 / ndtri(s**16 / 2), interval, (7, 7))


def mills():
    def target(w):
        z = 1 / np.sqrt(w)
        return z * np.sqrt(np.pi / 2) * erfcx(z / np.sqrt(2))

    return minimax(target, lambda w: 1 / target(w), (1e-9, 1 / 2.5**2), (5, 5))


def show(title: str, fit: Callable, frozen_p, frozen_q, kind: type) -> None:
    p, q, error = fit()
    print(f"{title}: largest relative error {error:.3g} = 2^{np.log2(error):.1f}")
    for name, found, frozen in (("numerator", p, frozen_p), ("denominator", q, frozen_q)):
        print(f"  {name}, from the constant up")
        for a, b in zip(found, frozen, strict=True):
            print(f"    {kind(a)!r:<40} frozen {b!r}")


def main() -> None:
    show("centre", centre, transform.CENTRE_P, transform.CENTRE_Q, np.float32)
    show("tail", tail, transform.TAIL_P, transform.TAIL_Q, float)
    show("mills", mills, truncation.MILLS_P, truncation.MILLS_Q, float)


if __name__ == "__main__":
    main()
