"""Maps to draw, made by hand: every kind of verdict, in places that are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from symbreak.experiments.map.result import MapResult
from symbreak.experiments.map.settings import MapSettings
from symbreak.experiments.theory import Line

TRAPS = "<script>alert(1)</script>\"'&$\\frac{1}$<img src=x onerror=alert(2)>"
LOST, NEVER_HALF, UNDONE = (4, 5), (0, 0), (2, 1)


def map_of(settings: MapSettings) -> MapResult:
    """Cost falls to the upper right; one network diverges, one never reaches half, one is not trained."""
    m, n = len(settings.ys), len(settings.xs)
    i, j = np.mgrid[:m, :n]
    goodness = (i + j) / max(m + n - 2, 1)
    columns = {
        "final_cost": 0.9 - 0.8 * goodness,
        "accuracy": 0.4 + 0.6 * goodness,
        "steps_to_half": np.rint(500 - 480 * goodness),
        "effective_units": 1 + np.rint(3 * goodness),
    }
    diverged_at = np.full((m, n), -1)
    lost, never, undone = ((row % m, column % n) for row, column in (LOST, NEVER_HALF, UNDONE))
    diverged_at[lost] = 17
    done = np.ones((m, n), bool)
    done[undone] = False
    for name in columns:
        columns[name][lost] = np.nan
    columns["steps_to_half"][never] = np.nan
    return MapResult(
        settings=settings,
        version="0.1.0",
        x=settings.xs,
        y=settings.ys,
        done=done,
        **columns,
        diverged_at=diverged_at,
        hidden_units=np.full((m, n), 4),
        base_rate_cost=float(np.log(2)),
        score="accuracy",
    )


@pytest.fixture
def special() -> dict[str, tuple[int, int]]:
    """Rows and columns of the network that diverged, that never reaches half, and that is not trained."""
    return {"diverged": LOST, "never": NEVER_HALF, "untrained": UNDONE}


@pytest.fixture
def make() -> Callable[..., MapResult]:
    def made(size: tuple[int, int] = (7, 6), **asked: Any) -> MapResult:
        return map_of(MapSettings(size=size, **asked))

    return made


@pytest.fixture
def small(make) -> MapResult:
    return make()


@pytest.fixture
def hostile(small) -> MapResult:
    return replace(small, settings=replace(small.settings, data=TRAPS), version=TRAPS)


@pytest.fixture
def lines() -> tuple[Line, ...]:
    across = np.geomspace(1e-3, 1e3, 5)
    return (
        Line("edge of chaos", np.full(3, 1.0), np.array([0.01, 1.0, 100.0]), "Inputs are forgotten below."),
        Line("2 / sharpness", across, np.array([10.0, 10.0, np.nan, 1.0, 1e9]), "Steps are too large above."),
    )
