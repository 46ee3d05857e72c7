"""What a user's names stand for: a builder, a batch, a loss. Errors of their code are quoted, not traced."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
import sys
import sysconfig
import traceback
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from symbreak.errors import InvalidData, InvalidInput, SymbreakError
from symbreak.report.html import printable

HERE = str(Path(__file__).resolve().parent.parent)
WEIGHTS = (".safetensors", ".safetensors.index.json", ".bin.index.json", ".pt", ".pth", ".bin")
# What NumPy and zipfile raise for files that are no archives, are damaged, or hold objects.
UNREADABLE = (
    OSError,
    ValueError,
    EOFError,
    AttributeError,
    TypeError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)


@contextlib.contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Let modules of a folder be imported, as `python -m` does; what the user's code prints goes to stderr."""
    before = list(sys.path)
    sys.path.insert(0, str(folder))
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        sys.path[:] = before


@contextlib.contextmanager
def quoting(doing: str, hint: str) -> Iterator[None]:
    """Turn an error of the user's code into one message: its last line and its place.

    Raises:
        InvalidInput: the user's code raised, whatever it was.
    """
    try:
        yield
    except InvalidInput as error:
        raise _placed(error) from error.__cause__
    except SymbreakError:
        raise
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        place = _place(error, frames)
        if not place and len(frames) > 1 and frames[-1].filename.startswith(HERE):
            raise  # a fault of our own is not the user's
        last = printable(" ".join(traceback.format_exception_only(error)[-1].split()))
        raise InvalidInput(
            f"{doing} failed",
            got=f"{last}{f' ({place})' if place else ''}",
            allowed="code that runs by itself",
            hint=hint,
        ) from None


def load(target: str, what: str) -> Any:
    """Import what `pkg.mod:name` stands for.

    Raises:
        InvalidInput: another text, or nothing of this name; an error of the module is quoted.
    """
    module_name, colon, path = target.partition(":")
    if not colon or not module_name or not path:
        raise InvalidInput(
            f"{what} is told by its module and name", got=target, allowed="pkg.mod:name", hint="models.mlp:build_model"
        )
    importlib.invalidate_caches()
    with quoting(f"importing {module_name}", f"python -c 'import {module_name}'"):
        found: Any = importlib.import_module(module_name)
    for name in path.split("."):
        if not hasattr(found, name):
            known = [each for each in vars(found) if not each.startswith("_")] if hasattr(found, "__dict__") else []
            raise InvalidInput(
                f"{target} is not there",
                got=f"no {name!r} in {module_name}",
                allowed="a name that the module defines" + (f", such as {', '.join(known[-5:])}" if known else ""),
                hint=f"python -c 'import {module_name}; print(dir({module_name}))'",
            )
        found = getattr(found, name)
    return found


def batch(source: str) -> tuple[Any, Any]:
    """Return (x, y) from an .npz file or from a function of the user's; y is None if there is none.

    Raises:
        InvalidInput: no such function, or it failed.
        InvalidData: a file that cannot be read.
    """
    if Path(source).suffix == ".npz" or Path(source).is_file():
        return _from_file(Path(source))
    make = load(source, "a batch")
    if not callable(make):
        raise InvalidInput(
            "a batch is made by a function",
            got=type(make).__name__,
            allowed="a function without arguments that returns (x, y), or x",
            hint="def make_batch(): return x, y",
        )
    with quoting(f"{source}()", "call it in Python first, in this folder"):
        made = make()
    x, y = made if isinstance(made, tuple) and len(made) == 2 else (made, None)
    if x is None:
        raise InvalidInput(
            "a batch has an input",
            got=f"{source}() returned {'None' if made is None else 'None for x'}",
            allowed="(x, y), or x",
            hint="def make_batch(): return x, y",
        )
    return x, y


def source_of(thing: Any) -> tuple[str, int | None] | None:
    """Return the file and line that a function or a model's class is defined in, from here if it lies below."""
    target = thing if inspect.isroutine(thing) or inspect.isclass(thing) else type(thing)
    try:
        file, line = inspect.getsourcefile(target), inspect.getsourcelines(target)[1]
    except (TypeError, OSError):
        return None
    return (relative(file), line) if file else None


def relative(path: str) -> str:
    """Return a path as it is seen from the current folder, if it lies below, with forward slashes."""
    full = Path(path).resolve()
    here = Path.cwd()
    return (full.relative_to(here) if full.is_relative_to(here) else full).as_posix()


def _from_file(path: Path) -> tuple[Any, Any]:
    import numpy as np

    try:
        if path.is_file() and not zipfile.is_zipfile(path):
            raise ValueError("it is no .npz archive")
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: _tensor(archive[name], name) for name in archive.files}
    except UNREADABLE as error:
        raise InvalidData(
            "the batch cannot be read",
            got=f"{path}: {str(error) or type(error).__name__}",
            allowed="an .npz file of arrays of numbers: x and y, or keyword arguments by name and y",
            hint="np.savez('batch.npz', x=x, y=y)",
        ) from error
    y = arrays.pop("y", None)
    if not arrays:
        raise InvalidData(
            "the batch has no input", got=str(path), allowed="x, or keyword arguments", hint="np.savez(..., x=x, y=y)"
        )
    return (arrays["x"] if list(arrays) == ["x"] else arrays), y


def _tensor(array: Any, name: str) -> Any:
    """Return a tensor as torch code expects it: floats of its default width, whole numbers of 64 bits."""
    import torch

    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} holds {array.dtype}, not numbers")
    tensor = torch.from_numpy(array if array.dtype.kind != "u" else array.astype("int64"))
    if tensor.dtype is torch.float64:
        return tensor.to(torch.get_default_dtype())
    return tensor.long() if array.dtype.kind in "iu" else tensor


def _placed(error: InvalidInput) -> InvalidInput:
    """Add the place in the user's code to an error that was raised because of theirs."""
    cause = error.__cause__
    place = _place(cause, traceback.extract_tb(cause.__traceback__)) if cause is not None else ""
    if not place:
        return error
    return InvalidInput(error.rule, got=f"{error.got} ({place})", allowed=error.allowed, hint=error.hint)


def _place(error: BaseException, frames: traceback.StackSummary) -> str:
    """Return where it happened: in the innermost line of the user's own, else of a library's that they use, or ""."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{relative(error.filename)}:{error.lineno}"
    theirs = [frame for frame in frames if not _ours(frame.filename)]
    own = [frame for frame in theirs if "site-packages" not in frame.filename] or theirs
    return f"{relative(own[-1].filename)}:{own[-1].lineno}" if own else ""


def _ours(file: str) -> bool:
    """Tell whether a file is symbreak's, PyTorch's or Python's own."""
    library = file.startswith(sysconfig.get_path("stdlib")) and "site-packages" not in file
    return library or file.startswith((HERE, "<")) or f"site-packages{os.sep}torch{os.sep}" in file
