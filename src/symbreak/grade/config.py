"""A configuration of checks: a TOML or JSON file that says what is tried and what counts how much.

schema = "symbreak/grade-config/1"
functions = ["initialize_parameters"]      # left out: all that the code has
points = 20
shapes = [[3, 4, 1], [7, 2, 5]]            # n_x, n_h, n_y
seeds = [11, 12]
examples = 17                              # m
only = ["init-runs", "init-not-zero"]      # left out: all checks
files = ["planar_utils.py"]                # modules that the assignment hands out, beside this file
visibility = "hidden"                      # visible, hidden, after_due_date, after_published

[checks.init-not-zero]
points = 5
required = true
visibility = "visible"

[[exact]]
function = "initialize_parameters"
args = [2, 4, 1]
numpy_seed = 2
expected = { b1 = [[0.0], [0.0], [0.0], [0.0]] }
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from symbreak.errors import InvalidData, InvalidInput, UnknownName
from symbreak.grade.catalogue import CATALOGUE, ids
from symbreak.grade.plan import Exact, Plan, Rule, Sizes
from symbreak.grade.result import Visibility
from symbreak.grade.source import read_source

SCHEMA = "symbreak/grade-config/1"
LARGEST_SIZE = 10_000
MODULE = re.compile(r"[^\W\d]\w*\.py")
_KEYS = (
    *("schema", "functions", "points", "shapes", "seeds", "examples", "only", "visibility", "checks", "exact"),
    "files",
)


def read(source: str | Path | Mapping[str, Any], plan: Plan) -> Plan:
    """Return the plan that a configuration makes of `plan`.

    Raises:
        InvalidData: a file that cannot be read, or is neither TOML nor JSON.
        InvalidInput: a key, id, size or number that cannot be used; the message says where.

    >>> read({"seeds": [5], "checks": {"init-runs": {"points": 10}}}, Plan()).checks["init-runs"].points
    10.0
    """
    given = source if isinstance(source, Mapping) else _loaded(Path(source))
    _known(given, _KEYS, "the configuration")
    if given.get("schema", SCHEMA) != SCHEMA:
        raise _refused("schema", given["schema"], SCHEMA)
    changes = {key: read_one(given[key]) for key, read_one in _READERS.items() if key in given}
    if "files" in given:
        changes["files"] = _files(given["files"], Path() if isinstance(source, Mapping) else Path(source).parent)
    planned = replace(plan, **changes)
    laid_down = math.fsum(rule.points or 0 for rule in planned.checks.values())
    if laid_down > planned.points:
        raise _refused(
            "checks", f"{laid_down:g} points for single checks", f"at most {planned.points:g}, the points in all"
        )
    return planned


def check_ids(names: Iterable[str], known: Iterable[str]) -> None:
    """Refuse an id that no check has, offering the nearest."""
    listed = list(known)
    for name in names:
        if str(name).rpartition(":")[2] not in listed and not str(name).startswith("exact-"):
            raise UnknownName.among("check", name, listed)


def _loaded(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    except (ValueError, RecursionError) as error:  # JSON, TOML and Unicode errors are ValueErrors
        raise _unreadable(path, str(error)) from error
    if not isinstance(found, dict):
        raise _unreadable(path, "no table at the top")
    return found


def _functions(value: Any) -> tuple[str, ...]:
    for name in _list(value, "functions"):
        if name not in CATALOGUE:
            raise UnknownName.among("function", name, CATALOGUE)
    return tuple(value)


def _points(value: Any) -> float:
    return _number(value, "points")


def _shapes(value: Any) -> tuple[Sizes, ...]:
    shapes = [
        tuple(_whole(n, "shapes", 1, LARGEST_SIZE) for n in _list(each, "shapes")) for each in _list(value, "shapes")
    ]
    if any(len(shape) != 3 for shape in shapes):
        raise _refused("shapes", value, "triples n_x, n_h, n_y")
    return tuple(shapes)


def _seeds(value: Any) -> tuple[int, ...]:
    return tuple(_whole(n, "seeds", 0, 2**32 - 1) for n in _list(value, "seeds"))


def _examples(value: Any) -> int:
    return _whole(value, "examples", 2, LARGEST_SIZE)


def _only(value: Any) -> tuple[str, ...]:
    check_ids(_list(value, "only"), ids())
    return tuple(value)


def _files(value: Any, folder: Path) -> dict[str, str]:
    """Return the text of each module by its file's name."""
    found: dict[str, str] = {}
    for path in _list(value, "files"):
        if not isinstance(path, str) or not MODULE.fullmatch(Path(path).name):
            raise _refused("files", path, "paths of modules, such as planar_utils.py")
        try:
            found[Path(path).name] = read_source(folder / path)
        except InvalidData as error:
            raise _refused("files", f"{path!r}: {error.rule}", "modules beside the configuration") from error
    return found


