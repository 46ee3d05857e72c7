"""Draw the lab's pictures in docs/images anew, in Chromium: python tools/lab_pictures.py"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
SCREEN = {"width": 1280, "height": 720}
PAIR = {"v": 1, "t": 500, "networks": [{"init": "zeros"}, {"init": "normal(0.01)"}]}
MERGED = {"v": 1, "t": 300, "data": "moons", "rate": 0.3, "networks": [{"init": "constant(0.5)", "merged": 0}]}
EDGES = {"v": 1, "networks": [{"init": "normal(100)"}]}


def race(page: Page, address: str) -> None:
    visit(page, address, PAIR)
    page.screenshot(path=IMAGES / "lab.png")


def xray(page: Page, address: str) -> None:
    visit(page, address, EDGES)
    page.locator("#xray > summary").click()
    page.get_by_text("Dead edges").wait_for()
    page.locator("#xray").screenshot(path=IMAGES / "lab-xray.png")


def merge(page: Page, address: str) -> None:
    visit(page, address, MERGED)
    page.locator("#race").screenshot(path=IMAGES / "lab-merge.png")


def tour(page: Page, address: str) -> None:
    visit(page, address, {"v": 1})
    page.click("#tour-start")
    for _ in range(5):
        page.locator("#tour .next").click()
    page.get_by_text("measured step").wait_for()
    while int(page.locator("#t").text_content() or 0) < 700:
        page.wait_for_timeout(20)
    page.click("#play")
    page.wait_for_timeout(500)
    page.screenshot(path=IMAGES / "lab-tour.png")


PICTURES: tuple[Callable[[Page, str], None], ...] = (race, xray, merge, tour)


def visit(page: Page, address: str, state: dict[str, Any]) -> None:
    """Open a link; this browser was let in before."""
    page.goto(address)
    link = base64.urlsafe_b64encode(json.dumps(state).encode()).decode().rstrip("=")
    page.goto(f"{address.split('?')[0]}#{link}")
    page.reload()
    page.locator(".card").first.wait_for()
    still = 0
    while still < 10:  # ten looks at the step that was asked for, none of them on the way there
        page.wait_for_timeout(100)
        there = page.locator("#t").text_content() == str(state.get("t", 0))
        still = still + 1 if there and not page.locator("#pace").text_content() else 0


def main() -> None:
    command = [sys.executable, "-m", "symbreak", "lab", "--no-browser", "--port", "0"]
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server, sync_playwright() as playwright:
        assert server.stdout is not None
        found = re.search(r"http://\S+", server.stdout.readline())
        assert found
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for draw in PICTURES:
            draw(browser.new_page(viewport=SCREEN, color_scheme="light"), found[0])
        browser.close()
        server.terminate()


if __name__ == "__main__":
    main()
