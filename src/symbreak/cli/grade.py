"""`symbreak grade`: a learner's code, checked by its properties in a child process that is shut in."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from symbreak.cli.exits import UNUSABLE
from symbreak.cli.outputs import check_outputs, progress_bar
from symbreak.errors import InvalidInput

if TYPE_CHECKING:
    from symbreak.grade.plan import Plan
    from symbreak.grade.result import Grade
    from symbreak.grade.sandbox import Limits
    from symbreak.grade.submissions import Submission

NOT_PASSED = 1


class Format(StrEnum):
    """How grades are written."""

    text = "text"
    json = "json"
    gradescope = "gradescope"
    html = "html"


Files = Annotated[list[Path], typer.Argument(metavar="FILE.py|FILE.ipynb|FOLDER...", help="What to grade.")]
Function = Annotated[
    str | None,
    typer.Option(help="The function of the week to check.", show_default="initialize_parameters"),
]
Hidden = Annotated[
    Path | None, typer.Option(metavar="CONFIG", help="A TOML or JSON file that says what counts.", show_default=False)
]
Output = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write the grades here.", show_default="the terminal")
]


def command(
    files: Files,
    function: Function = None,
    every: Annotated[bool, typer.Option("--all", help="All eight functions of the week, and variants.")] = False,
    points: Annotated[float | None, typer.Option(help="Points in all.", show_default="100")] = None,
    form: Annotated[Format, typer.Option("--format", help="How grades are written.")] = Format.text,
    output: Output = None,
    hidden: Hidden = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Files graded at once.", show_default="one for each processor")
    ] = None,
    memory: Annotated[
        int | None, typer.Option(min=1, metavar="MIB", help="Memory of a submission.", show_default="1024")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Threads of a submission, its own included.", show_default="16")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Check code of the week by its properties, over several sizes and seeds, and say what is wrong and why.

    The code runs in a child process of its own. Exit codes: 0 every required check passes, 1 some fail, 2 it could not
    be run.
    """
    from symbreak.grade.submissions import find_files, grade_files, usual_workers

    plan = _plan(function, every, points, hidden)
    found = find_files(files, handed_out=plan.files.keys())
    _check(found, form, output)
    with progress_bar("grading", quiet=quiet or len(found) == 1) as progress:
        done = grade_files(
            found, plan, limits=_limits(memory, processes), workers=workers or usual_workers(), progress=progress
        )
    grades = [one.grade for one in done]
    _deliver(_written(grades, form), output)
    _tell_protection(done)
    if not all(grade.passed for grade in grades):
        raise typer.Exit(UNUSABLE if any(grade.problem for grade in grades) else NOT_PASSED)


def _plan(function: str | None, every: bool, points: float | None, hidden: Path | None) -> Plan:
    """Return the plan: what the command line says comes before what the configuration says."""
    from dataclasses import replace

    from symbreak.grade.config import read
    from symbreak.grade.grading import DEFAULT_FUNCTION
    from symbreak.grade.plan import Plan

    if function is not None and every:
        raise InvalidInput("--all leaves nothing to choose", got=function, allowed="--function or --all", hint="--all")
    plan = Plan(functions=(DEFAULT_FUNCTION,))
    changes = {
        key: value
        for key, value in (("functions", [function] if function else None), ("points", points))
        if value is not None
    }
    plan = read(changes, read(hidden, plan) if hidden is not None else plan)
    return replace(plan, every=True) if every else plan


def _limits(memory: int | None, processes: int | None) -> Limits:
    from symbreak.grade.sandbox import Limits

    chosen = {"memory_bytes": None if memory is None else memory << 20, "processes": processes}
    return Limits(**{name: value for name, value in chosen.items() if value is not None})


def _check(found: Sequence[Path], form: Format, output: Path | None) -> None:
    from symbreak.report import files

    check_outputs((output, files.check_html_path if form is Format.html else files.check_json_path))
    if form is Format.gradescope and len(found) > 1:
        raise InvalidInput(
            "Gradescope grades one submission at a time",
            got=f"{len(found)} files",
            allowed="one file",
            hint=str(found[0]),
        )


def _written(grades: Sequence[Grade], form: Format) -> str:
    from symbreak.grade.gradescope import gradescope
    from symbreak.grade.text import brief
    from symbreak.report.grade_page import grades_page

    if form is Format.html:
        return grades_page(grades, hidden=True)
    if form is Format.gradescope:
        return json.dumps(gradescope(grades[0]), indent=1) + "\n"
    if form is Format.json:
        entries = [grade.to_json() for grade in grades]
        data = entries[0] if len(entries) == 1 else {"schema": "symbreak/grades/1", "grades": entries}
        return json.dumps(data, allow_nan=False) + "\n"
    if len(grades) == 1:
        return grades[0].text(hidden=True) + "\n"
    passed = sum(grade.passed for grade in grades)
    return "\n".join([*map(brief, grades), "", f"{passed} of {len(grades)} submissions pass"]) + "\n"


def _deliver(text: str, output: Path | None) -> None:
    from symbreak.report import files

    if output is None or str(output) == "-":
        print(text, end="")  # noqa: T201
    else:
        files.write_whole(output, text.encode())


def _tell_protection(done: Sequence[Submission]) -> None:
    """Say on stderr what did not hold the code: the one who grades strangers' code has to know."""
    lacking = next((one.protection for one in done if one.protection and not one.protection.complete), None)
    if lacking is not None:
        print("\n".join(line for line in lacking.text().splitlines() if line.startswith("NOT")), file=sys.stderr)  # noqa: T201
