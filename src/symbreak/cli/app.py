"""The commands, and how errors leave: one message on stderr, exit code 2, no traceback."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from symbreak._version import __version__
from symbreak.cli import check, compare, grade, lab, lesson, map, rules, symmetry
from symbreak.cli.exits import INTERRUPTED, PIPE_CLOSED, UNUSABLE
from symbreak.errors import SymbreakError

app = typer.Typer(
    name="symbreak",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("compare")(compare.command)
app.command("map")(map.command)
app.command("check")(check.command)
app.command("rules")(rules.rules)
app.command("explain")(rules.explain)
app.command("symmetry")(symmetry.command)
app.command("lesson")(lesson.command)
app.command("grade")(grade.command)
app.command("lab")(lab.command)


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
    """Run the command line and return its exit code: 0 done, 2 could not run, 130 interrupted, 141 pipe closed."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a name that the terminal cannot show must not stop it
    try:
        code = _code(arguments)
        sys.stdout.flush()
        return code
    except SymbreakError as error:
        return _complain(str(error))
    except KeyboardInterrupt:
        print("interrupted: nothing was finished", file=sys.stderr)  # noqa: T201
        return INTERRUPTED
    except MemoryError:
        return _complain(
            "the memory does not hold it\n  got: networks or data of this size\n  allowed: less\n  try: --seeds 1"
        )
    except BrokenPipeError:
        _forget_stdout()
        return PIPE_CLOSED
    except OSError as error:
        _forget_stdout()
        return _complain(
            f"the result cannot be printed\n  got: {error}\n  allowed: an open output\n  try: --json FILE --quiet"
        )


def _code(arguments: Sequence[str]) -> int:
    try:
        app(list(arguments), prog_name="symbreak")
    except SystemExit as leaving:
        # Typer turns an interrupt into an exit of its own, without a word.
        if any(isinstance(cause, KeyboardInterrupt) for cause in _causes(leaving)):
            raise KeyboardInterrupt from None
        return leaving.code if isinstance(leaving.code, int) else 0
    return 0


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause = error.__context__
    while cause is not None:
        yield cause
        cause = cause.__context__


def _complain(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)  # noqa: T201
    return UNUSABLE


def _forget_stdout() -> None:
    """Point stdout nowhere, or Python would try to flush it once more at the end, and complain."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
