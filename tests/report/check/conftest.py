"""Reports to show, made by hand: usual ones, a sound one, and one whose every text is an attempt to break out."""

from __future__ import annotations

from typing import Any

import pytest

from symbreak.diagnosis.checking import Outcome
from symbreak.diagnosis.finding import Finding, Where
from symbreak.diagnosis.suppression import Baseline, Suppression
from symbreak.front.check import Report

HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(2)>\n::error file=a.py::owned\r\n"
    "::set-output name=a::b\x1b[31m\u202e%0A::warning::c ##[error]d \"'&"
)
MANY = tuple(f"layers.{index}.attention.projection.weight" for index in range(2000))


def symmetric(**fields: Any) -> Finding:
    given = {
        "rule": "symmetric-units",
        "severity": "error",
        "status": "proved",
        "where": Where(("0.weight", "0.bias"), ("0",), ((0, 1, 2), (5, 6))),
        "says": "5 of 7 units behind 0.weight do the work of 2 for ever",
        "measured": {"units": 7, "tied": 5, "share": 0.714285714},
        "expected": "rows that differ",
        "why": "Equal units get equal updates.",
        "fix": "with torch.no_grad():\n    model.get_parameter('0.weight').normal_()",
        "evidence": {"certificate": {"classes": [[0, 1, 2], [5, 6]]}},
    }
    return Finding(**{**given, **fields})


def made_up(**fields: Any) -> Finding:
    where = Where(("2.weight",), ("2",))
    return Finding(
        "loss-at-init", "warning", "measured", where, "the loss starts at 9", {"loss": 9.0}, synthetic=True, **fields
    )


def report(*findings: Finding, model: str = "Net", skipped: str = "needs a builder: check(build_model, ...)") -> Report:
    slugs = ("non-finite", "symmetric-units", "loss-at-init", "wrong-scale", "sound-zero")
    outcomes = [Outcome(slug, tuple(f for f in findings if f.rule == slug)) for slug in slugs]
    return Report(model, 1234, (Outcome("overwritten-init", skipped=skipped), *outcomes))


@pytest.fixture
def usual() -> dict[str, Any]:
    zero = Finding("sound-zero", "info", "measured", Where(("head.weight",)), "head.weight is all zero, and may be")
    return report(symmetric(), made_up(), zero).to_json()


@pytest.fixture
def sound() -> dict[str, Any]:
    return report().to_json()


@pytest.fixture
def aside() -> dict[str, Any]:
    gone = symmetric(where=Where(("gone.weight",)))
    found = report(symmetric(), made_up())
    return found.set_aside(
        [Suppression("symmetric-units", "tied on purpose", "0.*")], Baseline.of([made_up(), gone])
    ).to_json()


@pytest.fixture
def hostile() -> dict[str, Any]:
    found = symmetric(
        where=Where((HOSTILE, "2" + HOSTILE), (HOSTILE,), ((0, 1),)),
        says=HOSTILE,
        measured={HOSTILE: HOSTILE},
        expected=HOSTILE,
        why=HOSTILE,
        fix=HOSTILE,
        evidence={HOSTILE: [HOSTILE]},
    )
    other = made_up(why=HOSTILE, fix=HOSTILE)
    told = report(found, other, model=HOSTILE, skipped=HOSTILE)
    return told.set_aside([Suppression("loss-at-init", HOSTILE)], Baseline.of([symmetric()])).to_json()


@pytest.fixture
def long() -> dict[str, Any]:
    says = f"{', '.join(MANY)} start as copies"
    return report(symmetric(where=Where(MANY, (), (tuple(range(0, 8000, 2)),)), says=says, why=says)).to_json()


@pytest.fixture(params=["usual", "sound", "aside", "hostile", "long"])
def any_report(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Each in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def names() -> tuple[str, ...]:
    """Of the long report."""
    return MANY
