"""The one door: a name or a path in, a data set out."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from symbreak.datasets import formula, packaged
from symbreak.datasets.arrays import from_rows
from symbreak.datasets.dataset import Dataset
from symbreak.datasets.encoding import dataset_from_table
from symbreak.datasets.imputing import impute_way
from symbreak.datasets.targets import check_wish
from symbreak.errors import InvalidData, InvalidInput, UnknownName

ALIASES: Mapping[str, str] = {
    "flower": "planar",
    "planar-flower": "planar",
    "noisy-circles": "circles",
    "noisy-moons": "moons",
}
"""The course's own names, beside ours. Case does not matter, and an underscore is a hyphen."""

TABLES = (".csv", ".tsv", ".parquet", ".pq")
ENDINGS = (*TABLES, ".npz")
"""The endings of files that can be read."""


def names() -> tuple[str, ...]:
    """Return the names of the built-in data sets: those made by formula, then the real ones.

    >>> names()[:6]
    ('planar', 'circles', 'moons', 'blobs', 'gaussian-quantiles', 'xor')
    >>> names()[6:]
    ('digits', 'breast-cancer', 'wine', 'iris')
    """
    return (*formula.FORMULAS, *packaged.LOADERS)


def load(
    name_or_path: str | os.PathLike[str],
    *,
    target: str | int | None = None,
    task: str | None = None,
    impute: str | bool | None = None,
) -> Dataset:
    """Load a built-in data set by name (see `names`), or a file by path.

    Files have a row per sample, and end in .csv or .tsv (cells between commas, semicolons or tabs; a header line,
    unless all of the first line is numbers), .parquet or .pq, or .npz (arrays `X`, shape (samples, features), and `y`;
    see `from_rows`).

    - `target`: the column to predict, by name or by number counted from 1. CSV and Parquet need it.
    - `task`: "classification" or "regression". Without it, texts and booleans are classes; so are whole numbers of at
      most 20 different values and at least two samples per value on average (or of two values); other numbers are a
      regression. Classes are sorted, numbers by size.
    - `impute`: how to fill missing cells (empty, NA, N/A, NaN, null, ?), by "median" (or True) or "mean" for numbers,
      and by the most frequent value for categories. Without it a missing cell is an error. The fill is taken over all
      samples, before any split. Targets are never imputed.

    Numbers are taken as they are, booleans as 0 and 1; a text column becomes one feature of 0 and 1 per value, called
    "colour=red". `notes` tells what was done.

    Raises `UnknownName` for an unknown name, column, task or way to impute, `InvalidInput` for a target where none
    belongs or none where one is needed, and `InvalidData` or `InvalidShape`, which name the column and line, for a
    file that cannot be learned from.

    >>> load("noisy_moons")
    Dataset('moons': 2 features, 200 samples, 2 classes)
    >>> load("monns")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    symbreak.errors.UnknownName: unknown data set
      got: 'monns'
      allowed: planar, circles, moons, ..., or the path of a file that ends in .csv, .tsv, .parquet, .pq, .npz
      try: moons or noisy-moons
    """
    check_wish(task)
    way = impute_way(impute)
    name = _built_in(name_or_path)
    if name is None:
        return _load_file(_path(name_or_path), target=target, task=task, impute=way)
    if target is not None or task is not None:
        raise InvalidInput(
            "a built-in data set has its own target and task",
            got=f"target={target!r}, task={task!r} for {name!r}",
            allowed="target and task for a file",
            hint=f"load({name!r})",
        )
    return formula.make(name) if name in formula.FORMULAS else packaged.read(name)


def _built_in(name_or_path: object) -> str | None:
    if not isinstance(name_or_path, str):
        return None
    name = "-".join(name_or_path.strip().lower().replace("_", " ").replace("-", " ").split())
    name = ALIASES.get(name, name)
    return name if name in names() else None


