"""`symbreak check`: is this model's initialization sound?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symbreak.cli.outputs import check_outputs, progress_bar
from symbreak.cli.request import Request, seed_all
from symbreak.errors import InvalidData, InvalidInput

if TYPE_CHECKING:
    from symbreak.diagnosis.suppression import Baseline
    from symbreak.front.check import Report

FINDINGS = 1
# What PyTorch's generators take, less one: made-up targets are drawn from the next seed.
LARGEST_SEED = 2**63 - 2


class Format(StrEnum):
    """How a report is written."""

    text = "text"
    json = "json"
    sarif = "sarif"
    github = "github"
    html = "html"


Target = Annotated[
    str, typer.Argument(metavar="pkg.mod:build_model|FILE", help="What builds the model, or a file of weights.")
]
Input = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        metavar="[NAME=]SHAPE[:DTYPE]",
        help="Made-up input: 32,784, or 2,128:int:50257 for tokens; repeat for more arguments.",
        show_default=False,
    ),
]
Batch = Annotated[
    str | None,
    typer.Option(metavar="FILE.npz|pkg.mod:make_batch", help="A real batch: (x, y), or x.", show_default=False),
]
Loss = Annotated[
    str | None,
    typer.Option(
        help="cross-entropy, binary-cross-entropy, squared-error, pkg.mod:function, or none.",
        show_default="the model's own, or as y asks for",
    ),
]
Slugs = Annotated[list[str] | None, typer.Option(help="Rules by slug; commas or repeated.", show_default=False)]
Only = Annotated[str | None, typer.Option(metavar="PATTERN", help="Parameters to judge: 'head.*'.", show_default=False)]
Baselined = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Leave out the findings that this file knows.", show_default=False),
]
WriteBaseline = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write what is found now as known.", show_default=False)
]


def command(
    target: Target,
    inputs: Input = None,
    batch: Batch = None,
    loss: Loss = None,
    classes: Annotated[int | None, typer.Option(min=2, help="Of made-up targets.", show_default=False)] = None,
    select: Slugs = None,
    ignore: Slugs = None,
    only: Only = None,
    form: Annotated[Format, typer.Option("--format", help="How the report is written.")] = Format.text,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report here.", show_default="the terminal")
    ] = None,
    baseline: Baselined = None,
    write_baseline: WriteBaseline = None,
    show_suppressed: Annotated[bool, typer.Option("--show-suppressed", help="Tell what was set aside.")] = False,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Of the model, its input and the passes.")] = 0,
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Look for ties and zeros at random points too, and take three steps on a copy."),
    ] = False,
) -> None:
    """Tell what is wrong with a model's start: proved or measured, where, why, and what to change.

    The current folder is importable, as with python -m. The table tool.symbreak of pyproject.toml may hold select,
    ignore, only and suppressions. Exit codes: 0 sound, 1 errors or warnings, 2 it could not be run.
    """
    from symbreak.cli import config
    from symbreak.diagnosis.checking import chosen as chosen_rules
    from symbreak.report import files

    check_outputs(
        (output, files.check_html_path if form is Format.html else files.check_json_path),
        (write_baseline, files.check_json_path),
    )
    laid_down = config.find(Path.cwd())
    known = _read_baseline(baseline) if baseline is not None else None
    chosen = Chosen(
        select=_slugs(select, laid_down.select),
        ignore=_slugs(ignore, laid_down.ignore),
        only=only if only is not None else laid_down.only,
        seed=seed,
        deep=deep,
    )
    chosen_rules(chosen.select, chosen.ignore)  # what cannot be run is refused before anything is imported
    report, source = _checked(target, Request(tuple(inputs or ()), batch, loss, classes), chosen)
    if write_baseline is not None:
        known = _write_baseline(write_baseline, report.set_aside(laid_down.suppressions))
    report = report.set_aside(laid_down.suppressions, known)
    _deliver(report, form, output, source, show_suppressed=show_suppressed)
    if not report.ok:
        raise typer.Exit(FINDINGS)


Source = tuple[str, int | None] | None


@dataclass(frozen=True)
class Chosen:
    """What is judged."""

    select: tuple[str, ...] | None
    ignore: tuple[str, ...] | None
    only: str | None
    seed: int
    deep: bool = False

    def options(self) -> dict[str, Any]:
        """Return keyword arguments of `symbreak.check`."""
        return {"select": self.select, "ignore": self.ignore, "only": self.only, "seed": self.seed, "deep": self.deep}


def _slugs(given: Sequence[str] | None, laid_down: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Return the slugs of the command line, however they were listed, or those of the file."""
    from symbreak.diagnosis.checking import slugs

    return laid_down if given is None else slugs(given)


