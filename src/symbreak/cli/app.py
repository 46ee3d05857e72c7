"""The commands, and how errors leave: one message on stderr, exit code 2, no traceback."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from symbreak._version import __version__
from symbreak.cli import compare, symmetry
from symbreak.errors import SymbreakError

app = typer.Typer(
    name="symbreak",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("compare")(compare.command)
app.command("symmetry")(symmetry.command)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"symbreak {__version__}")
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_tell_version)
    ] = False,
) -> None:
    """Initialize a neural network, prove what its start will do, measure it, repair it."""


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code: 0 done, 2 could not run, 130 interrupted."""
    try:
        app(list(arguments), prog_name="symbreak")
    except SymbreakError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 2
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 0
    return 0
