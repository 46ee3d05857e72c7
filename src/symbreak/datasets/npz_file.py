"""Reading the arrays X and y of an NPZ file."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.errors import InvalidData

Arrays = dict[str, NDArray[Any]]


def read_npz(path: Path) -> tuple[NDArray[Any], NDArray[Any], tuple[str, ...]]:
    """Return X (samples in rows), y and a note on what else the file holds.

    Nothing in the file is executed: pickled objects are refused. Raises `InvalidData`.
    """
    if not zipfile.is_zipfile(path):
        raise _damaged(path, "a file that is no archive")
    try:
        # Opened here, since NumPy leaves a damaged file open.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return _arrays(path, file)
    except InvalidData:
        raise
    except Exception as error:  # a damaged archive fails in as many ways as zipfile, zlib and NumPy have
        raise _refused(path, error) from None


def _arrays(path: Path, file: Any) -> tuple[NDArray[Any], NDArray[Any], tuple[str, ...]]:
    found = list(file.files)
    if "X" not in found or "y" not in found:
        raise InvalidData(
            f"{path.name} must hold the arrays X and y",
            got=f"the arrays {', '.join(found)}" if found else "no arrays",
            allowed="X of shape (samples, features), y of shape (samples,)",
            hint=f'numpy.savez("{path.name}", X=features, y=labels)',
        )
    others = [name for name in found if name not in ("X", "y")]
    notes = (f"arrays not read: {', '.join(others)}",) if others else ()
    X, y = file["X"], file["y"]
    if not isinstance(X, np.ndarray) or not isinstance(y, np.ndarray):
        raise _damaged(path, "members X and y that are no NumPy arrays")
    return X, y, notes


def _refused(path: Path, error: Exception) -> InvalidData:
    """Tell pickled objects, which NumPy then refuses to open, from a damaged file."""
    if "allow_pickle" not in str(error):
        return _damaged(path, (str(error).splitlines() or [type(error).__name__])[0])
    return InvalidData(
        f"{path.name} holds pickled objects, which could run code when opened",
        got="an object array",
        allowed="arrays of numbers, booleans or texts",
        hint="save plain arrays: numpy.savez(file, X=X.astype(float), y=y.astype(str))",
    )


def _damaged(path: Path, got: str) -> InvalidData:
    return InvalidData(
        f"{path.name} is not a readable NPZ file",
        got=got,
        allowed="an archive that numpy.savez or numpy.savez_compressed wrote",
        hint=f'numpy.savez("{path.name}", X=features, y=labels)',
    )
