"""How many threads a BLAS library takes: where several of ours call it at once, its own would only be in their way."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Iterator

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]


class _Holders:
    """Who wants one thread now. The setting is the whole program's: the first makes it, the last takes it back."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = 0
        self.setting = contextlib.ExitStack()
        self.libraries = ThreadpoolController()

    def come(self) -> None:
        with self.lock:
            if not self.count:
                self.setting.enter_context(self.libraries.limit(limits=1, user_api="blas"))
            self.count += 1

    def go(self) -> None:
        with self.lock:
            self.count -= 1
            if not self.count:
                self.setting.close()


@functools.cache
def _holders() -> _Holders:
    return _Holders()


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Keep BLAS to one thread inside, whichever threads of ours are inside at once."""
    holders = _holders()
    holders.come()
    try:
        yield
    finally:
        holders.go()
