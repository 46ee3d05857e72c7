"""What notebooks find in IPython and interactive Python, and scripts elsewhere do not: `get_ipython()`, `display`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from symbreak.grade.names import TRANSPARENT_MAGICS


def names(space: dict[str, Any]) -> dict[str, Any]:
    """Return these names, for code that runs in a namespace."""
    shell = Shell(space)
    return {"get_ipython": lambda: shell, "display": lambda *args, **kwargs: None, "exit": sys.exit, "quit": sys.exit}


class Shell:
    """Magics and shell lines do nothing; those that only watch the Python below them run it."""

    config: Mapping[str, Any] = {}

    def __init__(self, space: dict[str, Any]) -> None:
        self._space = space

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: None

    def run_cell_magic(self, name: str, line: str, cell: str) -> None:
        """Run the cell if it is Python."""
        if name in TRANSPARENT_MAGICS:
            exec(cell, self._space)
