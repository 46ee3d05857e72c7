"""`symbreak rules` and `symbreak explain`: what is looked for, and the page of each rule."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import Annotated

import typer

from symbreak.errors import UnknownName


class Format(StrEnum):
    """How the rules are listed."""

    text = "text"
    json = "json"


def rules(
    form: Annotated[Format, typer.Option("--format", help="How the rules are listed.")] = Format.text,
) -> None:
    """List what `symbreak check` looks for, and what each rule needs."""
    from symbreak.diagnosis.rules import RULES

    if form is Format.json:
        found = [{"rule": rule.slug, "summary": rule.summary, "needs": rule.needs} for rule in RULES]
        print(json.dumps({"schema": "symbreak/rules/1", "rules": found}))  # noqa: T201
        return
    from symbreak.report.rules_terminal import print_rules

    print_rules(RULES)


def explain(
    slug: Annotated[str, typer.Argument(metavar="SLUG", help="A rule, as `symbreak rules` lists it.")],
) -> None:
    """Explain a rule: what it says, why it matters, how it is decided, when it is silent, what to do."""
    from symbreak.diagnosis.rules import RULES

    rule = next((rule for rule in RULES if rule.slug == slug), None)
    if rule is None:
        raise UnknownName.among("rule", slug, [rule.slug for rule in RULES])
    if not sys.stdout.isatty():
        print(rule.page, end="")  # noqa: T201
        return
    from symbreak.report.rules_terminal import print_page

    print_page(rule.page)
