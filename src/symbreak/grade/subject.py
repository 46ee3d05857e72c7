"""The code that is graded, behind one door: something that can be called and says how the call went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Stop = Literal["time", "memory", "output", "exit", "protocol"]


@dataclass(frozen=True)
class Foreign:
    """A value of a type that checks have no use for: only its type's name is known."""

    type: str


@dataclass(frozen=True, eq=False)
class Outcome:
    """How one call went.

    Attributes:
        value: what it returned: NumPy arrays, numbers, strings, None, and dicts, lists, tuples of them; anything else
            became a `Foreign`.
        error: "TypeError: ..." if it raised, else "".
        stdout, stderr: what it printed, cut at a limit.
        changed: positions or names of the arguments that are not, after the call, as they were before it.
        seconds: how long it took.
        stopped: what ended it, if it did not end by itself.
    """

    value: Any = None
    error: str = ""
    stdout: str = ""
    stderr: str = ""
    changed: tuple[str, ...] = ()
    seconds: float = 0.0
    stopped: Stop | None = None

    @property
    def failed(self) -> bool:
        """Whether there is no value to look at."""
        return bool(self.error) or self.stopped is not None


@dataclass(frozen=True, eq=False)
class Call:
    """One call of one function.

    Attributes:
        function: its name.
        args, kwargs: arguments: NumPy arrays, numbers, strings, None, and dicts, lists, tuples of them.
        numpy_seed: what NumPy's global generator and `random` are seeded with just before; None leaves them alone.
    """

    function: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    numpy_seed: int | None = None


@dataclass(frozen=True)
class Raised:
    """An error at the top level of the code, outside of all functions.

    Attributes:
        error: "NameError: name 'plt' is not defined".
        place: where, "line 7" or "cell 3, line 2", and what stands there; "" if that is not known.
        loss: what was not run for it: "nothing below that line was run".
        names: functions of the week that are not there for it.
    """

    error: str
    place: str = ""
    loss: str = ""
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the error, its place and what it costs, in one line."""
        where = f"{self.error} ({self.place})" if self.place else self.error
        names = f": there is no {', no '.join(self.names)}" if self.names else ""
        return f"{where}; {self.loss}{names}"


@dataclass(frozen=True)
class Unloaded:
    """A `Subject` of which nothing could be loaded."""

    problem: str
    functions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    raised: tuple[Raised, ...] = ()

    def call(self, call: Call) -> Outcome:
        """Say why there is nothing to call."""
        return Outcome(error=self.problem)


class Subject(Protocol):
    """A learner's code. Checks know nothing else of it, so the same checks run in one process or across two."""

    @property
    def functions(self) -> Mapping[str, tuple[str, ...]]:
        """The names of the functions that it has, with the names of their parameters."""
        ...

    @property
    def problem(self) -> str:
        """Why nothing of the code could be loaded, or ""."""
        ...

    @property
    def raised(self) -> tuple[Raised, ...]:
        """What the code raised on the way, where some of it was loaded nevertheless."""
        ...

    def call(self, call: Call) -> Outcome:
        """Call a function; never raises for what the learner's code does."""
        ...
