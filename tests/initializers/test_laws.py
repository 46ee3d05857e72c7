"""One battery over the catalogue: what is sampled follows the law, at every shape; mutants are rejected.

A new initializer is one row of ROWS.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from symbreak import initializers
from symbreak.initializers.law import Law

# Probability with which a right initializer may fail one check. Every seed is fixed, so a pass stays a pass.
FALSE_ALARM = 1e-6
SIGMAS = stats.norm.isf(FALSE_ALARM / 2)

MATRICES = [(400, 300), (7, 5000), (5000, 7)]
KERNELS = [(64, 32, 3, 3), (40, 40, 5), (16, 8, 3, 3, 3)]
ROWS = [
    *[(text, MATRICES + KERNELS) for text in ("zeros", "ones", "constant(0.5)")],
    *[(text, [*MATRICES, (90_000,)]) for text in ("normal(0.01)", "normal(2, 1)", "uniform(-0.1, 0.3)")],
    *[
        (text, MATRICES)
        for text in ("truncated_normal(0.02)", "truncated_normal(1, 1, 4)", "truncated_normal(1, 5, 6)")
    ],
    ("truncated_normal(0.5, -1, 1, True)", MATRICES),
    *[
        (text, MATRICES + KERNELS)
        for text in ("xavier", "glorot_normal", "glorot_uniform", "he", "he_normal", "he_uniform")
    ],
    *[(text, MATRICES + KERNELS) for text in ("lecun_normal", "lecun_uniform", "variance_scaling(2, fan_out, normal)")],
    ("variance_scaling(3, fan_avg, truncated_normal)", MATRICES + KERNELS),
    ("orthogonal(1.5)", [(60, 300), (300, 60), (200, 200), (64, 32, 3, 3)]),
    ("delta_orthogonal", [(64, 32, 3, 3), (40, 40, 5), (16, 8, 3, 3, 3)]),
    *[(text, [(40, 30), (30, 40)]) for text in ("identity", "identity(0.5)")],
    ("dirac", KERNELS),
    ("dirac(4)", KERNELS),
    ("sparse(0.9, 0.01)", [(400, 300), (1000, 77)]),
]
CASES = [(text, shape) for text, shapes in ROWS for shape in shapes]

Sampler = Callable[..., np.ndarray]


def battery(sample: Sampler, law: Law, shape: tuple[int, ...]) -> list[str]:
    """Return which promises a sampler breaks."""
    w = np.asarray(sample(shape, seed=1, name="layer.weight"), np.float64)
    wrong = [] if w.shape == shape else ["shape"]
    wrong += moments(w, law)
    margin = 4 * np.finfo(np.float32).eps * max(1.0, abs(law.low) if math.isfinite(law.low) else 1.0)
    if w.min() < law.low - margin or w.max() > law.high + margin:
        wrong.append("support")
    if law.family in ("normal", "uniform", "truncated normal"):
        wrong += independent(sample, w, law, shape)
    return wrong


def moments(w: np.ndarray, law: Law) -> list[str]:
    n, wrong = w.size, []
    exact = law.family in ("constant", "identity", "dirac")
    # Entries of an orthogonal matrix are dependent, which only narrows the spread of their mean square.
    spread = 0.0 if exact else law.std
    kurtosis = 3.0 + 3.0 * ("sparse" in law.family) * (
        law.scale is not None and (law.scale**2 / max(law.variance, 1e-300))
    )
    rounding = 4 * np.finfo(np.float32).eps
    if abs(w.mean() - law.mean) > SIGMAS * spread / math.sqrt(n) + rounding * max(abs(law.mean), law.std):
        wrong.append("mean")
    if abs(w.var() - law.variance) > law.variance * (SIGMAS * (not exact) * math.sqrt(kurtosis / n) + rounding):
        wrong.append("variance")
    return wrong


def independent(sample: Sampler, w: np.ndarray, law: Law, shape: tuple[int, ...]) -> list[str]:
    wrong = []
    if stats.kstest(w.ravel(), cdf(law)).pvalue < FALSE_ALARM:
        wrong.append("distribution")
    other_seed, other_name = sample(shape, seed=2, name="layer.weight"), sample(shape, seed=1, name="other")
    for label, v in (("seed", other_seed), ("name", other_name)):
        if abs(correlation(w, v)) > SIGMAS / math.sqrt(w.size):
            wrong.append(f"{label} ignored")
    rows = w.reshape(len(w), -1)
    if len(rows) > 1 and abs(correlation(rows[:-1], rows[1:])) > SIGMAS / math.sqrt(rows[1:].size):
        wrong.append("units tied")
    if not np.array_equal(w, sample(shape, seed=1, name="layer.weight")):
        wrong.append("not repeatable")
    return wrong


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(np.ravel(a), np.ravel(b))[0, 1])


def cdf(law: Law):
    if law.family == "uniform":
        return stats.uniform(law.low, law.high - law.low).cdf
    if law.family == "normal":
        return stats.norm(law.mean, law.std).cdf
    centre = law.low - law.scale * ((law.low - law.mean) / law.scale) if law.scale is None else 0.0
    return stats.truncnorm((law.low - centre) / law.scale, (law.high - centre) / law.scale, centre, law.scale).cdf


@pytest.mark.parametrize(("text", "shape"), CASES, ids=lambda v: str(v))
def test_samples_follow_the_law(text, shape):
    init = initializers.get(text)
    assert battery(init, init.law(shape), shape) == []


HE, SHAPE = initializers.he_normal(), (400, 300)


def tied(shape, *, seed, name=""):
    return np.repeat(HE((1, *shape[1:]), seed=seed, name=name), shape[0], axis=0)


def uncorrected(shape, *, seed, name=""):
    scale = initializers.variance_scaling(2.0).law(shape).scale * initializers.law.truncated_normal(0, 1, -2, 2, "").std
    return initializers.truncated_normal(scale)(shape, seed=seed, name=name)


MUTANTS = {
    "gain times sqrt 2": ("variance", lambda shape, **a: HE(shape, **a) * math.sqrt(2)),
    "fans swapped": ("variance", lambda shape, **a: HE(shape[::-1], **a).reshape(shape)),
    "seed ignored": ("seed ignored", lambda shape, *, seed, name="": HE(shape, seed=0, name=name)),
    "name ignored": ("name ignored", lambda shape, *, seed, name="": HE(shape, seed=seed)),
    "units tied": ("units tied", tied),
    "uniform of the same variance": ("distribution", lambda shape, **a: initializers.he_uniform()(shape, **a)),
    "one row alike": ("units tied", lambda shape, **a: np.sort(HE(shape, **a), axis=0)),
    "shifted by a tenth": ("mean", lambda shape, **a: HE(shape, **a) + 0.1 * HE.law(shape).std),
}


@pytest.mark.parametrize("mutant", MUTANTS, ids=MUTANTS)
def test_mutants_are_rejected(mutant):
    reason, sample = MUTANTS[mutant]
    assert reason in battery(sample, HE.law(SHAPE), SHAPE)


def test_a_truncation_that_is_not_corrected_is_rejected():
    law = initializers.variance_scaling(2.0).law(SHAPE)
    assert "variance" in battery(uncorrected, law, SHAPE)


def test_a_wrong_orthogonal_scale_is_rejected():
    init = initializers.orthogonal()
    assert "variance" in battery(lambda s, **a: 1.1 * init(s, **a), init.law((60, 300)), (60, 300))
