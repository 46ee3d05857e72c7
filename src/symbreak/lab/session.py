"""One page that is open: its race, what it wishes, what it is told."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from symbreak.datasets import Dataset
from symbreak.errors import InvalidInput
from symbreak.lab import data, frames, protocol
from symbreak.lab.pace import Pace
from symbreak.lab.protocol import Wish
from symbreak.lab.race import Race
from symbreak.lab.state import OWN, State

LOG = logging.getLogger(__name__)

# Wishes that wait; whoever sends more waits, too.
MOST_WAITING = 64
# Seconds between two frames at least: 36 a second, so that a tick too late still leaves 30.
FRAME = 1 / 36
# A race that seeks is shown on its way if it takes longer than this, in seconds.
PATIENCE = 0.3


class Session:
    """Trains in a thread of its own; everything else happens in the event loop.

    `send` takes what the page is told. `receive` takes what the page says. `run` goes on until it is cancelled; then
    `close`.
    """

    def __init__(self, send: Callable[[str], Awaitable[None]]) -> None:
        self._send = send
        self._sending = asyncio.Lock()
        self._wishes: asyncio.Queue[Wish | InvalidInput] = asyncio.Queue(MOST_WAITING)
        self._awake = asyncio.Event()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="symbreak-lab-race")
        self._own: Dataset | None = None
        self._race: Race | None = None
        self._pace = Pace()
        self._frame = self._seen = 0
        self._stale = False
        self._goal: int | None = None
        self._sought = self._shown = 0.0
        self._told_to = -1

    async def receive(self, message: str) -> None:
        """Take a message; it is obeyed in its turn. Waits while too many wait already."""
        try:
            wish: Wish | InvalidInput = protocol.read(message)
        except InvalidInput as refusal:
            wish = refusal
        if isinstance(wish, Wish) and wish.do == "seen":
            self._seen = max(self._seen, min(wish.given["frame"], self._frame))
        else:
            await self._wishes.put(wish)
        self._awake.set()

    async def run(self) -> None:
        """Obey and train until cancelled."""
        while True:
            self._awake.clear()
            if not self._wishes.empty():
                await self._obey(self._wishes.get_nowait())
            elif not await self._tick():
                await self._awake.wait()

    def close(self) -> None:
        """Let go of the networks; a piece that is being trained ends within milliseconds."""
        if self._race is not None:
            self._race.halt.set()
        self._worker.shutdown(wait=False, cancel_futures=True)
        self._race = None

    async def tell(self, message: dict[str, Any]) -> None:
        """Send a message, one after the other."""
        async with self._sending:
            await self._send(protocol.written(message))

    async def _obey(self, wish: Wish | InvalidInput) -> None:
        try:
            if isinstance(wish, InvalidInput):
                raise wish
            await getattr(self, f"_{wish.do}")(**wish.given)
        except InvalidInput as refusal:
            await self.tell(protocol.error(refusal))

    async def _tick(self) -> bool:
        """Train a piece if it is time, show a frame if the page can take one; False if there is nothing to do."""
        race = self._race
        if race is None:
            return False
        try:
            busy = await self._train(race)
        except InvalidInput as refusal:
            self._goal, self._pace.playing = None, False
            await self.tell(protocol.error(refusal))
            return True
        return await self._show(race) or busy

    async def _train(self, race: Race) -> bool:
        if self._goal is not None:
            steps = self._pace.piece(self._goal - race.t)
        elif self._pace.playing:
            steps = self._pace.due(race.t)
        else:
            return False
        if steps:
            begun = time.perf_counter()
            await self._work(race.advance, steps)
            self._pace.took(steps, time.perf_counter() - begun)
            self._stale = True
        else:
            await self._nap()
        if race.t == self._goal:
            self._goal = None
            self._pace.restart(race.t)
        return True

    async def _nap(self) -> None:
        """Wait until the next step is due, or the page says something."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._awake.wait(), self._pace.NAP)

    async def _show(self, race: Race) -> bool:
        now = time.perf_counter()
        under_way = self._goal is not None and now - self._sought < PATIENCE
        if not self._stale or self._seen < self._frame or under_way:
            return False
        if now - self._shown < FRAME:
            if not self._pace.playing and self._goal is None:
                await asyncio.sleep(FRAME)
            return True
        self._shown, self._stale = now, False
        networks = await self._work(frames.drawn, race)
        self._frame += 1
        await self.tell(
            {
                "is": "frame",
                "frame": self._frame,
                "t": race.t,
                "playing": self._pace.playing,
                "seeking": self._goal,
                "rate": self._pace.measured,
                "networks": networks,
                "curves": self._new_points(race),
            }
        )
        return True

    def _new_points(self, race: Race) -> dict[str, Any]:
        new = sorted(t for t in race.curve if t > self._told_to)
        self._told_to = max(self._told_to, *new) if new else self._told_to
        return _curves(race, new)

    async def _work(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._worker, function, *arguments)

    async def _begin(self, state: State, own: Dataset | None) -> None:
        """Start another race; nothing is changed if it cannot be."""

        def made() -> Race:
            return Race(state, data.problem(state, own))

        race = await self._work(made)
        self._race, self._own = race, own
        self._pace = Pace(state.speed)
        await self._tell_state(with_data=True)
        self._go_to(state.t)

    async def _tell_state(self, *, with_data: bool) -> None:
        race = self._raced()
        state = race.state if self._goal is None else replace(race.state, t=self._goal)
        self._told_to = max(race.curve)
        await self.tell(
            {
                "is": "state",
                "state": replace(state, speed=self._pace.speed).to_json(),
                "data": frames.described(race.track.problem) if with_data else None,
                "sizes": list(race.moment.lanes[0].network.sizes),
                "curves": _curves(race, sorted(race.curve)),
            }
        )
        self._stale = True

    def _go_to(self, t: int) -> None:
        race = self._raced()
        race.seek(t)
        self._goal, self._sought = (t if race.t != t else None), time.perf_counter()
        self._pace.restart(race.t)
        self._stale = True

    def _raced(self) -> Race:
        if self._race is None:
            raise InvalidInput("there is no race yet", got="none", allowed="a race", hint='{"do": "set", "state": {}}')
        return self._race

    async def _set(self, state: State) -> None:
        await self._begin(state, self._own)

    async def _play(self, speed: int | None) -> None:
        self._pace.play(self._raced().t, self._pace.speed if speed == -1 else speed)
        self._stale = True

    async def _pause(self) -> None:
        self._raced()
        self._pace.playing, self._goal = False, None
        self._stale = True

    async def _step(self, n: int) -> None:
        race = self._raced()
        self._pace.playing = False
        self._go_to((race.t if self._goal is None else self._goal) + n)

    async def _seek(self, t: int) -> None:
        self._go_to(t)

    async def _edit(self, network: int, at: Any, value: float) -> None:
        race = self._raced()
        await self._work(race.edit, network, at, value)
        self._goal = None
        await self._tell_state(with_data=False)

    async def _merge(self, network: int, on: bool) -> None:
        race = self._raced()
        await self._work(race.merge, network, on)
        self._goal = None
        await self._tell_state(with_data=False)

    async def _points(self, X: Any, Y: Any) -> None:
        await self._begin_with(data.from_points(X, Y))

    async def _csv(self, text: Any, target: Any) -> None:
        await self._begin_with(await self._work(data.from_csv, text, target))

    async def _begin_with(self, own: Dataset) -> None:
        state = State() if self._race is None else self._race.state
        fitting = "squared-error" if own.task == "regression" else state.loss
        await self._begin(replace(state, data=OWN, loss=fitting, t=0, speed=self._pace.speed), own)


def _curves(race: Race, steps: list[int]) -> dict[str, Any]:
    costs = [[frames.number(race.curve[t][i]) for t in steps] for i in range(len(race.moment.lanes))]
    return {"t": steps, "cost": costs}
