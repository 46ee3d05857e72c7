"""Work beside a race, in a thread of its own, that ends when something newer is asked for."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from symbreak.errors import InvalidInput
from symbreak.lab import protocol

LOG = logging.getLogger(__name__)

Tell = Callable[[dict[str, Any]], None]
Work = Callable[[Tell, threading.Event], None]


class Background:
    """Runs one thing at a time; what was running is told to end first.

    `send` is the coroutine, of the event loop, that takes messages.
    """

    def __init__(self, name: str, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        self._send = send
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"symbreak-lab-{name}")
        self._halt = threading.Event()

    def start(self, work: Work) -> None:
        """Do this now, in place of what is being done."""
        self.stop()
        self._halt = threading.Event()
        self._worker.submit(self._do, work, self._halt, asyncio.get_running_loop())

    def stop(self) -> None:
        """Tell what is being done to end."""
        self._halt.set()

    def close(self) -> None:
        """End, and let go of the thread."""
        self.stop()
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _do(self, work: Work, halt: threading.Event, loop: asyncio.AbstractEventLoop) -> None:
        def tell(message: dict[str, Any]) -> None:
            if not halt.is_set() and not loop.is_closed():
                asyncio.run_coroutine_threadsafe(self._told(message, halt), loop)

        try:
            work(tell, halt)
        except InvalidInput as refusal:
            tell(protocol.error(refusal))
        except Exception:  # a defect of ours: the race beside it goes on
            LOG.exception("the lab's background work failed")

    async def _told(self, message: dict[str, Any], halt: threading.Event) -> None:
        # What was overtaken on its way is not told any more.
        if not halt.is_set():
            await self._send(message)
