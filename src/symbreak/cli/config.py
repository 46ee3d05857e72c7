"""`[tool.symbreak]` in the pyproject.toml of the current folder or of the nearest one above it that has such a table.

[tool.symbreak]
select = ["symmetric-units", "loss-at-init"]    # the only rules to run
ignore = ["output-bias"]                        # rules to leave out
only = "head.*"                                 # parameters to judge

[[tool.symbreak.suppress]]
rule = "symmetric-units"
parameters = "gate.*"                           # left out: wherever it is found
reason = "the gates start alike on purpose"     # must be there
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symbreak.diagnosis.suppression import Suppression
from symbreak.errors import InvalidData, InvalidInput, UnknownName

KEYS = ("select", "ignore", "only", "suppress")


@dataclass(frozen=True)
class Config:
    """What a project lays down for its checks."""

    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] | None = None
    only: str | None = None
    suppressions: tuple[Suppression, ...] = ()


def find(folder: Path) -> Config:
    """Return what the nearest pyproject.toml with a table for symbreak says; nothing if there is none.

    Raises:
        InvalidData: a pyproject.toml that cannot be read.
        InvalidInput: a key or value that cannot be used.
    """
    here = folder.resolve()
    for each in (here, *here.parents):
        path = each / "pyproject.toml"
        if path.is_file():
            tools = _loaded(path).get("tool")
            if isinstance(tools, Mapping) and "symbreak" in tools:
                return read(tools["symbreak"])
    return Config()


def read(table: Any) -> Config:
    """Return what the table says.

    >>> read({"only": "head.*"})
    Config(select=None, ignore=None, only='head.*', suppressions=())
    """
    if not isinstance(table, Mapping):
        raise _refused("tool.symbreak", table, "a table")
    for key in table:
        if key not in KEYS:
            raise UnknownName.among("key in [tool.symbreak]", key, KEYS)
    only = table.get("only")
    if only is not None and not isinstance(only, str):
        raise _refused("only", only, "a pattern of parameter names")
    entries = table.get("suppress", [])
    if not isinstance(entries, list):
        raise _refused("suppress", entries, "[[tool.symbreak.suppress]], once for each")
    return Config(
        _slugs(table, "select"), _slugs(table, "ignore"), only, tuple(_suppression(entry) for entry in entries)
    )


def _slugs(table: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
    found = table.get(key)
    if found is None:
        return None
    if not isinstance(found, list) or not all(isinstance(slug, str) for slug in found):
        raise _refused(key, found, "a list of slugs, as `symbreak rules` lists them")
    return tuple(found)


def _suppression(entry: Any) -> Suppression:
    if not isinstance(entry, Mapping) or "rule" not in entry:
        raise _refused("suppress", entry, "tables with rule, reason, and perhaps parameters")
    for key in entry:
        if key not in ("rule", "parameters", "reason"):
            raise UnknownName.among("key in [[tool.symbreak.suppress]]", key, ("rule", "parameters", "reason"))
    return Suppression(entry["rule"], entry.get("reason", ""), entry.get("parameters", "*"))


def _loaded(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # TOML and Unicode errors are ValueErrors
        raise InvalidData(
            "pyproject.toml cannot be read", got=f"{str(path)!r}: {error}", allowed="a TOML file", hint=str(path)
        ) from error


def _refused(where: str, got: object, allowed: str) -> InvalidInput:
    return InvalidInput(f"{where} in pyproject.toml cannot be used", got=got, allowed=allowed, hint="docs/check.md")
