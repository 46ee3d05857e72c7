"""Many submissions at once, each in a grader's process that it can take down with it, and nothing else."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Generic, TypeVar

from symbreak.errors import InvalidInput
from symbreak.grade.sandbox.inner import kernel

T = TypeVar("T")
_ENDING_SECONDS = 10.0


@dataclass(frozen=True)
class Graded(Generic[T]):
    """What became of one submission.

    Attributes:
        path: its file.
        result: what `grade_one` returned; None if it did not.
        error: why it did not, or "".
    """

    path: Path
    result: T | None = None
    error: str = ""


def grade_many(
    paths: Iterable[str | os.PathLike[str]],
    grade_one: Callable[[Path], T],
    *,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> list[Graded[T]]:
    """Grade files side by side; the results are in the order of the paths.

    Args:
        paths: the submissions.
        grade_one: from a file to its result; it goes to other processes, so it must be a module's function, or a
            `functools.partial` of one.
        workers: how many at once.
        progress: called with how many are done, of how many.

    A `grade_one` that raises and one whose process dies lose only their own result. On KeyboardInterrupt all that was
    started is ended first.

    Raises:
        InvalidInput: if there is no worker.
    """
    if workers < 1:
        raise InvalidInput("somebody must do the work", got=workers, allowed="workers >= 1", hint="workers=2")
    return _Pool([Path(path) for path in paths], grade_one, workers, progress or (lambda done, of: None)).run()


class _Pool(Generic[T]):
    def __init__(
        self, paths: list[Path], grade_one: Callable[[Path], T], workers: int, progress: Callable[[int, int], None]
    ) -> None:
        self.paths = paths
        self.grade_one = grade_one
        self.progress = progress
        self.waiting = deque(range(len(paths)))
        self.done: dict[int, Graded[T]] = {}
        self.workers = min(workers, len(paths))
        self.busy: dict[Connection, tuple[BaseProcess, int]] = {}

    def run(self) -> list[Graded[T]]:
        try:
            for _ in range(self.workers):
                self._hire()
            while self.busy:
                for connection in wait(list(self.busy)):
                    assert isinstance(connection, Connection)
                    self._receive(connection)
        finally:
            _end([process for process, _ in self.busy.values()])
        return [self.done[index] for index in range(len(self.paths))]

    def _hire(self) -> None:
        """Start a worker: a fresh interpreter, for a fork would carry this process's threads and locks half over."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, self.grade_one), daemon=False)
        process.start()
        theirs.close()
        self._give(ours, process)

    def _give(self, connection: Connection, process: BaseProcess) -> None:
        """Give a worker the next submission, or leave."""
        if not self.waiting:
            self.busy.pop(connection, None)
            connection.close()
            process.join()
            return
        index = self.waiting.popleft()
        self.busy[connection] = (process, index)
        with contextlib.suppress(OSError):  # if it died, the same connection says so when it is read
            connection.send(self.paths[index])

    def _receive(self, connection: Connection) -> None:
        process, index = self.busy[connection]
        try:
            result, error = connection.recv()
            self.done[index] = Graded(self.paths[index], result, error)
            self._give(connection, process)
        except (EOFError, OSError):
            process.join()
            code = process.exitcode
            self.done[index] = Graded(self.paths[index], error=f"the grader's own process ended with code {code}")
            del self.busy[connection]
            connection.close()
            if self.waiting:
                self._hire()
        self.progress(len(self.done), len(self.paths))


def _end(processes: list[BaseProcess]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(_ENDING_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()


def _work(connection: Connection, grade_one: Callable[[Path], Any]) -> None:
    """Grade what comes until nothing comes. The terminal's interrupt is the parent's to handle, its end is ours too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        kernel.die_with_parent(signal.SIGKILL)
    try:
        while True:
            connection.send(_grade(connection.recv(), grade_one))
    except (EOFError, OSError):
        return


def _grade(path: Path, grade_one: Callable[[Path], Any]) -> tuple[Any, str]:
    try:
        return grade_one(path), ""
    except Exception as error:
        return None, f"{type(error).__name__}: {error}"
