"""A learner's code in a child process, as a `Subject`."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeGuard

from symbreak.errors import InvalidInput, SymbreakError
from symbreak.grade.names import KNOWN
from symbreak.grade.sandbox import wire
from symbreak.grade.sandbox.exchange import Captured, Reply, exchange
from symbreak.grade.sandbox.inner.cells import LINE_CHARACTERS, MOST_RAISED
from symbreak.grade.sandbox.inner.kernel import hide_memory
from symbreak.grade.sandbox.launch import Child, configuration, start
from symbreak.grade.sandbox.limits import LAYERS, Limits, Protection
from symbreak.grade.subject import Call, Outcome, Raised, Stop

# Until Python, NumPy and PyTorch are loaded on a busy machine; the learner's code does not run yet.
STARTING_SECONDS = 60.0
# Of an error's text; the rest would be for nobody to read.
MESSAGE_CHARACTERS = 2000
SOURCE_BYTES = wire.HEADER_BYTES
_STOPPED_BY_SIGNAL: dict[int, Stop] = {128 + 24: "time"}
_CHECKS = ("nonce",)
# Escapes and the like could rewrite a teacher's screen.
_UNPRINTABLE = dict.fromkeys([*range(9), *range(11, 32), *range(127, 160)], "�")


class CannotStart(SymbreakError):
    """The child did not come up; the learner's code has nothing to do with it."""


@contextmanager
def open_subject(
    source: str,
    *,
    limits: Limits | None = None,
    files: Mapping[str, str] | None = None,
    without: Iterable[str] = (),
) -> Iterator[Sandboxed]:
    """Load a learner's code in a child process; all that it started is gone when the block ends.

    Args:
        source: the code.
        limits: what it may use.
        files: modules that it may import, name to text.
        without: layers of protection (`LAYERS`), or "nonce", to leave out: to see what each is for.

    Raises:
        InvalidInput: if `without` names something else.
        CannotStart: if no child comes up at all.

    Example:
        >>> from symbreak.grade.subject import Call
        >>> with open_subject("def predict(X): return 2 * X") as subject:
        ...     subject.functions, subject.call(Call("predict", (21,))).value
        ({'predict': ('X',)}, 42)
    """
    left_out = frozenset(without)
    if not left_out <= {*LAYERS, *_CHECKS}:
        raise InvalidInput(
            "no such layer of protection", got=sorted(left_out), allowed=", ".join([*LAYERS, *_CHECKS]), hint="nonce"
        )
    subject = Sandboxed(source, limits or Limits(), files or {}, left_out)
    try:
        subject.open()
        yield subject
    finally:
        subject.close()


@dataclass(frozen=True)
class _Loaded:
    functions: dict[str, tuple[str, ...]]
    problem: str = ""
    stopped: Stop | None = None
    raised: tuple[Raised, ...] = ()


class Sandboxed:
    """A `Subject` whose code runs in a child process. A child that had to be ended is replaced at the next call."""

    def __init__(self, source: str, limits: Limits, files: Mapping[str, str], without: frozenset[str]) -> None:
        self.limits = limits
        self.protection = Protection((), {})
        self._source = source
        self._files = dict(files)
        self._without = without
        self._seconds_left = limits.seconds_in_all
        self._child: Child | None = None
        self._loaded = _Loaded({})

    @property
    def functions(self) -> Mapping[str, tuple[str, ...]]:
        """The names of its functions, with the names of their parameters."""
        return self._loaded.functions

    @property
    def problem(self) -> str:
        """Why nothing of the code could be loaded, or ""."""
        return self._loaded.problem

    @property
    def raised(self) -> tuple[Raised, ...]:
        """What the code raised on the way, where some of it was loaded nevertheless."""
        return self._loaded.raised

    def open(self) -> None:
        """Start a child and load the code."""
        self._loaded = self._load()

    def close(self) -> int:
        """End the child, if there is one; return its exit code."""
        child, self._child = self._child, None
        return 0 if child is None else child.close()

    def call(self, call: Call) -> Outcome:
        """Call a function. A call that had to be stopped costs only itself."""
        if self._loaded.problem:
            return Outcome(error=self._loaded.problem, stopped=self._loaded.stopped)
        if self._child is None:
            again = self._load()
            if again.problem:
                return Outcome(error=again.problem, stopped=again.stopped)
        trees = {"args": tuple(call.args), "kwargs": dict(call.kwargs)}
        fields = {"function": call.function, "seed": call.numpy_seed}
        reply = self._ask(fields, trees, self.limits.seconds_per_call)
        names = {*map(str, range(len(call.args))), *call.kwargs}
        return _outcome(reply, names) or self._refuse(reply)

    def _load(self) -> _Loaded:
        texts = (self._source, *self._files.values())
        if sum(len(text.encode("utf-8", "backslashreplace")) for text in texts) > SOURCE_BYTES // 8:
            return _Loaded({}, f"the code is longer than {SOURCE_BYTES // 8} bytes", "protocol")
        self._start()
        reply = self._ask({"source": self._source, "files": self._files}, {}, self.limits.seconds_to_load)
        if reply.stopped is not None:
            return _Loaded({}, _WHY[reply.stopped], reply.stopped)
        loaded = _loaded(reply.fields)
        if loaded is None:
            self.close()
        return loaded or _Loaded({}, _WHY["protocol"], "protocol")

    def _start(self) -> None:
        self._child = start()
        frame = wire.pack(configuration(self._child, self._source, self.limits, self._without), {}, room=0)
        reply = exchange(self._child, frame, self.limits, time.monotonic() + STARTING_SECONDS)
        if reply.stopped is not None:
            code = self.close()
            raise CannotStart(f"the child did not start (exit code {code}): {_text(reply.stderr)}")
        missing = reply.fields["missing"]
        self.protection = Protection(tuple(layer for layer in LAYERS if layer not in missing), missing)
        if {"user", "processes"} <= missing.keys():
            # A process of the same user could read the expected values where they are.
            with suppress(OSError):
                hide_memory()

    def _ask(self, fields: dict[str, Any], trees: dict[str, Any], seconds: float) -> Reply:
        """Send a request; unless the child answered it in time and in form, end the child."""
        assert self._child is not None
        nonce = secrets.token_hex(16)
        frame = wire.pack({**fields, "nonce": nonce}, trees, room=self.limits.value_bytes)
        reply = exchange(self._child, frame, self.limits, time.monotonic() + min(seconds, self._seconds_left))
        self._seconds_left -= reply.seconds
        if reply.stopped is None and reply.fields.get("nonce") != nonce and "nonce" not in self._without:
            reply.stopped = "protocol"
        if reply.stopped is not None:
            code = self.close()
            if reply.stopped == "exit":
                reply.stopped = _STOPPED_BY_SIGNAL.get(code, "exit")
        return reply

    def _refuse(self, reply: Reply) -> Outcome:
        self.close()
        return Outcome(stdout=_text(reply.stdout), stderr=_text(reply.stderr), stopped="protocol")


