"""The real server in a process of its own, and pages on it that remember what they were told."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, WebSocket

PATIENCE = 30.0


def until(page: Page, true: Callable[[], Any], what: str) -> Any:
    """Wait until something is true; the page's policy forbids Playwright's own way."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = true()
        if found:
            return found
        page.wait_for_timeout(50)
    return pytest.fail(f"waited in vain: {what}")


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """The URL that lets a browser in."""
    command = [sys.executable, "-m", "symbreak", "lab", "--no-browser", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    yield re.search(r"http://\S+", line).group()
    process.terminate()
    process.wait(20)
    process.stdout.close()


def of_link(address: str) -> dict[str, Any]:
    """Return the state that a link holds."""
    text = urlsplit(address).fragment
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


@dataclass
class Table:
    """A page of the lab, and all that went over its wire."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    wished: list[dict[str, Any]] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))
        self.page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda text: self.told.append(json.loads(text)))
        socket.on("framesent", lambda text: self.wished.append(json.loads(text)))

    def last(self, kind: str) -> dict[str, Any]:
        return next((one for one in reversed(self.told) if one["is"] == kind), {})

    @property
    def t(self) -> int:
        """The step that the page shows."""
        return int(self.page.locator("#t").text_content())

    def until(self, true: Callable[[], Any], what: str) -> Any:
        return until(self.page, true, what)

    def until_drawn(self, t: int | None = None) -> dict[str, Any]:
        """Wait until the newest frame stands still and is shown; return it."""
        still = {"playing": False, "seeking": None}

        def shown() -> dict[str, Any] | None:
            frame = self.last("frame")
            right = frame.items() >= still.items() and self.t == frame["t"] and t in (None, frame["t"])
            return frame if right and self.wished[-1] == {"do": "seen", "frame": frame["frame"]} else None

        return self.until(shown, f"a frame at step {t}")

    def play_to(self, t: int) -> dict[str, Any]:
        """Press Play, wait until step t at least, press Pause."""
        self.page.click("#play")
        self.until(lambda: self.t >= t, f"step {t}")
        self.page.click("#play")
        return self.until_drawn()

    def go(self, t: int) -> dict[str, Any]:
        """Pull the slider to a step."""
        pull = "(slider, t) => { slider.value = t; slider.dispatchEvent(new Event('input')); }"
        self.page.locator("#scrub").evaluate(pull, str(t))
        return self.until_drawn(t)

    def link(self, t: int) -> str:
        """Return the address once it holds this step: it is changed some times a second only."""
        self.until(lambda: of_link(self.page.url).get("t", 0) == t, f"a link of step {t}")
        return self.page.url

    def does(self, key: str) -> list[dict[str, Any]]:
        return [one for one in self.wished if one["do"] == key]

    def is_wide(self) -> bool:
        return self.page.evaluate("document.documentElement.scrollWidth > innerWidth")


@pytest.fixture
def context(browser: Browser, address: str) -> Iterator[BrowserContext]:
    screen = {"width": 1280, "height": 720}
    context = browser.new_context(viewport=screen, color_scheme="light", reduced_motion="reduce")
    yield context
    context.close()


@pytest.fixture
def new_table(context: BrowserContext) -> Callable[[], Table]:
    """Return what makes an empty page that is listened to."""

    def made() -> Table:
        table = Table(context.new_page())
        table.watch()
        return table

    return made


@pytest.fixture
def open_lab(context: BrowserContext, address: str, new_table: Callable[[], Table]) -> Callable[..., Table]:
    """Open a page of the lab; with a fragment, as from a link."""

    def open_it(fragment: str = "", before: Callable[[Page], Any] = lambda page: None) -> Table:
        table = new_table()
        before(table.page)
        if fragment:
            # A link has no token: this browser was let in before.
            context.request.get(address)
        table.page.goto(address.split("?")[0] + fragment if fragment else address)
        table.until_drawn()
        return table

    return open_it


@pytest.fixture
def lab(open_lab: Callable[..., Table]) -> Table:
    return open_lab()
