"""SARIF 2.1.0: valid by the standard's schema, as far as these parts of it go, and complete."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import pytest

from symbreak.report.sarif import sarif


def table(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


TEXT = {"type": "string"}
INDEX = {"type": "integer", "minimum": -1}
MESSAGE = {"anyOf": [table(["text"], text=TEXT, markdown=TEXT), table(["id"], id=TEXT)]}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
LOCATION = table(
    [],
    id=INDEX,
    physicalLocation=table(
        ["artifactLocation"],
        artifactLocation=table([], uri={"type": "string", "format": "uri-reference", "pattern": r"^[^\s<>\"\\]*$"}),
        region=table([], startLine={"type": "integer", "minimum": 1}),
    ),
    logicalLocations={
        "type": "array",
        "uniqueItems": True,
        "items": table([], name=TEXT, index=INDEX, fullyQualifiedName=TEXT, kind=TEXT),
    },
)
RESULT = table(
    ["message"],
    ruleId=TEXT,
    ruleIndex=INDEX,
    kind={"enum": ["notApplicable", "pass", "fail", "review", "open", "informational"]},
    level=LEVEL,
    message=MESSAGE,
    locations={"type": "array", "items": LOCATION},
    partialFingerprints={"type": "object", "additionalProperties": TEXT},
    suppressions={
        "type": "array",
        "uniqueItems": True,
        "items": table(["kind"], kind={"enum": ["inSource", "external"]}, justification=TEXT),
    },
    properties={"type": "object"},
)
DESCRIPTOR = table(["id"], id=TEXT, shortDescription=MESSAGE, fullDescription=MESSAGE, help=MESSAGE)
DRIVER = table(["name"], name=TEXT, version=TEXT, rules={"type": "array", "uniqueItems": True, "items": DESCRIPTOR})
NOTIFICATION = table(
    ["message"],
    level=LEVEL,
    message=MESSAGE,
    associatedRule={"anyOf": [table([which], id=TEXT, index=INDEX) for which in ("index", "id")]},
)
INVOCATION = table(
    ["executionSuccessful"],
    executionSuccessful={"type": "boolean"},
    toolExecutionNotifications={"type": "array", "items": NOTIFICATION},
)
RUN = table(
    ["tool"],
    tool=table(["driver"], driver=DRIVER),
    invocations={"type": "array", "items": INVOCATION},
    results={"type": "array", "items": RESULT},
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
)
LOG = table(
    ["version", "runs"],
    version={"enum": ["2.1.0"]},
    runs={"type": "array", "items": RUN},
    **{"$schema": {"type": "string", "format": "uri"}},
)
"""Names, types and required properties of the parts that are written; anything else is refused."""


def valid(log: dict[str, Any]) -> bool:
    json.dumps(log, allow_nan=False)
    if not jsonschema.Draft202012Validator(LOG).is_valid(log):
        return False
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    levels = all(result["level"] == "none" or result["kind"] == "fail" for result in run["results"])
    return levels and all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])


@pytest.mark.parametrize(("file", "line"), [(None, None), ("src/net.py", 12), ('/tmp/a b\n<x>"é.py', None)])
def test_it_is_valid(any_report, file, line):
    assert valid(sarif(any_report, file=file, line=line))


def broken(log: dict[str, Any], *path: Any, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(log)
    place: Any = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return changed


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), "2.1"),
        (("runs", 0, "tool"), {}),
        (("runs", 0, "results", 0, "level"), "info"),
        (("runs", 0, "results", 0, "message"), "text"),
        (("runs", 0, "results", 0, "ruleIndex"), 1),
        (("runs", 0, "results", 0, "severity"), "error"),
        (("runs", 0, "results", 2, "level"), "note"),
        (("runs", 0, "results", 0, "locations", 0, "physicalLocation", "region", "startLine"), 0),
        (("runs", 0, "results", 0, "locations", 0, "physicalLocation", "artifactLocation", "uri"), "a b"),
        (("runs", 0, "invocations", 0), {}),
        (("runs", 0, "results", 0, "suppressions"), [{"justification": "none of the two kinds"}]),
    ],
)
def test_what_the_standard_forbids_is_refused(usual, path, value):
    log = sarif(usual, file="net.py", line=1)
    assert valid(log)
    assert not valid(broken(log, *path, value=value))


def test_findings_rules_and_places_are_told(usual):
    (run,) = sarif(usual, file="src/net.py", line=12)["runs"]
    first, second, third = run["results"]
    assert (first["ruleId"], first["level"], first["kind"]) == ("symmetric-units", "error", "fail")
    assert (second["level"], third["level"], third["kind"]) == ("warning", "none", "informational")
    place = first["locations"][0]
    assert place["physicalLocation"] == {"artifactLocation": {"uri": "src/net.py"}, "region": {"startLine": 12}}
    assert [each["fullyQualifiedName"] for each in place["logicalLocations"]] == ["0.weight", "0.bias"]
    assert "It rests on made-up input" in second["message"]["text"]
    assert "It rests on made-up input" not in first["message"]["text"]
    rules = run["tool"]["driver"]["rules"]
    assert all(rule["help"]["markdown"].startswith(f"# {rule['id']}") for rule in rules)


def test_a_check_that_was_skipped_is_told(usual):
    (notice,) = sarif(usual)["runs"][0]["invocations"][0]["toolExecutionNotifications"]
    assert notice["associatedRule"] == {"id": "overwritten-init"}
    assert "needs a builder" in notice["message"]["text"]


def test_what_is_suppressed_carries_its_reason_and_what_is_known_is_left_out(aside):
    (result,) = sarif(aside)["runs"][0]["results"]
    assert result["suppressions"] == [{"kind": "external", "justification": "tied on purpose"}]


def test_fingerprints_stay_and_tell_models_apart(usual):
    def prints(file: str) -> list[str]:
        return [each["partialFingerprints"]["symbreak/v1"] for each in sarif(usual, file=file)["runs"][0]["results"]]

    one = prints("a.py")
    usual["rules"][2]["findings"][0]["measured"]["units"] = 9
    assert prints("a.py") == one
    assert not set(one) & set(prints("b.py"))


def test_all_names_are_there(long, names):
    (result,) = sarif(long)["runs"][0]["results"]
    assert [each["fullyQualifiedName"] for each in result["locations"][0]["logicalLocations"]] == list(names)
