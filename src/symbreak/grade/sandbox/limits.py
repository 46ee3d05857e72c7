"""How much a learner's code may use, and what keeps it there."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from symbreak.errors import InvalidInput

LAYERS = {
    "user": "it runs as a user of its own that owns nothing",
    "processes": "it sees no process but its own, and all of them end together",
    "network": "it has no network",
    "files": "it sees Python's files only, read only, and writes to a small disk of its own",
    "calls": "the kernel refuses it new processes, programs, sockets, signals to others and shared memory",
    "limits": "the kernel bounds its memory, processor time, file sizes and open files",
}


@dataclass(frozen=True)
class Limits:
    """How much one submission may use.

    Attributes:
        seconds_per_call: for each call, on the clock, as all times.
        seconds_to_load: for running the code that defines the functions; libraries are loaded then.
        seconds_in_all: for loading and all calls together.
        memory_bytes: on top of what Python and NumPy (and PyTorch or JAX, if the code imports them) take.
        output_bytes: of stdout, and of stderr, that are kept of one call; the rest is thrown away.
        file_bytes: of all its files together.
        processes: processes and threads, on top of those of PyTorch and JAX.
        value_bytes: of arrays in one value that is sent or returned.

    Raises:
        InvalidInput: if one of them is not above zero.
    """

    seconds_per_call: float = 10.0
    seconds_to_load: float = 30.0
    seconds_in_all: float = 120.0
    memory_bytes: int = 1 << 30
    output_bytes: int = 64 << 10
    file_bytes: int = 16 << 20
    processes: int = 16
    value_bytes: int = 64 << 20

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if not (value > 0 and math.isfinite(value)):
                raise InvalidInput(
                    f"the limit {each.name} must be positive and finite",
                    got=value,
                    allowed="a number > 0",
                    hint=f"{each.name}={each.default}",
                )


@dataclass(frozen=True)
class Protection:
    """Which of the `LAYERS` hold a submission, and why the others do not.

    >>> print(Protection(active=("user", "limits"), missing={"network": "no right to make one"}).text())
    it runs as a user of its own that owns nothing
    the kernel bounds its memory, processor time, file sizes and open files
    NOT: it has no network (no right to make one)
    """

    active: tuple[str, ...]
    missing: dict[str, str]

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing

    def text(self) -> str:
        """Return one line for each layer."""
        lines = [text for layer, text in LAYERS.items() if layer in self.active]
        return "\n".join(lines + [f"NOT: {LAYERS[layer]} ({reason})" for layer, reason in self.missing.items()])
