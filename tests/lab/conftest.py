"""A page without a browser: it sends wishes to a session, and keeps what it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from symbreak.lab.session import Session

# Seconds within which anything must have happened, on a machine that is busy with other things.
PATIENCE = 60.0


class Page:
    """Draws every frame as soon as it comes, unless `slow`."""

    def __init__(self, *, slow: bool = False) -> None:
        self.told: list[dict[str, Any]] = []
        self.slow = slow
        self.session = Session(self._take)
        self.running = asyncio.create_task(self.session.run())

    async def _take(self, text: str) -> None:
        message = json.loads(text)
        self.told.append(message)
        if message["is"] == "frame" and not self.slow:
            await self.seen(message["frame"])

    async def seen(self, frame: int) -> None:
        await self.session.receive(json.dumps({"do": "seen", "frame": frame}))

    async def say(self, do: str, **given: Any) -> None:
        await self.session.receive(json.dumps({"do": do, **given}))

    async def until(self, wanted: Callable[[dict[str, Any]], bool], after: int = 0) -> dict[str, Any]:
        """Return the first message from place `after` on that is wanted, once it has come."""
        for _ in range(int(PATIENCE * 100)):
            found = next((message for message in self.told[after:] if wanted(message)), None)
            if found is not None:
                return found
            assert not self.running.done(), self.running.exception()
            await asyncio.sleep(0.01)
        raise AssertionError(f"it never came: {[m['is'] for m in self.told[-20:]]}")

    async def answer(self, do: str, is_: str, **given: Any) -> dict[str, Any]:
        """Say something and return the first message of this kind that comes after."""
        place = len(self.told)
        await self.say(do, **given)
        return await self.until(lambda message: message["is"] in (is_, "error"), place)

    async def at(self, t: int, after: int = 0) -> dict[str, Any]:
        """Return the first frame of this step."""
        return await self.until(lambda m: m["is"] == "frame" and m["t"] == t and m["seeking"] is None, after)

    async def leave(self) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)
        self.session.close()


@pytest.fixture
def with_page() -> Callable[..., Any]:
    """Return what runs a coroutine function of a page to its end, the page's session with it."""

    def run(story: Callable[[Page], Any], **how: Any) -> Any:
        async def told() -> Any:
            page = Page(**how)
            try:
                return await story(page)
            finally:
                await page.leave()

        return asyncio.run(told())

    return run
