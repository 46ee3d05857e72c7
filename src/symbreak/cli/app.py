"""The commands, and how errors leave: one message on stderr, exit code 2, no traceback."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import click
import typer

from symbreak._version import __version__
from symbreak.cli import compare
from symbreak.errors import SymbreakError

# 128 + SIGINT, as shells report it.
INTERRUPTED = 130

app = typer.Typer(
    name="symbreak",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("compare")(compare.command)


@app.callback()
def about(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    """Initialize a neural network, prove what its start will do, measure it, repair it."""
    if version:
        typer.echo(f"symbreak {__version__}")
        raise typer.Exit


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code: 0 done, 2 could not run, 130 interrupted."""
    try:
        code = typer.main.get_command(app).main(list(arguments), prog_name="symbreak", standalone_mode=False)
    except SymbreakError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 2
    except click.ClickException as error:
        error.show()
        return 2
    except (KeyboardInterrupt, click.Abort):
        print("interrupted: nothing was finished", file=sys.stderr)  # noqa: T201
        return INTERRUPTED
    return code if isinstance(code, int) else 0