def _path(name_or_path: object) -> Path:
    """Return the path that is meant, or raise `UnknownName` if a name seems to be."""
    if not isinstance(name_or_path, (str, os.PathLike)) or isinstance(os.fspath(name_or_path), bytes):
        raise InvalidInput(
            "a data set is given by name or path",
            got=f"a {type(name_or_path).__name__}",
            allowed="a name, or the path of a file",
            hint='load("planar"); for arrays, from_rows(X, y)',
        )
    path = Path(name_or_path)
    separators = {os.sep, os.altsep or os.sep}
    if isinstance(name_or_path, os.PathLike) or path.suffix.lower() in ENDINGS or separators & set(name_or_path):
        return path.expanduser()
    if name_or_path.strip() and "\0" not in name_or_path and os.path.lexists(path):
        return path
    raise _unknown(name_or_path)


def _unknown(name: str) -> UnknownName:
    folded = name.strip().lower().replace("_", "-")
    close = difflib.get_close_matches(folded, [*names(), *ALIASES], n=2, cutoff=0.5)
    return UnknownName(
        "unknown data set",
        got=repr(name),
        allowed=f"{', '.join(names())}, or the path of a file that ends in {', '.join(ENDINGS)}",
        hint=" or ".join(close) if close else "planar",
    )


def _load_file(path: Path, *, target: str | int | None, task: str | None, impute: str | None) -> Dataset:
    _check_file(path)
    try:
        if path.suffix.lower() == ".npz":
            return _load_npz(path, target=target, task=task, impute=impute)
        return _load_table(path, target=target, task=task, impute=impute)
    except OSError as error:
        raise _unusable(
            path, "cannot be read", error.strerror or str(error), "check the permissions of the file"
        ) from None


def _load_npz(path: Path, *, target: str | int | None, task: str | None, impute: str | None) -> Dataset:
    from symbreak.datasets.npz_file import read_npz

    if target not in (None, "y"):
        raise InvalidInput(
            "an NPZ file holds its target in the array y",
            got=f"target={target!r}",
            allowed="no target",
            hint=f"load({str(path)!r})",
        )
    X, y, notes = read_npz(path)
    data = from_rows(X, y, name=path.name, task=task, impute=impute)
    return replace(data, notes=notes + data.notes)


def _load_table(path: Path, *, target: str | int | None, task: str | None, impute: str | None) -> Dataset:
    from symbreak.datasets.csv_file import read_csv
    from symbreak.datasets.parquet_file import read_parquet

    read = read_csv if path.suffix.lower() in (".csv", ".tsv") else read_parquet
    return dataset_from_table(read(path), target=target, task=task, impute=impute)


def _check_file(path: Path) -> None:
    if "\0" in str(path) or not path.exists():
        raise _unusable(path, "does not exist", f"a path looked up from {Path.cwd()}", _neighbour(path))
    if path.is_dir():
        raise _unusable(path, "is a directory", "a directory", _files_in(path))
    if path.suffix.lower() not in ENDINGS:
        got = f"the ending {path.suffix!r}" if path.suffix else "no ending"
        raise _unusable(path, "is of no format that can be read", got, "export it as CSV with a header line")
    if path.stat().st_size == 0:
        raise _unusable(path, "is empty", "0 bytes", "write the file again")


def _neighbour(path: Path) -> str:
    """Offer the file of the nearest name beside a path that does not exist."""
    try:
        beside = [other.name for other in path.parent.iterdir() if other.suffix.lower() in ENDINGS]
    except (OSError, ValueError):
        return f"create the directory {str(path.parent)!r}, or correct the path"
    close = difflib.get_close_matches(path.name, beside, n=1, cutoff=0.5)
    return str(path.with_name(close[0])) if close else "check the path, or load a built-in set such as 'planar'"


def _files_in(path: Path) -> str:
    fitting = sorted(other for other in path.iterdir() if other.suffix.lower() in ENDINGS)
    return str(fitting[0]) if fitting else "the path of one file in it"


def _unusable(path: Path, what: str, got: str, hint: str) -> InvalidData:
    return InvalidData(
        f"the data file {str(path)!r} {what}", got=got, allowed=f"a file that ends in {', '.join(ENDINGS)}", hint=hint
    )
