"""One page that is open: its race, what it wishes, what it is told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from symbreak.datasets import Dataset
from symbreak.errors import InvalidInput
from symbreak.lab import data, dial, frames, mapping, proofs, protocol, runs, xray
from symbreak.lab.background import Background
from symbreak.lab.player import Player
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


class Gone(Exception):
    """The page has closed: nobody is there to be told anything."""


class Session:
    """Obeys what the page wishes, and tells it what happens.

    `send` takes what the page is told, and raises `Gone` if nobody is there any more. `receive` takes what the page
    says. `run` goes on until it is cancelled; then `close`.
    """

    def __init__(self, send: Callable[[str], Awaitable[None]]) -> None:
        self._send = send
        self._sending = asyncio.Lock()
        self._wishes: asyncio.Queue[Wish | InvalidInput] = asyncio.Queue(MOST_WAITING)
        self._awake = asyncio.Event()
        self._player = Player(self.tell, self._awake)
        self._dial = Background("dial", self.tell)
        self._map = Background("map", self.tell)
        self._own: Dataset | None = None
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
            self._player.seen(wish.given["frame"])
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
        """Let go of the networks and the threads at once."""
        for part in (self._player, self._dial, self._map):
            part.close()
        self._own = None

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
        """Play on; False if there is nothing to do."""
        try:
            return await self._player.tick()
        except InvalidInput as refusal:
            found = refusal
        except Gone:
            raise
        except Exception:  # as above
            LOG.exception("the lab failed at training or drawing")
            found = DEFECT
        self._player.halt()
        await self.tell(protocol.error(found))
        return True

    async def _begin(self, state: State, own: Dataset | None, *, with_data: bool = True) -> None:
        """Start another race; nothing is changed if it cannot be."""

        def made() -> tuple[Race, list[dict[str, Any]]]:
            race = Race(state, data.problem(state, own))
            return race, proofs.proofs(race)

        player = self._player
        race, proved = await player.work(made)
        if not player.has_race or own is not self._own or not mapping.alike(player.race.state, state):
            self._map.stop()
            self._mapped_here = False
        self._own, player.goal = own, state.t or None
        self._dial.stop()
        player.take(race, playing=player.pace.playing and not with_data)
        await self._tell_state(with_data=with_data, proved=proved)
        player.go_to(state.t)

    async def _tell_state(self, *, with_data: bool, proved: list[dict[str, Any]] | None = None) -> None:
        player, race = self._player, self._player.race
        state = race.state if player.goal is None else replace(race.state, t=player.goal)
        await self.tell(
            {
                "is": "state",
                "state": replace(state, speed=player.pace.speed).to_json(),
                "data": frames.described(race.track.problem) if with_data else None,
                "sizes": list(race.moment.lanes[0].network.sizes),
                "proofs": proved,
                "mapped": self._mapped_here,
                "curves": player.curves(),
            }
        )
        player.show()

    async def _set(self, state: State) -> None:
        await self._begin(state, self._own)

    async def _play(self, speed: int | None) -> None:
        self._player.play(self._player.pace.speed if speed == -1 else speed)

    async def _pause(self) -> None:
        self._player.pause()

    async def _step(self, n: int) -> None:
        player = self._player
        t = player.race.t if player.goal is None else player.goal
        player.pace.playing = False
        player.go_to(t + n)

    async def _seek(self, t: int) -> None:
        self._player.go_to(t)

    async def _edit(self, network: int, at: Any, value: float) -> None:
        race = self._player.race
        await self._player.work(race.edit, network, at, value)
        self._player.goal = None
        await self._tell_state(with_data=False, proved=await self._player.work(proofs.proofs, race))

    async def _merge(self, network: int, on: bool) -> None:
        race = self._player.race
        await self._player.work(race.merge, network, on)
        self._player.goal = None
        await self._tell_state(with_data=False)

    async def _epsilon(self, network: int, at: Place | None, value: float) -> None:
        """Put epsilon into the start, begin again from there, and tell when it will part the units, and when it did."""
        race = self._player.race
        entrant, state, problem = race.entrant(network), race.state, race.track.problem
        unmoved = start(state, problem, network)
        where = at or await self._player.work(_dialled, unmoved, state.optimizer)
        others = list(state.networks)
        others[network] = replace(entrant, epsilon=value, at=where)
        speed = self._player.pace.speed
        await self._begin(replace(state, t=0, speed=speed, networks=tuple(others)), self._own, with_data=False)

        asked = {"rate": state.rate, "optimizer": state.optimizer}

        def work(tell: Any, halt: Any) -> None:
            found = dial.told(unmoved, problem.train.X, problem.train.Y, where, value, halt=halt, **asked)
            if found is not None:
                tell({"is": "dial", "network": network, **found})

        self._dial.start(work)

    async def _xray(self, network: int, layer: int, on: bool) -> None:
        race = self._player.race
        if on:
            await self._player.work(xray.xray, race, network, layer)
        self._player.xrayed = (network, layer) if on else None
        self._player.show()

    async def _mapped(self, on: bool, x: str, y: str) -> None:
        if not on:
            self._map.stop()
            return
        race = self._player.race
        state, problem = race.state, race.track.problem
        mapping.settings(state, mapping.LEVELS[0], x, y)
        self._mapped_here = True
        self._map.start(lambda tell, halt: mapping.draw(state, problem, x, y, tell, halt))

    async def _save(self) -> None:
        await self.tell({"is": "run", "run": runs.to_json(self._player.race, self._own)})

    async def _load(self, run: Any) -> None:
        state, own = runs.from_json(run)
        await self._begin(state, own)

    async def _command(self, network: int) -> None:
        text, kind = runs.command(self._player.race, network)
        await self.tell({"is": "command", "network": network, "text": text, "kind": kind})

    async def _points(self, X: Any, Y: Any) -> None:
        await self._begin_with(data.from_points(X, Y))

    async def _csv(self, text: Any, target: Any) -> None:
        await self._begin_with(await self._player.work(data.from_csv, text, target))

    async def _begin_with(self, own: Dataset) -> None:
        state = self._player.race.state if self._player.has_race else State()
        numbers = self._player.has_race and self._player.race.track.problem.train.task == "regression"
        if own.task == "regression" or numbers:
            # What was chosen for a regression was no choice for classes.
            state = replace(state, loss="squared-error" if own.task == "regression" else State().loss)
        await self._begin(replace(state, data=OWN, t=0, speed=self._player.pace.speed), own)


def _dialled(network: Network, optimizer: str) -> Place:
    try:
        return dial.default_place(network, optimizer)
    except InvalidInput:
        return "W1", 0, 0
