"""What is set aside, why, and what never is."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from symbreak.diagnosis import suppression
from symbreak.diagnosis.checking import Outcome
from symbreak.diagnosis.finding import Finding, Where
from symbreak.diagnosis.suppression import Baseline, Suppression, fingerprint, set_aside
from symbreak.errors import InvalidData, InvalidInput, UnknownName


def finding(rule="symmetric-units", *names, severity="error", **fields):
    return Finding(rule, severity, "measured", Where(tuple(names)), f"{rule} in {names}", **fields)


HEAD = finding("symmetric-units", "head.weight")
BODY = finding("symmetric-units", "body.weight")
BOTH = finding("cloned-layers", "head.weight", "body.weight", severity="warning")
LOSS = finding("loss-at-init")
OUTCOMES = (
    Outcome("cloned-layers", (BOTH,)),
    Outcome("symmetric-units", (HEAD, BODY)),
    Outcome("loss-at-init", (LOSS,)),
    Outcome("plateau", skipped="needs y"),
)


def left(sifted):
    return [found for outcome in sifted.outcomes for found in outcome.findings]


def test_a_suppression_takes_its_own_findings_and_keeps_the_reason():
    sifted = set_aside(OUTCOMES, [Suppression("symmetric-units", "tied on purpose", "head.*")])
    assert left(sifted) == [BOTH, BODY, LOSS]
    assert [(each.finding, each.reason) for each in sifted.suppressed] == [(HEAD, "tied on purpose")]
    assert sifted.suppressed[0].to_json()["reason"] == "tied on purpose"
    assert [outcome.skipped for outcome in sifted.outcomes] == ["", "", "", "needs y"]


def test_a_pattern_must_cover_every_place_of_a_finding():
    assert BOTH in left(set_aside(OUTCOMES, [Suppression("cloned-layers", "as in ALBERT", "head.*")]))
    assert BOTH not in left(set_aside(OUTCOMES, [Suppression("cloned-layers", "as in ALBERT", "*.weight")]))


def test_that_test_would_notice_a_pattern_that_needs_one_place_only(monkeypatch):
    monkeypatch.setattr(suppression, "all", any, raising=False)
    assert BOTH not in left(set_aside(OUTCOMES, [Suppression("cloned-layers", "as in ALBERT", "head.*")]))


def test_a_finding_without_a_place_is_covered_by_no_pattern_but_everything():
    assert LOSS in left(set_aside(OUTCOMES, [Suppression("loss-at-init", "why not", "head.*")]))
    assert LOSS not in left(set_aside(OUTCOMES, [Suppression("loss-at-init", "a contrastive loss")]))


def test_patterns_match_cases_and_brackets_as_the_shell_does():
    assert not Suppression("symmetric-units", "x", "HEAD.*").covers(HEAD)
    assert Suppression("symmetric-units", "x", "[hb]ead.weight").covers(HEAD)


@pytest.mark.parametrize("reason", ["", "  ", "\n", None, 3])
def test_a_reason_must_be_given(reason):
    with pytest.raises(InvalidInput, match="needs a reason"):
        Suppression("symmetric-units", reason)


def test_an_unknown_rule_is_refused_and_the_nearest_offered():
    with pytest.raises(UnknownName, match="try: symmetric-units"):
        Suppression("symetric-units", "reason")


def test_the_fingerprint_tells_rule_and_place_and_nothing_that_changes_from_run_to_run():
    same = [
        replace(HEAD, severity="warning", status="proved", says="other words", measured={"units": 3}),
        replace(HEAD, where=replace(HEAD.where, units=((1, 2),))),
        replace(HEAD, synthetic=True, evidence={"seed": 1}),
    ]
    assert {fingerprint(each) for each in same} == {fingerprint(HEAD)}
    swapped = replace(BOTH, where=Where(BOTH.where.parameters[::-1]))
    assert fingerprint(swapped) == fingerprint(BOTH)
    others = [BODY, LOSS, BOTH, replace(HEAD, rule="dead-units"), replace(HEAD, where=Where((), ("head.weight",)))]
    assert len({fingerprint(each) for each in [HEAD, *others]}) == 6


def test_the_fingerprint_is_the_same_in_every_version():
    assert fingerprint(HEAD) == "f885761841951e08"


def test_names_cannot_be_joined_to_look_like_others():
    one, two = finding("dead-units", "a", "b"), finding("dead-units", "a, b")
    assert fingerprint(one) != fingerprint(two)


def test_a_baseline_leaves_out_what_it_knows_and_names_what_vanished():
    before = (*OUTCOMES[:1], Outcome("symmetric-units", (HEAD, finding("symmetric-units", "gone.weight"))))
    baseline = Baseline.of(found for outcome in before for found in outcome.findings)
    sifted = set_aside(OUTCOMES, baseline=baseline)
    assert left(sifted) == [BODY, LOSS]
    assert sifted.known == (BOTH, HEAD)
    assert [str(entry) for entry in sifted.vanished] == ["symmetric-units in gone.weight"]


def test_what_was_not_looked_for_has_not_vanished():
    baseline = Baseline.of([finding("plateau", "w"), finding("dead-units", "w")])
    assert set_aside(OUTCOMES, baseline=baseline).vanished == ()


def test_what_is_suppressed_has_not_vanished_from_the_baseline():
    sifted = set_aside(OUTCOMES, [Suppression("symmetric-units", "reason", "head.*")], Baseline.of([HEAD]))
    assert sifted.vanished == ()
    assert sifted.known == ()


def test_a_baseline_goes_to_json_and_back_in_one_order():
    findings = [HEAD, BODY, BOTH, LOSS]
    written = json.dumps(Baseline.of(findings).to_json())
    assert json.dumps(Baseline.of(findings[::-1]).to_json()) == written
    again = Baseline.from_json(json.loads(written))
    assert again == Baseline.of(findings)
    assert left(set_aside(OUTCOMES, baseline=again)) == []


def test_what_is_only_explained_needs_no_entry():
    assert Baseline.of([finding("sound-zero", "w", severity="info")]).entries == {}


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"schema": "symbreak/baseline/2", "findings": []},
        {"schema": "symbreak/baseline/1", "findings": [{"rule": "dead-units"}]},
        {
            "schema": "symbreak/baseline/1",
            "findings": [{"fingerprint": "", "rule": "", "parameters": 3, "modules": []}],
        },
        {"schema": "symbreak/baseline/1", "findings": 3},
    ],
)
def test_other_data_is_no_baseline(data):
    with pytest.raises(InvalidData, match="baseline cannot be read"):
        Baseline.from_json(data)
