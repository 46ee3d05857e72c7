"""A checked model as a page that opens offline, and as a fragment for a notebook; both read a report's JSON."""

from __future__ import annotations

import json

from symbreak._version import __version__
from symbreak.report.check_words import (
    MARKS,
    NAMES,
    PARAGRAPH,
    STATUSES,
    Data,
    asides,
    code_lines,
    findings,
    headline,
    numbers,
    outcome,
    place,
    sentence,
    state,
)
from symbreak.report.format import plural, shorten
from symbreak.report.frame import asset, block, document
from symbreak.report.html import Html, element, join

STATE_MARKS = {**MARKS, "ok": "✓", "skipped": "–"}
# A certificate of a wide layer lists every unit; the page shows its beginning, the JSON all of it.
EVIDENCE = 20_000


def check_page(data: Data) -> str:
    """Return a self-contained page.

    Args:
        data: `Report.to_json()`.
    """
    main = block("main", _header(data), _checks(data), _findings(data), _asides(data))
    again = element("p", element("code", "symbreak explain SLUG"), f" tells more of a rule. symbreak {__version__}.")
    return document(
        title=f"Checked: {sentence(data['model'], 60)}",
        body=join(main, element("footer", again)),
        styles=("style.css", "check.css"),
        scripts=("copy.js",),
    )


def check_table(data: Data) -> Html:
    """Return the report as HTML for a notebook: it brings its style along and needs no script."""
    notebook = asset("notebook.css").replace(".symbreak-lesson", ".symbreak-check")
    # Inside a scope the page's own colours belong to the fragment's root.
    own = asset("check.css").replace(":root", ":scope")
    style = element("style", Html(f"{notebook}@scope (.symbreak-check) {{\n{own}}}\n"))
    lead = element("p", element("b", headline(data)))
    cards = [_card(number, finding, copyable=False) for number, finding in enumerate(findings(data), 1)]
    return element("div", style, lead, _table(data, linked=False), *cards, _asides(data), class_="symbreak-check")


def _header(data: Data) -> Html:
    skipped = sum(bool(rule["skipped"]) for rule in data["rules"])
    terms = [
        ("Model", f"{sentence(data['model'], 80)}, {plural(data['parameters'], 'parameter')}"),
        ("Outcome", outcome(data)),
        ("Checks", f"{len(data['rules']) - skipped} ran" + (f", {skipped} skipped" if skipped else "")),
        *([("Set aside", asides(data))] if asides(data) else []),
    ]
    made_up = any(finding["synthetic"] for finding in findings(data))
    lead = "Whether this model can learn from where it starts: proved or measured before the first step."
    note = " Findings marked “made-up input” rest on random numbers in place of data." if made_up else ""
    return block(
        "header",
        element("p", "symbreak check", class_="kind"),
        element("h1", f"{sentence(data['model'], 60)}: {outcome(data)}"),
        element("p", f"{lead}{note}", class_="lead"),
        block("dl", *(element("div", element("dt", k), element("dd", v)) for k, v in terms), class_="setup"),
    )


def _badge(kind: str, text: str) -> Html:
    mark = element("span", STATE_MARKS[kind], aria_hidden="true")
    return element("span", mark, Html(" "), text, class_="badge", data_state=kind)


def _checks(data: Data) -> Html:
    return block("section", element("h2", "Checks"), _table(data, linked=True), id="checks")


def _table(data: Data, *, linked: bool) -> Html:
    head = element("tr", *(element("th", name, scope="col") for name in ("check", "outcome", "")))
    rows = []
    number = 0
    for rule in data["rules"]:
        first = number + 1
        number += len(rule["findings"])
        rows.append(_row(rule, f"#finding-{first}" if linked and rule["findings"] else ""))
    table = element("table", element("thead", head), element("tbody", *rows), class_="checks")
    return element("div", table, class_="scroll", tabindex=0, role="region", aria_label="Table of checks")


