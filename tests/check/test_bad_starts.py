"""Every bad start is reported, under a slug that is right for it and at the place that is to blame."""

from __future__ import annotations

import pytest
from check import suites
from check.cases import Case

from symbreak import check

# A loss of the library warns of shapes that broadcast; the case is about what symbreak says of it.
pytestmark = pytest.mark.filterwarnings("ignore:Using a target size")


@pytest.mark.parametrize("case", suites.BAD, ids=lambda case: case.name)
def test_a_bad_start_is_caught(case: Case):
    loud = [finding for finding in check(*case.build()).findings if finding.severity in ("error", "warning")]
    right = [finding for finding in loud if finding.rule in case.expect]
    assert right, f"{sorted(case.expect)} expected, got {[finding.rule for finding in loud]}: {case.story}"
    assert any(case.by in str(finding.where) for finding in right), [str(finding.where) for finding in right]
