"""Is it random, and of the promised law? Each battery also has to reject mutants.

Every draw has a fixed seed, so a test that passes passes always; the bar is a p-value of 1e-6, so that a bad law is
rejected and a good one is not a matter of luck in choosing the seeds.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import log_ndtr, ndtr

from symbreak.random import bits, fill, laws, normal, orthogonal, philox, transform, truncated_normal, uniform
from symbreak.random.keys import key_of

BAR = 1e-6
SHORT, LONG = 2**20, 10**8
PIECE = 10**7


def anderson_darling(u: np.ndarray) -> float:
    """p-value of A^2 for values that should be uniform. The tail of its limit law is that of chi-square / 2, times
    sqrt 3."""
    u = np.clip(np.sort(u), 1e-300, 1 - 2.0**-53)
    n = len(u)
    weight = 2 * np.arange(1, n + 1) - 1
    a2 = -n - np.mean(weight * (np.log(u) + np.log1p(-u[::-1])))
    return min(1.0, math.sqrt(3) * float(stats.chi2.sf(2 * a2, 1)))


def kolmogorov_smirnov(u: np.ndarray) -> float:
    u, n = np.sort(u), len(u)
    grid = np.arange(n) / n
    distance = max((grid + 1 / n - u).max(), (u - grid).max())
    return float(stats.kstwobign.sf(math.sqrt(n) * distance))


def chi_square(counts: np.ndarray, expected: float | np.ndarray | None = None) -> float:
    """Two-sided p-value: counts that fit too well are as suspicious."""
    expected = counts.mean() if expected is None else expected
    statistic = float((np.square(counts - expected) / expected).sum())
    p = float(stats.chi2.sf(statistic, len(counts.reshape(-1)) - 1))
    return 2 * min(p, 1 - p)


def fits(u: np.ndarray, bins: int = 1024) -> dict[str, float]:
    """p-values of the hypothesis that u is uniform on (0, 1)."""
    counts = np.bincount(np.minimum((u * bins).astype(np.int64), bins - 1), minlength=bins)
    return {
        "chi-square": chi_square(counts),
        "Kolmogorov-Smirnov": kolmogorov_smirnov(u),
        "Anderson-Darling": anderson_darling(u),
    }


def tails(values: np.ndarray, highest: int) -> float:
    """Smallest p-value of the numbers of values beyond 1, 2, ... sigma, on each side."""
    counts = [(k, int((side * values > k).sum())) for k in range(1, highest + 1) for side in (1, -1)]
    return min(stats.binomtest(count, len(values), float(ndtr(-k))).pvalue for k, count in counts)


def normal_battery(values: np.ndarray, highest: int = 4) -> float:
    """Smallest p-value of all tests of N(0, 1)."""
    n, z = len(values), values.astype(np.float64)
    mean = 2 * stats.norm.sf(abs(z.mean()) * math.sqrt(n))
    variance = 2 * stats.norm.sf(abs(np.mean(z * z) - 1) * math.sqrt(n / 2))
    skewness = 2 * stats.norm.sf(abs(np.mean(z**3)) * math.sqrt(n / 15))
    kurtosis = 2 * stats.norm.sf(abs(np.mean(z**4) - 3) * math.sqrt(n / 96))
    return min(mean, variance, skewness, kurtosis, tails(z, highest), *fits(ndtr(z)).values())


def test_normal_values():
    assert normal_battery(normal(SHORT, seed="statistics")) > BAR


def test_uniform_values():
    assert min(fits(uniform(SHORT, seed="statistics").astype(float)).values()) > BAR
    assert min(fits((bits(SHORT, seed="w") + 0.5) / 2.0**32).values()) > BAR
    low_half = bits(SHORT, seed="w") & 0xFFFF
    assert min(fits((low_half + np.random.default_rng(0).uniform(size=SHORT)) / 2.0**16).values()) > BAR


INTERVALS = [
    (-2, 2),
    (0, math.inf),
    (-math.inf, 1),
    (-1, 5),
    (5, 6),
    (-6, -5),
    (40, math.inf),
    (0.5, 0.501),
    (-1e-3, 1e-3),
]


@pytest.mark.parametrize(("low", "high"), INTERVALS)
def test_truncated_values(low, high):
    values = truncated_normal(2**17, seed="statistics", low=low, high=high).astype(float)
    # Where float32 is coarse beside the interval, spread each value over its rounding cell.
    cell = np.spacing(np.abs(values).astype(np.float32)) * np.random.default_rng(1).uniform(-0.5, 0.5, len(values))
    z = np.clip(values + cell, low, high)
    below = 1 - np.exp(log_ndtr(-z) - log_ndtr(-low)) if low > 30 else stats.truncnorm(low, high).cdf(z)
    assert min(fits(below, bins=128).values()) > BAR


@pytest.mark.parametrize(("low", "high"), [(-2, 2), (0, math.inf), (2.5, 4), (-1, 0.1)])
def test_variance_correction(low, high):
    n = 2**18
    values = truncated_normal(n, seed="sd", low=low, high=high, scale=0.5, correct_variance=True).astype(float)
    fourth = np.mean((values - values.mean()) ** 4) / values.var() ** 2
    error = math.sqrt((fourth - 1) / (4 * n))  # relative standard error of a standard deviation
    assert abs(values.std() / 0.5 - 1) < 5 * error


def test_an_uncorrected_variance_is_caught():
    n = 2**18
    values = truncated_normal(n, seed="sd", scale=0.5).astype(float)
    assert abs(values.std() / 0.5 - 1) > 5 * math.sqrt(1 / n)


def pair_battery(a: np.ndarray, b: np.ndarray, bins: int = 32) -> float:
    """Smallest p-value of independence of two equally long normal samples: joint counts, correlation of values and
    squares."""
    place = [np.minimum((ndtr(x) * bins).astype(np.int64), bins - 1) for x in (a, b)]
    joint = chi_square(np.bincount(place[0] * bins + place[1], minlength=bins * bins))
    a, b, n = a.astype(np.float64), b.astype(np.float64), len(a)
    linear = 2 * stats.norm.sf(abs(np.mean(a * b)) * math.sqrt(n))
    square = 2 * stats.norm.sf(abs(np.mean((a * a - 1) * (b * b - 1)) / 2) * math.sqrt(n))
    return min(joint, linear, square)


@pytest.mark.parametrize("distance", [1, 2, 3, 4, 5, 8, 64, 1024])
def test_neighbouring_indices_are_independent(distance):
    values = normal(2**19, seed="indices")
    assert pair_battery(values[:-distance], values[distance:]) > BAR


@pytest.mark.parametrize("pair", [(0, 1), (1, 2), (0, -1), (0, "0"), (2**32, 0), (2**64, 2**64 + 1), ("a", "b")])
def test_neighbouring_seeds_are_independent(pair):
    a, b = (normal(2**19, seed=seed, name="w") for seed in pair)
    assert pair_battery(a, b) > BAR


@pytest.mark.parametrize("pair", [("", "a"), ("layer1.weight", "layer2.weight"), ("w", "w "), ("é", "e")])
def test_neighbouring_names_are_independent(pair):
    a, b = (normal(2**19, seed=0, name=name) for name in pair)
    assert pair_battery(a, b) > BAR


def test_many_seeds_and_names_at_one_index():
    """The stream that runs over seeds, and the one over names, is as random as the one over indices."""
    assert normal_battery(np.array([normal(1, seed=seed)[0] for seed in range(8_000)]), highest=2) > BAR
    assert normal_battery(np.array([normal(1, seed=0, name=f"layer{i}")[0] for i in range(8_000)]), highest=2) > BAR


def test_all_pairs_of_64_tensors_are_uncorrelated():
    n = 2**14
    tensors = np.stack([normal(n, seed=seed, name=name) for seed in range(8) for name in "abcdefgh"]).astype(float)
    correlations = (tensors @ tensors.T / n)[np.triu_indices(64, 1)] * math.sqrt(n)
    assert 2 * stats.norm.sf(np.abs(correlations).max()) * len(correlations) > BAR
    assert stats.kstest(correlations, "norm").pvalue > BAR


def test_planes_are_independent():
    """The refining word does not repeat what the first one says."""
    flat, key = np.arange(2**18), key_of(0, "")
    first, second = (stats.norm.ppf((philox.words(key, flat, plane) + 0.5) / 2.0**32) for plane in (0, 1))
    assert pair_battery(first, second) > BAR


def with_sign_bit_reused(upper: np.ndarray) -> np.ndarray:
    """A mutant: the size is made of the word with its sign bit still in it, and the sign is taken from the same bit."""
    size = transform.centre(((upper.view(np.uint32) >> 1) & 0x7FFFFFFF).astype(np.int32))
    return np.where(upper < 0, -size, size)


def mutant_sample(monkeypatch, module, name, mutant) -> np.ndarray:
    monkeypatch.setattr(module, name, mutant)
    monkeypatch.setattr(fill, "SMALL", 2**63)
    monkeypatch.setattr(fill, "LARGE", 2**63)
    return normal(SHORT, seed="statistics")


def test_mutant_sign_bit_reused_is_caught(monkeypatch):
    assert normal_battery(mutant_sample(monkeypatch, laws, "centre", with_sign_bit_reused)) < BAR


def test_mutant_words_used_twice_are_caught(monkeypatch):
    original = philox.philox
    values = mutant_sample(monkeypatch, philox, "philox", lambda c, k: original(c, k)[:, [0, 0, 2, 3]])
    assert pair_battery(values[:-1], values[1:]) < BAR


def test_mutant_without_tail_is_caught(monkeypatch):
    values = mutant_sample(monkeypatch, laws, "tail", lambda position: np.full(len(position), 3.3, np.float32))
    assert normal_battery(values) < BAR


def test_mutant_wrong_scale_is_caught():
    assert normal_battery(normal(SHORT, seed="statistics", scale=1.005)) < BAR


def test_mutant_few_rounds_are_caught(monkeypatch):
    """Three rounds of Philox are too few, and these tests see it."""
    monkeypatch.setattr(philox, "ROUNDS", 3)
    monkeypatch.setattr(fill, "SMALL", 2**63)
    monkeypatch.setattr(fill, "LARGE", 2**63)
    values = normal(2**17, seed="statistics")
    p = min(pair_battery(values[:-d], values[d:], bins=16) for d in (1, 2, 3, 4, 8, 16))
    assert min(p, normal_battery(values, highest=3)) < BAR


def haar_battery(draw, count: int) -> float:
    """Smallest p-value for a sample of 4 x 4 matrices: entries, trace, determinant, and invariance under a rotation."""
    q = np.stack([draw(seed) for seed in range(count)])
    turn = np.linalg.qr(np.arange(16.0).reshape(4, 4) ** 1.5 + np.eye(4))[0]
    p_values = [stats.binomtest(int((np.linalg.det(q) > 0).sum()), count).pvalue]
    for sample in (q, q @ turn, turn @ q):
        # A coordinate of a uniform point on the sphere in 4 dimensions: its square is Beta(1/2, 3/2), its sign is fair.
        for row, column in ((0, 0), (0, 3), (3, 0), (3, 3), (1, 2)):
            entry = sample[:, row, column]
            p_values.append(stats.kstest(entry**2, stats.beta(0.5, 1.5).cdf).pvalue)
            p_values.append(stats.binomtest(int((entry > 0).sum()), count).pvalue)
        trace = np.trace(sample, axis1=1, axis2=2)  # mean 0, variance 1, fourth moment 3 for Haar's law in 4 dimensions
        p_values.append(2 * stats.norm.sf(abs(trace.mean()) * math.sqrt(count)))
        p_values.append(2 * stats.norm.sf(abs(np.mean(trace**2) - 1) * math.sqrt(count / 2)))
    return min(p_values)


def test_orthogonal_matrices_follow_haars_law():
    assert haar_battery(lambda seed: orthogonal(4, 4, seed=seed), 1500) > BAR


def test_mutant_without_the_sign_correction_is_caught():
    def mutant(seed):
        q = orthogonal(4, 4, seed=seed)
        return q * -np.sign(normal((4, 4), seed=seed).diagonal())

    assert haar_battery(mutant, 1500) < BAR


def test_mutant_square_gaussians_are_caught():
    assert haar_battery(lambda seed: np.linalg.qr(uniform((4, 4), seed=seed).astype(float))[0], 1500) < BAR


@pytest.mark.parametrize("shape", [(1, 1), (5, 5), (300, 40), (40, 300), (1000, 1)])
def test_orthogonality(shape):
    q = orthogonal(*shape, seed=1)
    gram = q.T @ q if shape[0] >= shape[1] else q @ q.T
    # Each of k reflectors adds rounding errors of a few units; they add up linearly at worst.
    assert np.abs(gram - np.eye(len(gram))).max() <= 8 * min(shape) * 2.0**-52


@pytest.mark.slow
def test_a_hundred_million_normal_values():
    counts, seen, p_values, beyond = np.zeros(2**16), 0, [], np.zeros((5, 2))
    for start in range(0, LONG, PIECE):
        values = normal(LONG, seed="long", index=range(start, start + PIECE)).astype(np.float64)
        u = ndtr(values)
        counts += np.bincount((u * 2**16).astype(np.int64), minlength=2**16)
        p_values += [kolmogorov_smirnov(u), anderson_darling(u)]
        beyond += [[(values > k).sum(), (values < -k).sum()] for k in range(1, 6)]
        seen += len(values)
    assert chi_square(counts, seen / 2**16) > BAR
    assert min(p_values) > BAR
    assert stats.kstest(p_values, "uniform").pvalue > BAR
    for k in range(1, 6):
        for count in beyond[k - 1]:
            assert stats.binomtest(int(count), seen, float(ndtr(-k))).pvalue > BAR


@pytest.mark.slow
def test_a_hundred_million_pairs():
    for distance in (1, 2, 3, 4, 7):
        values = normal(2 * PIECE, seed="pairs")
        assert pair_battery(values[:-distance], values[distance:], bins=256) > BAR
    for seed in range(5):
        a, b = (normal(PIECE, seed=s, name="w") for s in (seed, seed + 1))
        assert pair_battery(a, b, bins=256) > BAR
