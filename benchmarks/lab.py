"""How fast the lab trains and draws, and whether its memory stays flat.

    python benchmarks/lab.py [--minutes 1] [--units 16] [--networks 4] [--browser]

A page without a browser plays as fast as it goes and asks for the next frame as soon as it has one. Printed: steps a
second of every network, frames a second, the bytes by which the process grows with every step (least squares over
samples of each second, without the first fifth), and what its frames weigh.

With `--browser` the real page does it in Chromium, headless and without a graphics card, on the same machine. Printed:
steps a second of every network, frames a second that the page drew, animation frames a second that the browser gave it,
what of a second is spent drawing, and whether the counter on the page, the last frame and the link name the same step.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from symbreak.lab.session import Session

INITS = ("zeros", "constant(0.5)", "normal(0.01)", "he")
PAGE_SIZE = 4096


@dataclass(frozen=True)
class Measured:
    seconds: float
    steps: int
    frames: int
    frame_bytes: float
    bytes_per_step: float
    resident: int


def resident() -> int:
    """Bytes of memory of this process that are in use (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_SIZE


class Page:
    def __init__(self) -> None:
        self.frames = self.bytes = self.t = 0
        self.session = Session(self.take)

    async def take(self, text: str) -> None:
        message = json.loads(text)
        if message["is"] == "error":
            raise SystemExit(text)
        if message["is"] == "frame":
            self.frames, self.bytes, self.t = self.frames + 1, self.bytes + len(text), message["t"]
            await self.session.receive(json.dumps({"do": "seen", "frame": message["frame"]}))


async def measured(seconds: float, units: int = 16, networks: int = 4) -> Measured:
    page = Page()
    running = asyncio.create_task(page.session.run())
    await page.session.receive(json.dumps({"do": "set", "state": asked(units, networks)}))
    await page.session.receive(json.dumps({"do": "play", "speed": "max"}))
    while page.frames < 5:
        # Kernels are compiled, or read from the disk, before the clock starts.
        await asyncio.sleep(0.05)
    begun, samples = time.perf_counter(), []
    first = page.t, page.frames, page.bytes
    while time.perf_counter() - begun < seconds:
        await asyncio.sleep(min(1.0, seconds / 20))
        samples.append((page.t, resident()))
    spent = time.perf_counter() - begun
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    page.session.close()
    settled = np.array(samples[len(samples) // 5 :], float)
    slope = float(np.polyfit(settled[:, 0], settled[:, 1], 1)[0])
    frames = page.frames - first[1]
    return Measured(spent, page.t - first[0], frames, (page.bytes - first[2]) / max(1, frames), slope, resident())


# Counts what is drawn: the page says "seen" whenever it draws a frame.
COUNT = """(() => {
    const own = window.requestAnimationFrame.bind(window), send = WebSocket.prototype.send;
    const counted = window.counted = {animation: 0, drawn: 0, drawing: 0};
    const tick = () => { counted.animation++; own(tick); };
    own(tick);
    window.requestAnimationFrame = (draw) => own((now) => {
        const begun = performance.now();
        draw(now);
        counted.drawing += performance.now() - begun;
    });
    WebSocket.prototype.send = function (text) {
        if (text.startsWith('{"do":"seen"')) counted.drawn++;
        return send.call(this, text);
    };
})()"""
LOOK = "[performance.now(), Number(document.getElementById('t').textContent), {...counted}]"


@dataclass(frozen=True)
class Seen:
    seconds: float
    steps: int
    drawn: int
    animation: int
    drawing: float
    counters: tuple[int, int, int]


def seen(seconds: float, units: int = 16, networks: int = 4) -> Seen:
    """Measure the page in Chromium."""
    from playwright.sync_api import sync_playwright

    command = [sys.executable, "-m", "symbreak", "lab", "--no-browser", "--port", "0"]
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server, sync_playwright() as playwright:
        assert server.stdout is not None
        address = server.stdout.readline().split()[-1]
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        told: list[dict[str, Any]] = []
        page.on("websocket", lambda socket: socket.on("framereceived", lambda text: _keep(told, json.loads(text))))
        page.goto(address)
        page.add_init_script(COUNT)
        page.goto(address.split("?")[0] + _link(asked(units, networks)))
        page.reload()
        page.locator(".card").first.wait_for()
        page.click("#play")
        while int(page.locator("#t").text_content() or 0) < 2000:
            page.wait_for_timeout(50)
        begun, first, before = page.evaluate(LOOK)
        page.wait_for_timeout(1000 * seconds)
        ended, last, after = page.evaluate(LOOK)
        page.click("#play")
        still = 0
        while still < 10:  # ten looks on which nothing comes any more
            page.wait_for_timeout(100)
            still = 0 if told[-1]["playing"] else still + 1
        counters = int(page.locator("#t").text_content() or 0), told[-1]["t"], _of_link(page.url)["t"]
        browser.close()
        server.terminate()
    spent = {key: after[key] - before[key] for key in before}
    return Seen(
        (ended - begun) / 1000, last - first, spent["drawn"], spent["animation"], spent["drawing"] / 1000, counters
    )


def _keep(told: list[dict[str, Any]], message: dict[str, Any]) -> None:
    if message["is"] == "frame":
        told[:] = [message]


def _link(state: dict[str, Any]) -> str:
    return "#" + base64.urlsafe_b64encode(json.dumps(state).encode()).decode().rstrip("=")


def _of_link(address: str) -> dict[str, Any]:
    text = address.split("#")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found


def asked(units: int, networks: int) -> dict[str, Any]:
    """Return the state that is measured: as fast as it goes."""
    entrants = [{"init": INITS[i % len(INITS)]} for i in range(networks)]
    return {"v": 1, "speed": "max", "layers": [units], "networks": entrants}


def in_browser(seconds: float, units: int, networks: int) -> None:
    found = seen(seconds, units, networks)
    print(f"{networks} networks of {units} units in Chromium, {found.seconds:.0f} seconds, {found.steps} steps")
    print(f"steps a second, each network: {found.steps / found.seconds:.0f}")
    print(f"frames drawn a second:        {found.drawn / found.seconds:.1f}  (animation frames: ", end="")
    print(f"{found.animation / found.seconds:.1f}; {found.drawing / found.seconds:.0%} of the time is drawing)")
    same = "the same step" if len(set(found.counters)) == 1 else "DIFFERENT STEPS"
    print(f"counter, last frame, link:    {', '.join(map(str, found.counters))}: {same}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--units", type=int, default=16)
    parser.add_argument("--networks", type=int, default=4, choices=range(1, 5))
    parser.add_argument("--browser", action="store_true", help="measure the page in Chromium")
    given = parser.parse_args()
    if given.browser:
        in_browser(60 * given.minutes, given.units, given.networks)
        return
    found = asyncio.run(measured(60 * given.minutes, given.units, given.networks))
    print(f"{given.networks} networks of {given.units} units, {found.seconds:.0f} seconds, {found.steps} steps")
    print(f"steps a second, each network: {found.steps / found.seconds:.0f}")
    print(
        f"frames a second:              {found.frames / found.seconds:.1f}  ({found.frame_bytes / 1024:.0f} KiB each)"
    )
    print(f"memory:                       {found.bytes_per_step:+.2f} bytes a step, {found.resident / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
