"""A race: networks of one kind from one seed and one data set, and their exact parameters at any step.

Only some steps are kept: at most so many checkpoints, on a grid that becomes coarser as the race becomes longer. What
lies between is trained again from the checkpoint before, to the same bits.
"""

from __future__ import annotations

import bisect
import math
import threading
from collections.abc import Sequence
from dataclasses import replace

from symbreak import datasets
from symbreak.diagnosis.symmetry import merge
from symbreak.errors import InvalidInput
from symbreak.experiments import Settings, prepare
from symbreak.experiments.running import Problem
from symbreak.lab import merging
from symbreak.lab.curves import Curves
from symbreak.lab.lanes import advanced, cost_of
from symbreak.lab.lemmas import ties
from symbreak.lab.pieces import Lane, Moment, Piece, Track
from symbreak.lab.state import MOST_EDITS, Edit, Entrant, Place, State, check_place
from symbreak.network import Network

# The memory of all checkpoints of a race, in numbers: 16 MiB. A race of the smallest networks keeps at most, one of
# the largest at least so many.
KEPT_NUMBERS = 2**21
MOST_CHECKPOINTS, LEAST_CHECKPOINTS = 512, 16
# The first grid of checkpoints: so many steps are trained again in a few milliseconds.
FIRST_STRIDE = 64
# Steps of one piece at most: numbers for each of them are set up in advance.
LONGEST_PIECE = 2**14
# With a merged network beside one: the large one's weights at each of them are kept to be compared.
LONGEST_COMPARED = 2**8


