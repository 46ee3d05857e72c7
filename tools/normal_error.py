"""The error of the inverse normal in float32 ulp, against SciPy's ndtri in float64 (itself checked against mpmath).

    python tools/normal_error.py           every 1021st word of the centre, and 10^7 positions of the tail
    python tools/normal_error.py --all     all 2^32 words (those of the tail with a random second word); some minutes

An ulp is the distance between neighbouring float32 numbers at the true value.
"""

from __future__ import annotations

import argparse

import mpmath
import numpy as np
from scipy.special import ndtri

from symbreak.random.transform import TAIL_BELOW, centre, tail, tail_integer

CHUNK = 2**16  # fits the cache


def ulps(value: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return np.abs(value - truth) / np.spacing(np.abs(truth).astype(np.float32)).astype(np.float64)


def exact_centre(upper: np.ndarray) -> np.ndarray:
    t = (tail_integer(upper) + 0.5) * 2.0**-31
    return np.where(upper < 0, 1, -1) * ndtri(t / 2)


def exact_tail(position: np.ndarray) -> np.ndarray:
    beyond = np.where(position < 0, position ^ -1, position) ^ np.int64(2**63 - 1)
    t = ((beyond >> 32) + ((beyond & 0xFFFFFFFF) + 0.5) * 2.0**-32) * 2.0**-31
    return np.where(position < 0, 1, -1) * ndtri(t / 2)


def centre_errors(upper: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    upper = upper[tail_integer(upper) >= TAIL_BELOW]
    truth = exact_centre(upper)
    return ulps(centre(upper), truth), truth


def tail_errors(generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions whose t is log-uniform from 2^-64 to 2^-10."""
    beyond = (2.0 ** generator.uniform(0, 53, count)).astype(np.int64) - 1
    position = (2**63 - 1 - beyond) ^ -generator.integers(0, 2, count)
    truth = exact_tail(position)
    return ulps(tail(position), truth), truth


class Worst:
    """The largest error so far, where it is, and the root mean square."""

    def __init__(self) -> None:
        self.error, self.at, self.squares, self.count = 0.0, 0.0, 0.0, 0

    def add(self, errors: np.ndarray, truth: np.ndarray) -> None:
        if len(errors) and errors.max() > self.error:
            self.error, self.at = float(errors.max()), float(truth[errors.argmax()])
        self.squares += float(np.square(errors).sum())
        self.count += len(errors)

    def __str__(self) -> str:
        rms = (self.squares / max(1, self.count)) ** 0.5
        return f"at most {self.error:.3f} ulp (at z = {self.at:.4f}), rms {rms:.3f}, {self.count} values"


def check_of_the_truth() -> float:
    """Largest relative error of the float64 truth itself, against 40 digits."""
    worst = 0.0
    with mpmath.workdps(40):
        for exponent in np.linspace(-64, -0.01, 200):
            t = float(2.0**exponent)
            exact = mpmath.sqrt(2) * mpmath.erfinv(1 - mpmath.mpf(t))
            worst = max(worst, abs(float(-ndtri(t / 2) / exact - 1)))
    return worst


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true")
    step = 1 if parser.parse_args().all else 1021
    middle, far, near_edge = Worst(), Worst(), Worst()
    for start in range(-(2**31), 2**31, CHUNK * step):
        upper = np.arange(start, min(start + CHUNK * step, 2**31), step, dtype=np.int64).astype(np.int32)
        middle.add(*centre_errors(upper))
    edge = np.arange(2**31 - TAIL_BELOW - 10**6, 2**31 - TAIL_BELOW, dtype=np.int64).astype(np.int32)
    near_edge.add(*centre_errors(edge))
    far.add(*tail_errors(np.random.default_rng(0), 10**7))
    print(f"centre, every {step}. word: {middle}")
    print(f"centre, the million words before the tail: {near_edge}")
    print(f"tail: {far}")
    print(f"the float64 truth differs from 40 digits by at most {check_of_the_truth():.1e} relative")


if __name__ == "__main__":
    main()