_WHY: dict[Stop, str] = {
    "time": "the code did not finish loading in time",
    "memory": "loading the code took too much memory",
    "output": "the code printed too much while it was loaded",
    "exit": "the process ended while the code was loaded",
    "protocol": "the code wrote to the grader's pipe while it was loaded",
}


_LOSSES = {
    "all": "nothing of it was run",
    "below": "nothing below that line was run",
    "cell": "nothing of that cell was run",
    "below in cell": "nothing below that line of the cell was run",
}
_MOST_LINES = SOURCE_BYTES


def _loaded(fields: dict[str, Any]) -> _Loaded | None:
    """Return what a child says that it loaded; None if it does not have the form of that."""
    functions, empty, told = fields.get("functions"), fields.get("empty"), fields.get("raised")
    if not _is_functions(functions) or type(empty) is not bool or type(told) is not list:
        return None
    told = told[:MOST_RAISED]
    raised = [each for each in map(_raised, told) if each is not None]
    if len(raised) < len(told):
        return None
    if empty and not functions and raised:
        first = raised[0]
        return _Loaded({}, f"{first.error} ({first.place})" if first.place else first.error)
    names = {_clean(name): tuple(map(_clean, each)) for name, each in functions.items()}
    return _Loaded(names, raised=tuple(raised))


def _raised(told: Any) -> Raised | None:
    """Return an error of which a child told, in our own words but for its text; None if it is not one."""
    kinds = {"error": str, "cell": int, "line": int, "text": str, "lost": list, "loss": str}
    if type(told) is not dict or any(type(told.get(key)) is not kind for key, kind in kinds.items()):
        return None
    if told["loss"] not in _LOSSES:
        return None
    cell, line = (min(told[key], _MOST_LINES) for key in ("cell", "line"))
    text = _clean(told["text"][:LINE_CHARACTERS])
    place = ", ".join([f"cell {cell}"] * (cell > 0) + [f"line {line}"] * (line > 0)) + (f": {text}" if text else "")
    names = tuple(name for name in KNOWN if name in told["lost"])
    return Raised(_message(told["error"]), place, _LOSSES[told["loss"]], names)


def _outcome(reply: Reply, names: set[str]) -> Outcome | None:
    """Return what a reply says of a call with arguments of these names; None if it does not have the form of one."""
    stdout, stderr = _text(reply.stdout), _text(reply.stderr)
    if reply.stopped is not None:
        return Outcome(stdout=stdout, stderr=stderr, seconds=reply.seconds, stopped=reply.stopped)
    error, changed = reply.fields.get("error"), reply.fields.get("changed")
    too_large, memory = reply.fields.get("too_large"), reply.fields.get("memory")
    if type(error) is not str or type(too_large) is not str or not _is_texts(changed) or "value" not in reply.values:
        return None
    stopped: Stop | None = "memory" if memory is True else "output" if too_large else None
    return Outcome(
        value=reply.values["value"],
        error=_message(error or too_large),
        stdout=stdout,
        stderr=stderr,
        changed=tuple(sorted(names.intersection(changed))),
        seconds=reply.seconds,
        stopped=stopped,
    )


def _is_texts(value: Any) -> TypeGuard[list[str]]:
    return type(value) is list and all(type(each) is str for each in value)


def _is_functions(value: Any) -> TypeGuard[dict[str, list[str]]]:
    return type(value) is dict and all(_is_texts(names) for names in value.values())


def _text(captured: Captured) -> str:
    return _clean(captured.kept.decode("utf-8", "replace"))


def _message(text: str) -> str:
    return _clean(text[:MESSAGE_CHARACTERS])


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode().translate(_UNPRINTABLE)
