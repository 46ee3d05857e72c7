"""How fast the lab trains and draws, and whether its memory stays flat.

    python benchmarks/lab.py [--minutes 1] [--units 16] [--networks 4]

A page without a browser plays as fast as it goes and asks for the next frame as soon as it has one. Printed: steps a
second of every network, frames a second, the bytes by which the process grows with every step (least squares over
samples of each second, without the first fifth), and what its frames weigh.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from dataclasses import dataclass
from pathlib import Path

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
    state = {"layers": [units], "networks": [{"init": INITS[i % len(INITS)]} for i in range(networks)]}
    await page.session.receive(json.dumps({"do": "set", "state": state}))
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--units", type=int, default=16)
    parser.add_argument("--networks", type=int, default=4, choices=range(1, 5))
    asked = parser.parse_args()
    found = asyncio.run(measured(60 * asked.minutes, asked.units, asked.networks))
    print(f"{asked.networks} networks of {asked.units} units, {found.seconds:.0f} seconds, {found.steps} steps")
    print(f"steps a second, each network: {found.steps / found.seconds:.0f}")
    print(
        f"frames a second:              {found.frames / found.seconds:.1f}  ({found.frame_bytes / 1024:.0f} KiB each)"
    )
    print(f"memory:                       {found.bytes_per_step:+.2f} bytes a step, {found.resident / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
