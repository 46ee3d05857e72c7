"""No error and no warning on a start that is right; a zero that is right is explained."""

from __future__ import annotations

import pytest
from check import suites
from check.cases import Case

from symbreak import check


@pytest.mark.parametrize("case", suites.SOUND, ids=lambda case: case.name)
def test_a_sound_start_is_left_alone(case: Case):
    findings = check(*case.build()).findings
    loud = [(finding.rule, str(finding.where)) for finding in findings if finding.severity != "info"]
    assert not loud, f"{case.story}: {loud}"
    if case.explains:
        places = [str(finding.where) for finding in findings if finding.rule == case.explains]
        assert any(case.by in place for place in places), places
