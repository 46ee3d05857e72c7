"""The house: rooms import from rooms below only, the front door loads nothing, every public name exists."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import symbreak

HOUSE = Path(symbreak.__file__).parent
# Floors from the ground up; rooms of one floor do not import each other.
FLOORS = [
    ["errors", "compiling", "_version"],
    ["notation", "durable"],
    ["numerics", "random", "datasets"],
    ["initializers"],
    ["network"],
    ["diagnosis"],
    ["torch", "jax", "keras"],
    ["experiments", "grade", "integrations"],
    ["lesson"],
    ["report"],
    ["front"],
    ["lab"],
    ["cli"],
    ["__init__", "__main__"],
]
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def room_of(path: Path) -> str:
    first = path.relative_to(HOUSE).parts[0]
    return first.removesuffix(".py")


def imported_rooms(source: str) -> set[str]:
    """Rooms that a module imports, wherever in the file, `TYPE_CHECKING` blocks included."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module] if node.module != "symbreak" else [f"symbreak.{alias.name}" for alias in node.names]
    return {name.split(".")[1] for name in names if name.startswith("symbreak.")}


def upward(room: str, source: str) -> set[str]:
    return {other for other in imported_rooms(source) - {room, "__version__"} if FLOOR[other] >= FLOOR[room]}


MODULES = sorted(HOUSE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(HOUSE)))
def test_imports_run_downward(path):
    room = room_of(path)
    assert room in FLOOR, f"{room} has no floor yet"
    # The front door's view prints through the terminal, the command line's own picture of a result.
    assert upward(room, path.read_text()) == set()


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("numerics", "from symbreak.random import normal"),
        ("network", "def f():\n    from symbreak import experiments"),
        ("initializers", "import symbreak.cli.app"),
    ],
)
def test_an_upward_import_is_noticed(room, source):
    assert upward(room, source)


def loaded(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sorted(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


ARRAYS = {"numpy", "numba", "scipy", "sklearn", "pyarrow", "torch", "jax", "flax", "keras"}
HEAVY = ARRAYS | {"plotly", "matplotlib", "typer", "rich"}


def test_the_front_door_loads_nothing_heavy():
    assert loaded("import symbreak") & HEAVY == set()


def test_that_test_would_notice():
    assert loaded("import symbreak; symbreak.network") & HEAVY == {"numpy"}


def test_asking_for_the_version_loads_nothing_heavy():
    statement = "import runpy; sys.argv = ['symbreak', '--version']; runpy.run_module('symbreak', run_name='__main__')"
    assert loaded(statement) & HEAVY == set()


@pytest.mark.parametrize("name", symbreak.__all__)
def test_every_public_name_is_there(name):
    assert getattr(symbreak, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'compair'"):
        symbreak.compair  # noqa: B018


def test_the_wheel_is_typed():
    assert (HOUSE / "py.typed").exists()