def _checked(target: str, request: Request, chosen: Chosen) -> tuple[Report, Source]:
    from symbreak.cli import subject
    from symbreak.front.check import check

    if Path(target).is_file() or target.endswith(subject.WEIGHTS):
        if not request.empty:
            raise InvalidInput(
                "a file of weights is not run: only its values are judged",
                got=f"{target} with an input, a batch or a loss",
                allowed="the file alone",
                hint="pkg.mod:build_model --input 32,784",
            )
        return check(target, **chosen.options()), (subject.relative(target), None)
    request.refuse_mixtures()
    with subject.importable(Path.cwd()):
        model = subject.load(target, "a model")
        x, y, loss_fn = request.data(chosen.seed)
        seed_all(chosen.seed)
        hint = "build it and run it in Python first, in this folder"
        # Only a deep check takes long enough to be watched.
        with (
            subject.quoting(f"checking {target}", hint),
            progress_bar("looking", quiet=not chosen.deep) as progress,
        ):
            options = {**chosen.options(), "synthetic": bool(request.inputs), "progress": progress}
            report = check(model, x, y, loss_fn, **options)
    return replace(report, model=f"{target} ({report.model})"), subject.source_of(model)


def _read_baseline(path: Path) -> Baseline:
    from symbreak.diagnosis.suppression import Baseline

    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # JSON and Unicode errors are ValueErrors
        raise InvalidData(
            "the baseline cannot be read",
            got=f"{str(path)!r}: {error}",
            allowed="a file that --write-baseline wrote",
            hint=f"--write-baseline {path}",
        ) from error
    return Baseline.from_json(data)


def _write_baseline(path: Path, report: Report) -> Baseline:
    from symbreak.diagnosis.suppression import Baseline
    from symbreak.report import files

    known = Baseline.of(report.findings)
    files.write_whole(path, (json.dumps(known.to_json(), indent=1) + "\n").encode())
    return known


def _deliver(report: Report, form: Format, output: Path | None, source: Source, *, show_suppressed: bool) -> None:
    from symbreak.report import files

    to_terminal = output is None or str(output) == "-"
    if to_terminal and form is Format.text:
        report.print(show_suppressed=show_suppressed)
        return
    text = _written(report, form, source, show_suppressed=show_suppressed)
    if to_terminal:
        print(text, end="")  # noqa: T201
    elif output is not None:
        files.write_whole(output, text.encode(errors="replace"))


def _written(report: Report, form: Format, source: Source, *, show_suppressed: bool) -> str:
    from symbreak.report.check_terminal import plain_report
    from symbreak.report.github import github
    from symbreak.report.sarif import sarif

    data = report.to_json()
    file, line = source or (None, None)
    if form is Format.html:
        return report.to_html()
    if form is Format.json:
        return json.dumps(data, allow_nan=False) + "\n"
    if form is Format.sarif:
        return json.dumps(sarif(data, file=file, line=line), allow_nan=False) + "\n"
    if form is Format.github:
        return github(data, file=file, line=line) + "\n"
    return plain_report(data, show_suppressed=show_suppressed) + "\n"
