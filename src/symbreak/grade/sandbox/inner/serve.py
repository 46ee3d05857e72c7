"""The learner's code, loaded and called. All that goes back is values: whether they are right is judged elsewhere.

Nothing here is hidden from that code, and nothing is trusted afterwards: what is taken care of (bound names, caught
exceptions) is for code that is wrong, the grader's own reading of the pipe is for code that is hostile.
"""

from __future__ import annotations

import contextlib
import io
import sys
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from symbreak.grade.namespace import functions, parameter_names
from symbreak.grade.sandbox import wire
from symbreak.grade.sandbox.inner import cells, shell
from symbreak.grade.sandbox.inner.cells import describe
from symbreak.grade.sandbox.inner.pipe import Pipe
from symbreak.grade.seeding import seed
from symbreak.grade.values import plain

NAME = "submission"
RUNNING_SHARE = 0.9
"""Of the time to load the code, for its own lines: it is broken off before the grader gives it up."""


def serve(pipe: Pipe, limits: Mapping[str, Any]) -> int:
    """Load the code that comes first, then answer calls until the grader is done."""
    room = limits["value_bytes"]
    request, _ = pipe.receive()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    _forget_symbreak()
    _lay_out(request["files"])
    space, found, raised = _load(request["source"], RUNNING_SHARE * limits["seconds_to_load"])
    names = {name: parameter_names(function) for name, function in found.items()}
    _flush()
    own = any(getattr(value, "__module__", "") == NAME for value in space.values())
    pipe.send({"nonce": request["nonce"], "raised": raised, "empty": not own, "functions": names})
    while True:
        request, values = pipe.receive()
        fields, value = _answer(space, request, values, room)
        _flush()
        fields["nonce"] = request["nonce"]
        try:
            pipe.send(fields, {"value": value}, room=room)
        except wire.TooLarge as error:
            pipe.send({**fields, "too_large": str(error)}, {"value": None})
        except Exception as error:
            pipe.send({**fields, "error": describe(error)}, {"value": None})
        del values, value


def _lay_out(files: Mapping[str, str]) -> None:
    """Write the modules that the code may import; it can change them, and only itself is the worse for it."""
    for name, text in files.items():
        Path(name).write_text(text, encoding="utf-8")
    if files:
        sys.path.insert(0, str(Path.cwd()))


def _forget_symbreak() -> None:
    """Make `import symbreak`, which has the right answers, fail; its files are out of sight where that is possible."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "symbreak"]:
        del sys.modules[name]
    sys.modules["symbreak"] = None  # type: ignore[assignment]


def _load(source: str, seconds: float) -> tuple[dict[str, Any], dict[str, Callable[..., Any]], list[dict[str, Any]]]:
    """Return all that the code defines, by name, the functions of the week among it, and what it raised."""
    module = types.ModuleType(NAME)
    sys.modules[NAME] = module
    module.__dict__.update(shell.names(module.__dict__))
    raised = cells.run(source, module.__dict__, seconds)
    found = functions(module.__dict__)
    return {**module.__dict__, **found}, found, raised


def _answer(
    space: dict[str, Any], request: dict[str, Any], values: dict[str, Any], room: int
) -> tuple[dict[str, Any], Any]:
    """Call a function; return what to say of it, and its value."""
    args, kwargs = list(values["args"]), dict(values["kwargs"])
    named = {**{str(i): value for i, value in enumerate(args)}, **kwargs}
    before = {name: _fingerprint(value, room) for name, value in named.items()}
    fields: dict[str, Any] = {"error": "", "memory": False, "too_large": ""}
    value: Any = None
    try:
        if request["seed"] is not None:
            seed(request["seed"])
        value = plain(space[request["function"]](*args, **kwargs))
    except MemoryError as error:
        fields |= {"error": describe(error), "memory": True}
    except BaseException as error:
        fields["error"] = describe(error)
    fields["changed"] = [name for name, each in named.items() if _fingerprint(each, room) != before[name]]
    return fields, value


def _fingerprint(value: Any, room: int) -> bytes:
    """The bytes of a value: type, shape, order and every bit; what cannot be sent any more has surely changed."""
    try:
        return wire.pack({}, {"": value}, room=room)
    except Exception:
        return b""


def _flush() -> None:
    for name in ("stdout", "stderr"):
        with contextlib.suppress(BaseException):
            getattr(sys, name).flush()
