"""The reference's pages: what the public rooms hand out, as their `__init__` says it, one entry for each name."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src"
ROOMS = {
    "symbreak": "the front door",
    "symbreak.initializers": "name + shape + seed -> array, and its law",
    "symbreak.random": "addressed random numbers",
    "symbreak.numerics": "activations, expectations",
    "symbreak.datasets": "data made by formula, from packages, from files",
    "symbreak.network": "networks, their passes and training, alone or many at once",
    "symbreak.diagnosis.symmetry": "which units are one, and how that is known",
    "symbreak.torch": "PyTorch",
    "symbreak.jax": "JAX, Flax, Equinox",
    "symbreak.keras": "Keras 3",
    "symbreak.integrations.lightning": "the callback for Lightning",
    "symbreak.integrations.transformers": "the callback for Transformers",
    "symbreak.integrations.start": "what callbacks raise and warn of",
    "symbreak.experiments": "compare, and its result as data",
    "symbreak.lesson": "the course's functions",
    "symbreak.grade": "grading a learner's code",
    "symbreak.report": "pictures and pages of results",
    "symbreak.errors": "what is raised",
}


def pages() -> dict[str, str]:
    """Return the pages of the reference, by their place on the site."""
    made = {f"api/{room}.md": _page(room) for room in ROOMS}
    index = "".join(f"* [{room}]({room}.md): {says}\n" for room, says in ROOMS.items())
    return {"api/index.md": f"# Reference\n\n{index}", **made}


def _page(room: str) -> str:
    about = f"::: {room}\n    options:\n      members: false\n      show_root_heading: false\n"
    return "\n\n".join([f"# {room}", about, *(f"::: {entry(room, name)}" for name in public(room))]) + "\n"


def public(room: str) -> list[str]:
    """Return the names that a room hands out: those of `__all__`, else what it imports from us and defines.

    The front door's rooms have pages of their own.

    >>> public("symbreak.datasets")
    ['Dataset', 'from_rows', 'load', 'names', 'split', 'standardize']
    """
    path = SOURCE / room.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    body = ast.parse(path.read_text(encoding="utf-8")).body
    names = _declared(body)
    if names is None:
        names = [alias.name for node in body if _is_ours(node) for alias in node.names]  # type: ignore[attr-defined]
        names = names if path.name == "__init__.py" else []
        names += [node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return [name for name in names if name[0] != "_" and f"{room}.{name}" not in _ROOMS_OF_THE_DOOR]


def entry(room: str, name: str) -> str:
    """Return where a name is documented: that of a module beside it, which a reader of sources takes it for, in there.

    >>> entry("symbreak.initializers", "fans"), entry("symbreak.initializers", "he")
    ('symbreak.initializers.fans.fans', 'symbreak.initializers.he')
    """
    module = SOURCE / room.replace(".", "/") / f"{name}.py"
    hides = module.exists() and any(
        isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name
        for node in ast.parse(module.read_text(encoding="utf-8")).body
    )
    return f"{room}.{name}.{name}" if hides else f"{room}.{name}"


_ROOMS_OF_THE_DOOR = {f"symbreak.{path.name}" for path in (SOURCE / "symbreak").iterdir() if path.is_dir()}


def _declared(body: list[ast.stmt]) -> list[str] | None:
    for node in body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            return list(ast.literal_eval(node.value))
    return None


def _is_ours(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and (node.module or "").startswith("symbreak.")


def missing(room: str, html: str) -> list[str]:
    """Return the names of a room that its page, as it was built, has no entry for.

    >>> missing("symbreak.keras", '<h2 id="symbreak.keras.init_">')
    ['Initializer', 'names']
    """
    return [name for name in public(room) if f'id="{entry(room, name)}"' not in html]
