"""What tests of several rooms need."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run"]
DESK = {"width": 1280, "height": 720}

# Folders whose modules import each other, as check.cases or starting.models. They alone: beside them lie folders that
# are named as packages of other people are, so that the folder of the tests must not be on the path.
SHARED = {"check": "check", "experiments": "experiments", "report": "report"}
SHARED |= {"starting": "torch/starting", "calibrating": "torch/calibrating"}
for name, folder in SHARED.items():
    package = types.ModuleType(name)
    package.__path__ = [str(Path(__file__).parent / folder)]
    sys.modules.setdefault(name, package)

# Keras asks once, when it is imported, and would take TensorFlow.
os.environ.setdefault("KERAS_BACKEND", "jax")

# A shell starts what runs in the background deaf to interrupts, and what the tests interrupt would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def installed() -> str | None:
    """Return the path of a Chromium of the system."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of Chromium. On Debian as root it is installed where it is missing, so that `pytest` alone is enough."""
    with (Path(tempfile.gettempdir()) / "symbreak-chromium.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one test process installs, the others wait
        if installed() is None and shutil.which("apt-get") and os.geteuid() == 0:
            quiet = {"check": True, "capture_output": True, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
            subprocess.run(["apt-get", "update"], **quiet)
            subprocess.run(["apt-get", "install", "--yes", "chromium"], **quiet)
    path = installed()
    if path is None:
        pytest.fail(f"the page is tested in Chromium: install it, so that one of {', '.join(NAMES)} is on the path")
    return path


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        yield browser
        browser.close()


@dataclass
class Visit:
    """An open page, and what it did besides showing itself."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))

    def wait_until_it_fits(self) -> None:
        """Figures follow a new width a moment later."""
        for _ in range(50):
            if self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
                return
            self.page.wait_for_timeout(100)
        pytest.fail("the page is wider than its window")


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Callable[[str], Visit]]:
    """Open a page from its text, as a file and in a window of its own."""
    context = browser.new_context(viewport=DESK, color_scheme="light")

    def open_it(text: str) -> Visit:
        path = tmp_path / "report.html"
        path.write_text(text, encoding="utf-8")
        visit = Visit(context.new_page(), path.as_uri())
        visit.watch()
        visit.page.goto(visit.address)
        return visit

    yield open_it
    context.close()
