"""What commands with long runs share: outputs are checked before, and a bar tells how far the run is."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from symbreak.errors import InvalidInput

Output = tuple[str | Path | None, Callable[[str | Path], Path]]


class Advance(Protocol):
    """Tell the bar how much is done, of how much, and of what."""

    def __call__(self, done: int, total: int, item: str = "") -> None:
        """Move the bar."""


def check_outputs(*outputs: Output) -> None:
    """Refuse a file that could not be written before the run, not after it.

    Args:
        outputs: paths, each with the function that checks it; None and "-" name no file.

    Raises:
        InvalidInput: a path that its check refuses, or two outputs in one file.
    """
    named = [(path, check) for path, check in outputs if path not in (None, "-")]
    places = [check(path).resolve() for path, check in named if path is not None]
    if len(set(places)) < len(places):
        raise InvalidInput(
            "every output needs a file of its own",
            got=", ".join(map(str, places)),
            allowed="different files",
            hint="r.json",
        )


@contextlib.contextmanager
def progress_bar(doing: str, *, quiet: bool) -> Iterator[Advance | None]:
    """Show a bar on stderr while something runs; nothing if it should be quiet, or nobody looks."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(doing)

        def advance(done: int, total: int, item: str = "") -> None:
            bar.update(task, completed=done, total=total, description=f"{doing} {item}".rstrip())

        yield advance
