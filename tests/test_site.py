"""The reference of the documentation site has every name that the public rooms hand out."""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def load():
    """Return the tool, which is no part of the package."""
    path = str(ROOT / "tools")
    sys.path.insert(0, path)
    try:
        return importlib.import_module("site_reference")
    finally:
        sys.path.remove(path)


site_reference = load()


def handed_out(room: str) -> set[str]:
    """What a room says when it is asked: its `__all__`, else what is ours in it and was not made for itself alone."""
    module = importlib.import_module(room)
    names = getattr(module, "__all__", None)
    if names is None:
        held = {name: value for name, value in vars(module).items() if name[0] != "_" and not inspect.ismodule(value)}
        package = hasattr(module, "__path__")
        ours = "symbreak." if package else room
        names = [
            name
            for name, value in held.items()
            if str(getattr(value, "__module__", None) or type(value).__module__).startswith(ours)
            or (package and not callable(value))
        ]
    return {
        name
        for name in names
        if name[0] != "_" and not (room == "symbreak" and (ROOT / "src" / "symbreak" / name).is_dir())
    }


@pytest.mark.parametrize("room", site_reference.ROOMS)
def test_every_name_of_a_room_has_an_entry(room):
    names = site_reference.public(room)
    assert names
    assert len(set(names)) == len(names)
    assert handed_out(room) == set(names)
    page = site_reference.pages()[f"api/{room}.md"]
    assert [name for name in names if f"\n::: {site_reference.entry(room, name)}\n" not in f"{page}\n"] == []


def test_every_public_room_is_in_the_reference():
    import symbreak

    rooms = {f"symbreak.{name}" for name in symbreak.__all__ if (ROOT / "src" / "symbreak" / name).is_dir()}
    described = {room for room in rooms if any(page.startswith(room) for page in site_reference.ROOMS)}
    assert rooms - described == set()


def test_a_name_that_is_not_on_its_page_is_missed():
    room = "symbreak.random"
    first, *others = site_reference.public(room)
    html = "".join(f'<h2 id="{site_reference.entry(room, name)}">' for name in others)
    assert site_reference.missing(room, html) == [first]


def test_a_function_that_a_module_hides_is_the_one_that_is_described():
    rooms = site_reference.ROOMS
    hidden = {entry for room in rooms for entry in entries(room) if entry.count(".") > room.count(".") + 1}
    assert "symbreak.diagnosis.symmetry.merge.merge" in hidden
    for entry in hidden:
        module, name = entry.rsplit(".", 1)
        assert inspect.isfunction(getattr(importlib.import_module(module), name))


def entries(room: str) -> list[str]:
    return [site_reference.entry(room, name) for name in site_reference.public(room)]
