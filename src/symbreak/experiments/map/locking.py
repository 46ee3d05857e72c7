"""One program at a time writes to a folder; the system gives the lock back when the program ends, however it ends."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from symbreak.errors import InvalidInput


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for this program; where the system has no such locks, hold nothing.

    Raises:
        InvalidInput: another program holds it, or it cannot be written.
    """
    if sys.platform == "win32":
        yield
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise InvalidInput(
            "the folder cannot be written",
            got=f"{str(folder)!r}: {error.strerror}",
            allowed="a folder that can be made and written",
            hint="--output another-folder",
        ) from error
    try:
        _hold(handle, folder)
        yield
    finally:
        os.close(handle)


def _hold(handle: int, folder: Path) -> None:
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InvalidInput(
            "another run writes to this folder",
            got=str(folder),
            allowed="one run for a folder",
            hint="wait for it, or --output another-folder",
        ) from None
