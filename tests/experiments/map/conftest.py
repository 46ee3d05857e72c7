"""Small maps, and how two are compared: bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from symbreak.experiments.map.records import COLUMNS
from symbreak.experiments.map.result import MapResult
from symbreak.experiments.map.settings import MapSettings


def _bits(result: MapResult) -> dict[str, bytes]:
    return {name: np.ascontiguousarray(getattr(result, name)).tobytes() for name in (*COLUMNS, "x", "y", "done")}


def _files(folder: Path) -> dict[str, bytes]:
    """Every file of a store but the lock."""
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


@pytest.fixture(scope="session")
def bits():
    return _bits


@pytest.fixture(scope="session")
def files():
    return _files


@pytest.fixture
def small() -> MapSettings:
    """Networks that learn, that do not, and that diverge."""
    return MapSettings(
        y="learning-rate:1e-1:1e150:log", size=(7, 6), iterations=20, activation="relu", loss="squared-error"
    )
