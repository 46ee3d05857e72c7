"""Work on several threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share(work: Callable[[Iterator[Any]], None], pieces: Iterable[Any], threads: int) -> None:
    """Let threads take pieces until none is left; the kernels run without the interpreter's lock."""
    queue, failures = iter(list(pieces)), list[BaseException]()

    def run() -> None:
        try:
            work(queue)
        except BaseException as failure:  # handed to the caller's thread
            failures.append(failure)

    helpers = [threading.Thread(target=run) for _ in range(threads - 1)]
    for helper in helpers:
        helper.start()
    run()
    for helper in helpers:
        helper.join()
    if failures:
        raise failures[0]
