"""Presets for the figures of the lesson, and the guided tour, as data."""

from __future__ import annotations

from typing import Any


def to_json() -> dict[str, Any]:
    """Return what the page reads."""
    return {"presets": [], "tour": []}
