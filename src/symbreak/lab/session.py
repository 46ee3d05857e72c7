"""One page that is open: its race, what it wishes, what it is told."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from symbreak.datasets import Dataset
from symbreak.errors import InvalidInput
from symbreak.lab import data, dial, frames, mapping, proofs, protocol, runs, xray
from symbreak.lab.background import Background
from symbreak.lab.pace import Pace
from symbreak.lab.protocol import Wish
from symbreak.lab.race import Race, start
from symbreak.lab.state import OWN, Place, State
from symbreak.network import Network

LOG = logging.getLogger(__name__)
DEFECT = InvalidInput(
    "the lab met a defect of its own",
    got="an error that nobody foresaw",
    allowed="nothing was changed by it",
    hint="something else; the console says more",
)
# Wishes that wait; whoever sends more waits, too.
MOST_WAITING = 64
# Seconds between two frames at least: 36 a second, so that a tick too late still leaves 30.
FRAME = 1 / 36
# A race that seeks is shown on its way if it takes longer than this, in seconds.
PATIENCE = 0.3
# A piece that takes longer than this many seconds is told of.
LONG = 1.0
AT_WORK = "The engine is being made ready: at its first use on a machine it is compiled, which takes some seconds."


class Gone(Exception):
    """The page has closed: nobody is there to be told anything."""


class Session:
    """Trains in a thread of its own; everything else happens in the event loop.

    `send` takes what the page is told, and raises `Gone` if nobody is there any more. `receive` takes what the page
    says. `run` goes on until it is cancelled; then `close`.
    """

    def __init__(self, send: Callable[[str], Awaitable[None]]) -> None:
        self._send = send
        self._sending = asyncio.Lock()
        self._wishes: asyncio.Queue[Wish | InvalidInput] = asyncio.Queue(MOST_WAITING)
        self._awake = asyncio.Event()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="symbreak-lab-race")
        self._dial = Background("dial", self.tell)
        self._map = Background("map", self.tell)
        self._xrayed: tuple[int, int] | None = None
        self._own: Dataset | None = None
        self._race: Race | None = None
        self._pace = Pace()
        self._frame = self._seen = 0
        self._stale = False
        self._goal: int | None = None
        self._sought = self._shown = 0.0
        self._told_to = -1
        # Whether the map that the page was told, if any, is that of this race.
        self._mapped_here = False
        self._deeds: dict[str, Callable[..., Awaitable[None]]] = {
            "set": self._set,
            "load": self._load,
            "play": self._play,
            "pause": self._pause,
            "step": self._step,
            "seek": self._seek,
            "edit": self._edit,
            "epsilon": self._epsilon,
            "merge": self._merge,
            "xray": self._xray,
            "map": self._mapped,
            "points": self._points,
            "csv": self._csv,
            "save": self._save,
            "command": self._command,
        }

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
        for thread in (self._dial, self._map):
            thread.close()
        self._worker.shutdown(wait=False, cancel_futures=True)
        self._race = self._own = None

    async def tell(self, message: dict[str, Any]) -> None:
        """Send a message, one after the other."""
        async with self._sending:
            await self._send(protocol.written(message))

    async def _obey(self, wish: Wish | InvalidInput) -> None:
        try:
            if isinstance(wish, InvalidInput):
                raise wish
            await self._deeds[wish.do](**wish.given)
        except InvalidInput as refusal:
            await self.tell(protocol.error(refusal))
        except Gone:
            raise
        except Exception:  # a defect of ours must not end a lecture
            LOG.exception("the lab failed at a wish of the page")
            await self.tell(protocol.error(DEFECT))

    async def _tick(self) -> bool:
        """Train a piece if it is time, show a frame if the page can take one; False if there is nothing to do."""
        race = self._race
        if race is None:
            return False
        try:
            busy = await self._train(race)
            return await self._show(race) or busy
        except InvalidInput as refusal:
            found = refusal
        except Gone:
            raise
        except Exception:  # as above
            LOG.exception("the lab failed at training or drawing")
            found = DEFECT
        self._goal, self._pace.playing, self._stale, self._xrayed = None, False, False, None
        await self.tell(protocol.error(found))
        return True

    async def _train(self, race: Race) -> bool:
        if self._goal is not None:
            steps = self._pace.piece(self._goal - race.t)
        elif self._pace.playing:
            steps = self._pace.due(race.t)
        else:
            return False
        if steps:
            begun = time.perf_counter()
            await self._telling_if_long(self._work(race.advance, steps))
            self._pace.took(steps, time.perf_counter() - begun)
            self._stale = True
        else:
            await self._nap()
        if race.t == self._goal:
            self._goal = None
            self._pace.restart(race.t)
        return True

    async def _telling_if_long(self, work: Coroutine[Any, Any, None]) -> None:
        working = asyncio.ensure_future(work)
        done, _ = await asyncio.wait({working}, timeout=LONG)
        if not done:
            await self.tell({"is": "busy", "says": AT_WORK})
            await asyncio.wait({working})
            await self.tell({"is": "busy", "says": ""})
        await working

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
        drawn = await self._work(self._drawn, race)
        self._frame += 1
        status = {"t": race.t, "playing": self._pace.playing, "seeking": self._goal, "rate": self._pace.measured}
        await self.tell({"is": "frame", "frame": self._frame, **status, **drawn, "curves": self._new_points(race)})
        return True

    def _drawn(self, race: Race) -> dict[str, Any]:
        shown = {"networks": frames.drawn(race)}
        return shown if self._xrayed is None else {**shown, "xray": xray.xray(race, *self._xrayed)}

    def _new_points(self, race: Race) -> dict[str, Any]:
        new = sorted(t for t in race.curve if t > self._told_to)
        self._told_to = max(self._told_to, *new) if new else self._told_to
        return _curves(race, new)

    async def _work(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._worker, function, *arguments)

    async def _begin(self, state: State, own: Dataset | None, *, with_data: bool = True) -> None:
        """Start another race; nothing is changed if it cannot be."""

        def made() -> tuple[Race, list[dict[str, Any]]]:
            race = Race(state, data.problem(state, own))
            return race, proofs.proofs(race)

        race, proved = await self._work(made)
        if self._race is None or own is not self._own or not mapping.alike(self._race.state, state):
            self._map.stop()
            self._mapped_here = False
        self._race, self._own, self._xrayed = race, own, None
        self._goal = state.t or None
        self._dial.stop()
        self._pace.speed, self._pace.playing = state.speed, self._pace.playing and not with_data
        await self._tell_state(with_data=with_data, proved=proved)
        self._go_to(state.t)

    async def _tell_state(self, *, with_data: bool, proved: list[dict[str, Any]] | None = None) -> None:
        race = self._raced()
        state = race.state if self._goal is None else replace(race.state, t=self._goal)
        self._told_to = max(race.curve)
        await self.tell(
            {
                "is": "state",
                "state": replace(state, speed=self._pace.speed).to_json(),
                "data": frames.described(race.track.problem) if with_data else None,
                "sizes": list(race.moment.lanes[0].network.sizes),
                "proofs": proved,
                "mapped": self._mapped_here,
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
        await self._tell_state(with_data=False, proved=await self._work(proofs.proofs, race))

    async def _merge(self, network: int, on: bool) -> None:
        race = self._raced()
        await self._work(race.merge, network, on)
        self._goal = None
        await self._tell_state(with_data=False)

    async def _epsilon(self, network: int, at: Place | None, value: float) -> None:
        """Put epsilon into the start, begin again from there, and tell when it will part the units, and when it did."""
        race = self._raced()
        entrant, state, problem = race.entrant(network), race.state, race.track.problem
        unmoved = start(state, problem, network)
        where = at or await self._work(_dialled, unmoved, state.optimizer)
        others = list(state.networks)
        others[network] = replace(entrant, epsilon=value, at=where)
        speed = self._pace.speed
        await self._begin(replace(state, t=0, speed=speed, networks=tuple(others)), self._own, with_data=False)

        asked = {"rate": state.rate, "optimizer": state.optimizer}

        def work(tell: Any, halt: Any) -> None:
            found = dial.told(unmoved, problem.train.X, problem.train.Y, where, value, halt=halt, **asked)
            if found is not None:
                tell({"is": "dial", "network": network, **found})

        self._dial.start(work)

    async def _xray(self, network: int, layer: int, on: bool) -> None:
        race = self._raced()
        if on:
            await self._work(xray.xray, race, network, layer)
        self._xrayed = (network, layer) if on else None
        self._stale = True

    async def _mapped(self, on: bool, x: str, y: str) -> None:
        if not on:
            self._map.stop()
            return
        race = self._raced()
        state, problem = race.state, race.track.problem
        mapping.settings(state, mapping.LEVELS[0], x, y)
        self._mapped_here = True
        self._map.start(lambda tell, halt: mapping.draw(state, problem, x, y, tell, halt))

    async def _save(self) -> None:
        await self.tell({"is": "run", "run": runs.to_json(self._raced(), self._own)})

    async def _load(self, run: Any) -> None:
        state, own = runs.from_json(run)
        await self._begin(state, own)

    async def _command(self, network: int) -> None:
        text, kind = runs.command(self._raced(), network)
        await self.tell({"is": "command", "network": network, "text": text, "kind": kind})

    async def _points(self, X: Any, Y: Any) -> None:
        await self._begin_with(data.from_points(X, Y))

    async def _csv(self, text: Any, target: Any) -> None:
        await self._begin_with(await self._work(data.from_csv, text, target))

    async def _begin_with(self, own: Dataset) -> None:
        state = State() if self._race is None else self._race.state
        numbers = self._race is not None and self._race.track.problem.train.task == "regression"
        if own.task == "regression" or numbers:
            # What was chosen for a regression was no choice for classes.
            state = replace(state, loss="squared-error" if own.task == "regression" else State().loss)
        await self._begin(replace(state, data=OWN, t=0, speed=self._pace.speed), own)


def _dialled(network: Network, optimizer: str) -> Place:
    try:
        return dial.default_place(network, optimizer)
    except InvalidInput:
        return "W1", 0, 0


def _curves(race: Race, steps: list[int]) -> dict[str, Any]:
    costs = [[frames.number(race.curve[t][i]) for t in steps] for i in range(len(race.moment.lanes))]
    return {"t": steps, "cost": costs}
