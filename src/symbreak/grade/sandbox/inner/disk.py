"""What a learner's code has written, looked at and removed: folders may be nested deeper than a path can say."""

from __future__ import annotations

import contextlib
import itertools
import os
import stat

from symbreak.grade.sandbox.inner.jail import MOST_FILES


def too_full(folder: str, file_bytes: int) -> bool:
    """Return whether a folder holds more than `file_bytes`, more entries than `MOST_FILES`, or cannot be looked at."""
    size = count = 0
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    count += 1
                    with contextlib.suppress(FileNotFoundError):
                        size += entry.stat(follow_symlinks=False).st_blocks * 512
                    if count > MOST_FILES or size > file_bytes:
                        return True
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except (FileNotFoundError, PermissionError):
            continue
        except OSError:  # the path is too long
            return True
    return False


def remove(folder: str) -> None:
    """Remove a folder, also one whose owner made it hard to; what cannot be removed stays."""
    names = itertools.count()
    with contextlib.suppress(OSError):
        while not _flatten(folder, names):
            pass
        os.rmdir(folder)


def _flatten(folder: str, names: itertools.count[int]) -> bool:
    """Remove files, and folders after their own were moved up beside them; return whether nothing is left."""
    empty = True
    for path in _inside(folder):
        if os.path.islink(path) or not os.path.isdir(path):
            os.unlink(path)
            continue
        os.chmod(path, stat.S_IRWXU)
        for inner in _inside(path):
            if os.path.islink(inner) or not os.path.isdir(inner):
                os.unlink(inner)
            else:
                empty = False
                os.rename(inner, os.path.join(folder, f".{next(names)}.removed"))
        os.rmdir(path)
    return empty


def _inside(folder: str) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.path for entry in entries]