class Race:
    """Networks in training: `moment` is where they stand, `curve` what they cost on the way.

    >>> from symbreak import experiments
    >>> race = Race(State(), experiments.prepare(experiments.Settings())[0])
    >>> race.advance(20)
    >>> late = race.moment.lanes[1].network.weights[0]
    >>> race.seek(0), race.t
    (None, 0)
    >>> race.advance(7); race.advance(13)
    >>> bool((race.moment.lanes[1].network.weights[0] == late).all())
    True
    """

    def __init__(self, state: State, problem: Problem) -> None:
        fresh = [start(state, problem, i) for i in range(len(state.networks))]
        self.track = Track(state, problem, tuple(ties(network) for network in fresh))
        self.halt = threading.Event()
        lanes = tuple(Lane(_nudged(network, e)) for network, e in zip(fresh, state.networks, strict=True))
        for entrant, lane in zip(state.networks, lanes, strict=True):
            _check(entrant, lane.network.sizes, state.optimizer)
        self.stride = FIRST_STRIDE
        self.checkpoints: dict[int, Moment] = {}
        self.curves = Curves()
        self.most_kept = _most_kept(lanes)
        self._stand(self._settled(Moment(0, lanes)))

    @property
    def t(self) -> int:
        """The step at which the networks stand."""
        return self.moment.t

    @property
    def curve(self) -> dict[int, list[float]]:
        """What the networks cost on the way."""
        return self.curves.costs

    @property
    def state(self) -> State:
        """The state of the page, which makes this race again."""
        return replace(self.track.state, t=self.t)

    @property
    def costs(self) -> list[float]:
        """What every network costs now, on all training examples."""
        return [cost_of(self.track, i, lane.network) for i, lane in enumerate(self.moment.lanes)]

    @property
    def merged_costs(self) -> list[float]:
        """What the merged networks cost now; nan where none runs."""
        train = self.track.problem.train
        return [merging.cost_of(lane.merged.network, train) if lane.merged else math.nan for lane in self.moment.lanes]

    def advance(self, steps: int) -> None:
        """Train all networks so many steps, in pieces that end at edits and checkpoints."""
        goal = self.t + steps
        while self.t < goal and not self.halt.is_set():
            stop = min(goal, self.t + self._longest(), (self.t // self.stride + 1) * self.stride, self._next_event())
            marks = frozenset(self.curves.marks(self.t, stop))
            moment, *costs = advanced(Piece(self.track, self.moment, stop - self.t, marks, self.halt))
            if self.halt.is_set():
                return
            self.curves.add(*costs)
            if stop in self._events():
                self.curves.drop(stop)
            self._stand(self._settled(moment))

    def _longest(self) -> int:
        return LONGEST_COMPARED if any(lane.merged for lane in self.moment.lanes) else LONGEST_PIECE

    def seek(self, t: int) -> None:
        """Stand at the last known step that is not after t, from which `advance` leads there."""
        known = sorted(self.checkpoints)
        nearest = self.checkpoints[known[bisect.bisect_right(known, t) - 1]]
        if not nearest.t <= self.t <= t:
            self.moment = nearest

    def edit(self, index: int, where: Place, value: float) -> None:
        """Set a weight now; what came later is forgotten.

        Raises:
            InvalidInput: no such network or weight, or too many edits.
        """
        entrant = self.entrant(index)
        check_place(where, self.moment.lanes[index].network.sizes)
        # A weight that is set twice at a step was set once.
        kept = [edit for edit in entrant.edits if edit[0] < self.t or (edit[0] == self.t and edit[1:4] != where)]
        if len(kept) >= MOST_EDITS:
            raise InvalidInput(
                "a link holds only so many edits", got=str(len(kept)), allowed=f"{MOST_EDITS}", hint="a new race"
            )
        edits: tuple[Edit, ...] = (*kept, (self.t, *where, value))
        merged = entrant.merged if entrant.merged is not None and entrant.merged <= self.t else None
        self._change(index, replace(entrant, edits=edits, merged=merged), [(self.t, *where, value)])

    def merge(self, index: int, on: bool) -> None:
        """Let the merged network run beside from now on, or no longer.

        Raises:
            InvalidInput: an update rule under which the merged network is not the same, or weights that overflowed.
        """
        entrant = replace(self.entrant(index), merged=self.t if on else None)
        _check(entrant, self.moment.lanes[index].network.sizes, self.track.state.optimizer)
        self._change(index, entrant, [])

    def entrant(self, index: int) -> Entrant:
        """Return one of the networks as it was asked for; refuse a number that none has."""
        if not 0 <= index < len(self.track.state.networks):
            raise InvalidInput(
                "there is no such network",
                got=str(index),
                allowed=f"0 to {len(self.track.state.networks) - 1}",
                hint="0",
            )
        return self.track.state.networks[index]

    def _change(self, index: int, entrant: Entrant, edits: list[Edit]) -> None:
        networks = list(self.track.state.networks)
        networks[index] = entrant
        lanes = list(self.moment.lanes)
        lane = replace(
            lanes[index],
            network=_edited(lanes[index].network, edits),
            merged=None if entrant.merged is None else lanes[index].merged,
            apart=-1 if entrant.merged is None else lanes[index].apart,
        )
        lanes[index] = _merging(lane, entrant, self.t)
        # Only what raised nothing is put in place.
        self.track = replace(self.track, state=replace(self.track.state, networks=tuple(networks)))
        self._forget()
        self._stand(Moment(self.t, tuple(lanes)))

    def _forget(self) -> None:
        self.checkpoints = {t: moment for t, moment in self.checkpoints.items() if t < self.t}
        self.curves.forget(self.t)

    def _settled(self, moment: Moment) -> Moment:
        """Return the moment with what is to happen at its step: edits, and then mergers."""
        lanes = []
        for lane, entrant in zip(moment.lanes, self.track.state.networks, strict=True):
            edited = replace(lane, network=_edited(lane.network, [e for e in entrant.edits if e[0] == moment.t]))
            lanes.append(_merging(edited, entrant, moment.t))
        return Moment(moment.t, tuple(lanes))

    def _events(self) -> set[int]:
        """Return the steps at which something is to happen: edits, and mergers."""
        entrants = self.track.state.networks
        edited = {edit[0] for entrant in entrants for edit in entrant.edits}
        return edited | {entrant.merged for entrant in entrants if entrant.merged is not None}

    def _next_event(self) -> int:
        return min((step for step in self._events() if step > self.t), default=2**62)

    def _stand(self, moment: Moment) -> None:
        """Stand here, and keep what belongs on the grids."""
        self.moment = moment
        if moment.t % self.stride == 0 and moment.t not in self.checkpoints:
            self.checkpoints[moment.t] = moment
            while len(self.checkpoints) > self.most_kept:
                self.stride *= 2
                self.checkpoints = {t: kept for t, kept in self.checkpoints.items() if t % self.stride == 0}
        self.curves.stand(moment.t, lambda: (self.costs, self.merged_costs))


def warm() -> None:
    """Load, and at the first use on a machine compile, what races need: while the page still opens."""
    state = State()
    # This set loads what takes a stranger's first click seconds.
    datasets.load("circles")
    Race(state, prepare(Settings(inits=("zeros",)))[0]).advance(1)


def _most_kept(lanes: Sequence[Lane]) -> int:
    numbers = sum(3 * sum(p.size for p in lane.network.parameters) for lane in lanes)
    return max(LEAST_CHECKPOINTS, min(MOST_CHECKPOINTS, KEPT_NUMBERS // numbers))


def start(state: State, problem: Problem, index: int) -> Network:
    """Return a network as `compare` starts it, before epsilon and edits."""
    sizes = (problem.train.n_x, *state.layers, problem.train.n_y)
    init = state.networks[index].init
    return Network.initialize(sizes, init, seed=state.seed, activation=state.activation, loss=problem.loss)


def _nudged(network: Network, entrant: Entrant) -> Network:
    if not entrant.epsilon:
        return network
    check_place(entrant.at, network.sizes)
    return changed(network, entrant.at, add=entrant.epsilon)


def _check(entrant: Entrant, sizes: tuple[int, ...], optimizer: str) -> None:
    for edit in entrant.edits:
        check_place(edit[1:4], sizes)
    if entrant.merged is not None and optimizer != "gd":
        raise InvalidInput(
            "the merged network computes the same under gradient descent",
            got=optimizer,
            allowed="gd",
            hint="the optimizer gd",
        )


def _edited(network: Network, edits: list[Edit]) -> Network:
    for _, name, row, column, value in edits:
        network = changed(network, (name, row, column), value, keep=0.0)
    return network


def changed(network: Network, where: Place, add: float, *, keep: float = 1.0) -> Network:
    """Return the network with keep * w + add in place of one weight w."""
    name, row, column = where
    parameters = list(network.parameters)
    index = 2 * int(name[1:]) - 2 + (name[0] == "b")
    array = parameters[index].copy()
    array[row, column] = keep * array[row, column] + add if keep else add
    return network.with_parameters([*parameters[:index], array, *parameters[index + 1 :]])


def _merging(lane: Lane, entrant: Entrant, t: int) -> Lane:
    return replace(lane, merged=merge(lane.network), apart=-1) if entrant.merged == t else lane
