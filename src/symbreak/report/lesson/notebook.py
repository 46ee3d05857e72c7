"""The lesson as a Jupyter notebook whose cells run its claims."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symbreak.lesson.claim import Claim
from symbreak.report.lesson.chapter import escape
from symbreak.report.lesson.words import TITLES

Cell = dict[str, Any]


def lesson_notebook(claims: Sequence[Claim]) -> dict[str, Any]:
    """Return a notebook, format 4.5, that tries these claims one after the other when it is run."""
    cells = [
        _text("title", "# The lesson, audited\n\nEvery cell tries one claim of the lesson and shows what was found."),
        _code("import", "from symbreak import audit_lesson"),
    ]
    for section, title in TITLES.items():
        here = [claim for claim in claims if claim.section == section]
        if here:
            cells += [_text(f"section-{section}", f"## {title}"), *(cell for claim in here for cell in _cells(claim))]
    if any(claim.section == "assignments" for claim in claims):
        cells.append(_code("assignments", 'audit_lesson("assignments")'))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}


def _cells(claim: Claim) -> list[Cell]:
    said = f"**{claim.id}.** {escape(claim.claim)}"
    if claim.see:
        return [_text(f"{claim.id}-claim", f"{said}\n\nThis says what {claim.see} says.")]
    if claim.section == "assignments":
        return [_text(f"{claim.id}-claim", said)]
    return [_text(f"{claim.id}-claim", said), _code(claim.id, f'audit_lesson("{claim.id}")')]


def _text(id: str, source: str) -> Cell:
    return {"cell_type": "markdown", "id": id, "metadata": {}, "source": source}


def _code(id: str, source: str) -> Cell:
    return {"cell_type": "code", "id": id, "metadata": {}, "source": source, "execution_count": None, "outputs": []}
