"""Writing a file whole or not at all: beside its place first, then renamed into it."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from pathlib import Path

from symbreak.errors import InvalidInput

REMAINS = ".symbreak-*.part"
"""What a writer that was killed may leave beside its file."""


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` beside `path` and rename it: whoever looks sees the old file or the new, and no remains.

    A link is followed, and a file that is replaced hands on its permissions. When the function returns, the file is
    on the disk, as far as the system tells the truth.

    Raises:
        InvalidInput: it cannot be written there; the old file is as it was.
    """
    target = Path(os.path.realpath(path))
    beside = target.with_name(REMAINS.replace("*", secrets.token_hex(6)))
    try:
        _write_through(beside, content)
        if target.exists():
            shutil.copymode(target, beside)
        os.replace(beside, target)
        _sync_folder(target.parent)
    except OSError as error:
        raise InvalidInput(
            "the file cannot be written",
            got=f"{str(path)!r}: {error.strerror}",
            allowed="a file in a folder that exists and can be written",
            hint="mkdir, free space, or another path",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()


def _write_through(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Put the new name on the disk too; some systems open no folders, and some folders cannot be synced."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