def _visibility(value: Any) -> Visibility:
    if value not in get_args(Visibility):
        raise UnknownName.among("visibility", value, get_args(Visibility))
    return value  # type: ignore[no-any-return]


def _rules(value: Any) -> dict[str, Rule]:
    if not isinstance(value, Mapping):
        raise _refused("checks", value, "a table for each check: [checks.init-runs]")
    check_ids(value, ids())
    return {id: _rule(id, entry) for id, entry in value.items()}


def _rule(id: str, entry: Any) -> Rule:
    if not isinstance(entry, Mapping):
        raise _refused(f"checks.{id}", entry, "a table with points, required, visibility")
    _known(entry, ("points", "required", "visibility"), f"checks.{id}")
    required = entry.get("required")
    if required is not None and not isinstance(required, bool):
        raise _refused(f"checks.{id}.required", required, "true or false")
    points = _number(entry["points"], f"checks.{id}.points") if "points" in entry else None
    return Rule(points, required, _visibility(entry["visibility"]) if "visibility" in entry else None)


def _exact(value: Any) -> tuple[Exact, ...]:
    return tuple(map(_one_exact, _list(value, "exact")))


def _one_exact(entry: Any) -> Exact:
    if not isinstance(entry, Mapping) or not {"function", "args", "expected"} <= entry.keys():
        raise _refused("exact", entry, "tables with function, args, expected, and perhaps numpy_seed, tolerance")
    _known(entry, ("function", "args", "expected", "numpy_seed", "tolerance"), "exact")
    (function,) = _functions([entry["function"]])
    seed = entry.get("numpy_seed")
    return Exact(
        function,
        tuple(_list(entry["args"], "exact.args")),
        entry["expected"],
        None if seed is None else _whole(seed, "exact.numpy_seed", 0, 2**32 - 1),
        _number(entry.get("tolerance", Exact.tolerance), "exact.tolerance"),
    )


_READERS: dict[str, Callable[[Any], Any]] = {
    "functions": _functions,
    "points": _points,
    "shapes": _shapes,
    "seeds": _seeds,
    "examples": _examples,
    "only": _only,
    "visibility": _visibility,
    "checks": _rules,
    "exact": _exact,
}


def _known(given: Mapping[str, Any], keys: Iterable[str], where: str) -> None:
    for key in given:
        if key not in keys:
            raise UnknownName.among(f"key in {where}", key, keys)


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, (list, tuple)) or not value:
        raise _refused(where, value, "a list that is not empty")
    return list(value)


def _whole(value: Any, where: str, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise _refused(where, value, f"whole numbers from {least} to {most}")
    return value


def _number(value: Any, where: str) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value) or value < 0:
        raise _refused(where, value, "a finite number >= 0")
    return float(value)


def _refused(where: str, got: object, allowed: str) -> InvalidInput:
    return InvalidInput(f"the configuration's {where} cannot be used", got=got, allowed=allowed, hint="docs/grading.md")


def _unreadable(path: Path, why: str) -> InvalidData:
    return InvalidData(
        "the configuration cannot be read",
        got=f"{str(path)!r}: {why}",
        allowed="a TOML or JSON file",
        hint="hidden.toml",
    )
