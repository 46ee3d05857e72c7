"""The lines under `fix` run, and mend what can be mended by giving weights new values."""

from __future__ import annotations

import pytest
from check.suites import BAD

from symbreak import check

# What new weights cannot mend: the loss, the data, the wiring, a pass that makes nan by itself.
MENDED = {
    "symmetric-units",
    "stuck-parameters",
    "cloned-layers",
    "uninitialized-memory",
    "saturated-units",
    "plateau",
}


def found(report, case) -> bool:
    return any(f.rule in case.expect and f.severity != "info" for f in report.findings)


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_every_fix_runs(case):
    check(*case.build()).fix_()


def test_most_faults_of_the_weights_are_gone_afterwards():
    cases = [case for case in BAD if case.expect & MENDED]
    mended = [case for case in cases if not found(check(*case.build()).fix_()[1], case)]
    assert len(cases) >= 40
    assert len(mended) >= 0.75 * len(cases), sorted({c.name for c in cases} - {c.name for c in mended})
