"""Files to read and messages to compare, for the tests of this room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from symbreak.datasets import load
from symbreak.errors import InvalidInput


@pytest.fixture
def csv(tmp_path: Path) -> Callable[..., Path]:
    """Write text or bytes to data.csv (or another name) and return its path."""

    def write(content: str | bytes, name: str = "data.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def refusal() -> Callable[..., str]:
    """Return the message with which `load` refuses its arguments."""

    def message(*arguments: object, **options: object) -> str:
        with pytest.raises(InvalidInput) as caught:
            load(*arguments, **options)  # type: ignore[arg-type]
        return str(caught.value)

    return message
