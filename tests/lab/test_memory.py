"""Memory stays flat however long a race runs."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import sys
import tracemalloc
from pathlib import Path

import pytest

from symbreak.lab import curves, frames, race
from symbreak.lab.race import KEPT_NUMBERS
from symbreak.network.engine import many

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "lab.py"
WARM, STEPS, PIECE = 2000, 8000, 200
# A frame of this race takes some 15 KiB and a moment 3 KiB, and a run makes many: either leak is above this.
# A busy machine trains in more and smaller pieces, and what these are called with adds up to some 80 KB once.
GROWTH = 2**17
# What Numba learns of the arguments it is called with is booked here; it fills up.
NUMBA = tracemalloc.Filter(False, many.__file__)


def benchmark():
    spec = importlib.util.spec_from_file_location("lab_benchmark", BENCHMARK)
    module = sys.modules["lab_benchmark"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def growth(with_page, monkeypatch) -> int:
    """Return by how many bytes a session grows over so many steps, once it keeps as much as it may."""
    monkeypatch.setattr(race, "MOST_CHECKPOINTS", 4)
    monkeypatch.setattr(race, "LEAST_CHECKPOINTS", 2)
    monkeypatch.setattr(curves, "MOST_POINTS", 8)

    async def story(page):
        async def to(t: int) -> None:
            while page.session._player.race.t < t:
                await page.say("step", n=PIECE)
                await page.until(lambda m: m["is"] == "frame" and m["seeking"] is None and m["t"] % PIECE == 0)
                del page.told[:]
                await asyncio.sleep(0)

        await page.answer("set", "state", state={"layers": [2], "networks": [{"init": "zeros"}, {"init": "he"}]})
        await to(WARM)
        gc.collect()
        tracemalloc.start()
        await to(WARM + STEPS)
        gc.collect()
        found = sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces([NUMBA]).traces)
        tracemalloc.stop()
        return found

    return with_page(story)


def test_a_session_does_not_grow(with_page, monkeypatch):
    assert growth(with_page, monkeypatch) < GROWTH


@pytest.mark.parametrize("leak", ["moments", "frames"])
def test_a_leak_is_noticed(leak, with_page, monkeypatch):
    kept = []
    if leak == "moments":
        monkeypatch.setattr(race.Race, "_stand", keeping(race.Race._stand, kept))
    else:
        monkeypatch.setattr(frames, "drawn", keeping(frames.drawn, kept))
    assert growth(with_page, monkeypatch) >= GROWTH
    assert kept


def keeping(function, kept):
    def kept_too(*arguments):
        found = function(*arguments)
        kept.append((arguments[1:], found))
        return found

    return kept_too


@pytest.mark.slow
def test_minutes_of_training_do_not_grow():
    """By the slope, however fast the machine is, the run costs no more than the checkpoints of a race may fill."""
    found = asyncio.run(benchmark().measured(240.0))
    assert found.frames > 1000
    assert found.bytes_per_step * found.steps < 8 * KEPT_NUMBERS


def test_the_benchmark_measures():
    found = asyncio.run(benchmark().measured(1.0, units=2, networks=1))
    assert found.steps > 0
    assert found.frames > 0