def _row(rule: Data, link: str) -> Html:
    came, rest = state(rule)
    worst = next((k for k in MARKS if any(f["severity"] == k for f in rule["findings"])), came)
    name = element("a", rule["rule"], href=link) if link else rule["rule"]
    badge = _badge(worst, came)
    return element("tr", element("th", name, scope="row"), element("td", badge), element("td", rest))


def _findings(data: Data) -> Html:
    found = findings(data)
    if not found:
        return Html()
    cards = [_card(number, finding) for number, finding in enumerate(found, 1)]
    return block("section", element("h2", "Findings"), *cards, id="findings")


def _card(number: int | str, finding: Data, *, copyable: bool = True) -> Html:
    made_up = element("small", " · made-up input, not data") if finding["synthetic"] else None
    title = element(
        "p",
        _badge(finding["severity"], finding["severity"]),
        Html(" "),
        element("b", finding["rule"]),
        element("small", f" · {STATUSES.get(finding['status'], finding['status'])}"),
        made_up,
        class_="how",
    )
    why = element("p", sentence(finding["why"], PARAGRAPH)) if finding["why"] else None
    rest = (_terms(finding), why, _fix(number, finding, copyable), _evidence(finding))
    return element(
        "article", title, element("h3", sentence(finding["says"])), *rest, class_="finding", id=f"finding-{number}"
    )


def _terms(finding: Data) -> Html:
    measured = [element("div", f"{name}: {value}") for name, value in numbers(finding["measured"])]
    terms = [
        ("where", join(element("span", place(finding["where"])), _every_name(finding["where"]))),
        *([("measured", join(*measured))] if measured else []),
        *([("expected", sentence(finding["expected"], PARAGRAPH))] if finding["expected"] else []),
        *([("reason", sentence(finding["reason"], PARAGRAPH))] if finding.get("reason") else []),
    ]
    return element("dl", *(part for name, said in terms for part in (element("dt", name), element("dd", said))))


def _every_name(where: Data) -> Html:
    names = where["parameters"] or where["modules"]
    if len(names) <= NAMES:
        return Html()
    listed = Html(", ").join(element("code", shorten(name, 200)) for name in names)
    return element("details", element("summary", f"all {len(names)} names"), element("p", Html(listed)))


def _fix(number: int | str, finding: Data, copyable: bool) -> Html | None:
    lines = code_lines(finding["fix"])
    if not lines:
        return None
    key = f"fix-{number}"
    # Lines are joined as HTML: an escaped line break would become the replacement sign.
    text = Html("\n".join(element("span", line) for line in lines))
    button = element("button", "Copy", type="button", data_copy=key, aria_label=f"Copy the fix of {finding['rule']}")
    return element("div", element("pre", element("code", text, id=key)), button if copyable else None, class_="command")


def _evidence(finding: Data) -> Html | None:
    if not finding["evidence"]:
        return None
    text = json.dumps(finding["evidence"], indent=1, ensure_ascii=True)
    cut = text[:EVIDENCE].split("\n") + (["... (the JSON has all of it)"] if len(text) > EVIDENCE else [])
    shown = Html("\n".join(element("span", line) for line in cut))
    return element("details", element("summary", "evidence"), element("pre", element("code", shown)), class_="evidence")


def _asides(data: Data) -> Html:
    parts = []
    if data["suppressed"]:
        cards = [_card(f"aside-{n}", each, copyable=False) for n, each in enumerate(data["suppressed"], 1)]
        parts.append(element("details", element("summary", f"{len(cards)} suppressed"), *cards))
    if data["known"]:
        listed = [element("li", f"{each['rule']}: {sentence(each['says'])}") for each in data["known"]]
        parts.append(element("details", element("summary", f"{len(listed)} known"), element("ul", *listed)))
    if data["vanished"]:
        listed = [element("li", sentence(entry)) for entry in data["vanished"]]
        parts.append(join(element("p", "In the baseline, and no longer found:"), element("ul", *listed)))
    return block("section", element("h2", "Set aside"), *parts, id="aside") if parts else Html()
