"""What tests of several rooms need."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

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
