"""`symbreak lesson`: the lesson's claims, each tried by an experiment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from symbreak.cli.outputs import check_outputs, progress_bar
from symbreak.errors import InvalidInput

if TYPE_CHECKING:
    from symbreak.front.lesson import Lesson
    from symbreak.lesson.claim import Claim

Ids = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID]...", help="Claims to try, such as R8 or k1; or: assignments.", show_default=False),
]
JsonFile = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE", help="Write what was found as JSON; - prints it alone.", show_default=False),
]
Html = Annotated[
    Path | None, typer.Option(metavar="FILE.html", help="Write a page that opens offline.", show_default=False)
]
Markdown = Annotated[
    Path | None, typer.Option(metavar="FILE.md", help="Write a chapter in Markdown.", show_default=False)
]
Images = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="With --markdown: write its figures here as SVG.", show_default=False),
]
Notebook = Annotated[
    Path | None,
    typer.Option(metavar="FILE.ipynb", help="Write a notebook whose cells try the claims.", show_default=False),
]
Plot = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.png|.svg",
        help="Draw the figure of one claim, with a row of panels for every position of its switch or dial.",
        show_default=False,
    ),
]


def command(
    ids: Ids = None,
    every: Annotated[bool, typer.Option("--all", help="Try all claims.")] = False,
    json_file: JsonFile = None,
    html: Html = None,
    markdown: Markdown = None,
    images: Images = None,
    notebook: Notebook = None,
    plot: Plot = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no text.")] = False,
) -> None:
    """Try claims of the lesson and tell which are true, under which condition.

    Without ids and --all: list the claims. A notebook tries them itself when it is run. `symbreak lesson assignments`
    runs three published experiments again.
    """
    from symbreak.report import files

    check_outputs(
        (json_file, files.check_json_path),
        (html, files.check_html_path),
        (markdown, files.check_markdown_path),
        (images, files.check_folder_path),
        (notebook, files.check_notebook_path),
        (plot, files.check_figure_path),
    )
    _check_request(ids, every, run_needed=any((html, markdown, plot)), plot=plot, images=images, markdown=markdown)
    chosen = _chosen(ids)
    if not ids and not every:
        _list(chosen, json_file, notebook, quiet)
        return
    names = ["assignments"] if _published(ids) else [claim.id for claim in chosen]
    lesson = _try(names, quiet=quiet or json_file == "-")
    _write(lesson, json_file=json_file, html=html, markdown=markdown, images=images, plot=plot)
    _write_notebook(chosen, notebook)
    _print(lesson, json_file, summary=every, quiet=quiet)


def _check_request(
    ids: list[str] | None,
    every: bool,
    *,
    run_needed: bool,
    plot: Path | None,
    images: Path | None,
    markdown: Path | None,
) -> None:
    got = f"{len(ids or [])} ids{' and --all' * every}"
    if ids and every:
        raise InvalidInput(
            "--all leaves nothing to choose", got=got, allowed="ids, or --all", hint="symbreak lesson --all"
        )
    if run_needed and not ids and not every:
        raise InvalidInput(
            "pages, chapters and figures show what was found",
            got="no claims to try",
            allowed="ids, or --all",
            hint="--all",
        )
    if plot is not None and (every or len(ids or []) > 1 or _published(ids)):
        raise InvalidInput(
            "a plot shows the figure of one claim", got=got, allowed="one id", hint="symbreak lesson R8 --plot R8.png"
        )
    if images is not None and markdown is None:
        raise InvalidInput(
            "images belong to a chapter", got="--images without --markdown", allowed="both", hint="--markdown lesson.md"
        )


def _chosen(ids: list[str] | None) -> list[Claim]:
    """Return the claims asked for, each once; all of the lesson without ids."""
    from symbreak.lesson.assignments import EXPERIMENTS
    from symbreak.lesson.audit import claims, find

    if _published(ids):
        return [claim for _, claim, _ in EXPERIMENTS]
    return list({claim.id: claim for claim in map(find, ids)}.values()) if ids else list(claims())


def _published(ids: list[str] | None) -> bool:
    return [id.casefold() for id in ids or []] == ["assignments"]


def _list(claims: list[Claim], json_file: str | None, notebook: Path | None, quiet: bool) -> None:
    """Show the claims, without verdicts: those are known after a run."""
    from symbreak.report.lesson.terminal import print_claims

    _write_notebook(claims, notebook)
    known = [{"id": claim.id, "section": claim.section, "claim": claim.claim, "see": claim.see} for claim in claims]
    text = json.dumps({"schema": "symbreak/lesson-claims/1", "claims": known})
    if json_file == "-":
        print(text)  # noqa: T201
        return
    if json_file is not None:
        _write_text(json_file, text)
    if not quiet:
        print_claims(claims)


def _try(ids: list[str], *, quiet: bool) -> Lesson:
    from symbreak.front.lesson import audit_lesson

    with progress_bar("trying", quiet=quiet) as progress:
        return audit_lesson(*ids, progress=progress)


def _write(
    lesson: Lesson,
    *,
    json_file: str | None,
    html: Path | None,
    markdown: Path | None,
    images: Path | None,
    plot: Path | None,
) -> None:
    """Write the files first: a terminal that cannot print must not cost them."""
    from symbreak.report import write_lesson_figure

    figure = lesson.only_figure() if plot is not None else None
    if json_file not in (None, "-"):
        lesson.to_json(json_file)
    if html is not None:
        lesson.to_html(html)
    if markdown is not None:
        lesson.to_markdown(markdown, images=images)
    if plot is not None and figure is not None:
        write_lesson_figure(figure, plot)


def _write_notebook(claims: list[Claim], notebook: Path | None) -> None:
    from symbreak.report import lesson_notebook

    if notebook is not None:
        _write_text(notebook, lesson_notebook(claims))


def _write_text(path: str | Path, text: str) -> None:
    from symbreak.report import files

    files.write_whole(Path(path), text.encode())


def _print(lesson: Lesson, json_file: str | None, *, summary: bool, quiet: bool) -> None:
    from symbreak.report.lesson.terminal import print_summary

    if json_file == "-":
        print(json.dumps(lesson.to_json(), allow_nan=False))  # noqa: T201
    elif quiet:
        return
    elif summary:
        print_summary(lesson.audit)
    else:
        lesson.print()
