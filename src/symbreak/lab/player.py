"""Training a race in pieces, and showing it: as fast as was asked, in frames that the page can take."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from symbreak.errors import InvalidInput
from symbreak.lab import frames, xray
from symbreak.lab.pace import Pace
from symbreak.lab.race import Race

# Seconds between two frames at least: 40 a second, so that a piece and a tick too late still leave 30.
FRAME = 1 / 40
# A race that seeks is shown on its way if it takes longer than this, in seconds.
PATIENCE = 0.3
# A piece that takes longer than this many seconds is told of.
LONG = 1.0
AT_WORK = "The engine is being compiled for this activation and loss: once on a machine, which takes some seconds."


class Player:
    """Trains in a thread of its own; everything else happens in the event loop.

    Attributes:
        awake: set by whoever has something new to do; a nap ends then.
        goal: the step that is sought; None: none is.
        xrayed: (network, layer) of the gradient that every frame takes apart.
    """

    def __init__(self, tell: Callable[[dict[str, Any]], Awaitable[None]], awake: asyncio.Event) -> None:
        self._tell, self.awake = tell, awake
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="symbreak-lab-race")
        self._race: Race | None = None
        self.pace = Pace()
        self.goal: int | None = None
        self.xrayed: tuple[int, int] | None = None
        self._frame = self._seen = 0
        self._stale = False
        self._sought = self._shown = 0.0
        self._told_to = -1

    @property
    def race(self) -> Race:
        """The race that is played.

        Raises:
            InvalidInput: there is none yet.
        """
        if self._race is None:
            raise InvalidInput("there is no race yet", got="none", allowed="a race", hint='{"do": "set", "state": {}}')
        return self._race

    @property
    def has_race(self) -> bool:
        """Whether there is a race."""
        return self._race is not None

    def take(self, race: Race, *, playing: bool) -> None:
        """Play another race, as fast as its state says."""
        self._race, self.xrayed = race, None
        self.pace.speed, self.pace.playing = race.track.state.speed, playing

    def close(self) -> None:
        """Let go of the networks; a piece that is being trained ends within milliseconds."""
        if self._race is not None:
            self._race.halt.set()
        self._worker.shutdown(wait=False, cancel_futures=True)
        self._race = None

    async def work(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Do something in the thread of the race, while nothing is trained."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, function, *arguments)

    def play(self, speed: int | None) -> None:
        """Go on at this speed, None for as fast as it goes."""
        self.pace.play(self.race.t, speed)
        self._stale = True

    def pause(self) -> None:
        """Stop where the race stands."""
        self.pace.playing, self.goal = False, None
        self._stale = True

    def go_to(self, t: int) -> None:
        """Seek a step; what lies between is trained again."""
        race = self.race
        race.seek(t)
        self.goal, self._sought = (t if race.t != t else None), time.perf_counter()
        self.pace.restart(race.t)
        self._stale = True

    def show(self) -> None:
        """Show the next frame though nothing is trained."""
        self._stale = True

    def seen(self, frame: int) -> None:
        """Note that the page has drawn this frame."""
        self._seen = max(self._seen, min(frame, self._frame))

    def halt(self) -> None:
        """Stand still after an error."""
        self.goal, self.pace.playing, self._stale, self.xrayed = None, False, False, None

    async def tick(self) -> bool:
        """Train a piece if it is time, show a frame if the page can take one; False if there is nothing to do."""
        race = self._race
        if race is None:
            return False
        busy = await self._train(race)
        return await self._show(race) or busy

    def curves(self) -> dict[str, Any]:
        """Return all points of the cost curves; frames tell what is new since."""
        race = self.race
        self._told_to = max(race.curve)
        return _curves(race, sorted(race.curve))

    async def _train(self, race: Race) -> bool:
        if self.goal is not None:
            steps = self.pace.piece(self.goal - race.t)
        elif self.pace.playing:
            steps = self.pace.due(race.t)
        else:
            return False
        if steps:
            begun = time.perf_counter()
            await self._telling_if_long(self.work(race.advance, steps))
            self.pace.took(steps, time.perf_counter() - begun)
            self._stale = True
        else:
            await self._nap()
        if race.t == self.goal:
            self.goal = None
            self.pace.restart(race.t)
        return True

    async def _telling_if_long(self, work: Coroutine[Any, Any, None]) -> None:
        working = asyncio.ensure_future(work)
        done, _ = await asyncio.wait({working}, timeout=LONG)
        if not done:
            await self._tell({"is": "busy", "says": AT_WORK})
            await asyncio.wait({working})
            await self._tell({"is": "busy", "says": ""})
        await working

    async def _nap(self) -> None:
        """Wait until the next step is due, or the page says something."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.awake.wait(), self.pace.NAP)

    async def _show(self, race: Race) -> bool:
        now = time.perf_counter()
        under_way = self.goal is not None and now - self._sought < PATIENCE
        if not self._stale or self._seen < self._frame or under_way:
            return False
        if now - self._shown < FRAME:
            if not self.pace.playing and self.goal is None:
                await asyncio.sleep(FRAME)
            return True
        self._shown, self._stale = now, False
        drawn = await self.work(self._drawn, race)
        self._frame += 1
        status = {"t": race.t, "playing": self.pace.playing, "seeking": self.goal, "rate": self.pace.measured}
        await self._tell({"is": "frame", "frame": self._frame, **status, **drawn, "curves": self._new_points(race)})
        return True

    def _drawn(self, race: Race) -> dict[str, Any]:
        shown = {"networks": frames.drawn(race)}
        return shown if self.xrayed is None else {**shown, "xray": xray.xray(race, *self.xrayed)}

    def _new_points(self, race: Race) -> dict[str, Any]:
        new = sorted(t for t in race.curve if t > self._told_to)
        self._told_to = max(self._told_to, *new) if new else self._told_to
        return _curves(race, new)


def _curves(race: Race, steps: list[int]) -> dict[str, Any]:
    """Return points of the cost curves; `merged` holds none for a network beside which no merged one runs."""

    def line(rows: Mapping[int, list[float]], index: int) -> list[float | None]:
        return [frames.number(rows[t][index]) for t in steps]

    entrants = race.track.state.networks
    return {
        "t": steps,
        "cost": [line(race.curves.costs, i) for i in range(len(entrants))],
        "merged": [line(race.curves.merged, i) if one.merged is not None else None for i, one in enumerate(entrants)],
    }
