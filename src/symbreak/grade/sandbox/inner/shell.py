"""What `get_ipython()` gives outside of IPython: exported notebooks ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symbreak.grade.names import TRANSPARENT_MAGICS


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
