"""The networks of a race at one step, and a piece of their training: the same bits however it is cut."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak import random
from symbreak.diagnosis.symmetry import Merged
from symbreak.experiments.running import Problem
from symbreak.lab import lemmas
from symbreak.lab.state import Entrant, State
from symbreak.network import Backward, Forward, Memory, Network, backward, cost, forward, optimizers, stack, train_many
from symbreak.numerics import Activation
from symbreak.numerics.activations import Math

Array = NDArray[np.floating[Any]]
Costs = dict[int, list[float]]


@dataclass(frozen=True, eq=False)
class Lane:
    """One network at one step.

    Attributes:
        memory: what its update rule remembers: the engine's (one row), or that of the reference; None before the first
            update.
        merged: the smaller network beside it.
        parted: for each lemma, the first step at which it did not hold; -1: it always did.
    """

    network: Network
    memory: Memory | optimizers.State | None = None
    merged: Merged | None = None
    parted: tuple[int, ...] = (-1, -1, -1, -1)


@dataclass(frozen=True, eq=False)
class Moment:
    """All networks of a race after `t` updates."""

    t: int
    lanes: tuple[Lane, ...]


@dataclass(frozen=True, eq=False)
class Track:
    """What does not change while a race runs; `tied`: which units were one at each network's start."""

    state: State
    problem: Problem
    tied: tuple[tuple[int, ...], ...] = ()

    def by_engine(self, index: int) -> bool:
        """Tell whether the compiled engine trains this network: it knows neither BLAS nor dropout."""
        entrant = self.state.networks[index]
        return entrant.arithmetic == "unitwise" and entrant.dropout == 0


def advanced(
    track: Track, moment: Moment, steps: int, marks: Sequence[int], halt: threading.Event
) -> tuple[Moment, Costs]:
    """Train all networks so many steps; return also the costs at the steps `marks`, before their updates.

    Once `halt` is set it returns soon, with a moment that means nothing.
    """
    lanes, costs = list(moment.lanes), {t: [float("nan")] * len(moment.lanes) for t in marks}
    compiled = [i for i in range(len(lanes)) if track.by_engine(i)]
    if compiled:
        _by_engine(track, moment, compiled, steps, lanes, costs, halt)
    for i in set(range(len(lanes))) - set(compiled):
        lanes[i] = _by_reference(track, moment, i, steps, costs, halt)
    return Moment(moment.t + steps, tuple(_with_merged(track, lane, steps, halt) for lane in lanes)), costs


def _by_engine(
    track: Track, moment: Moment, chosen: list[int], steps: int, lanes: list[Lane], costs: Costs, halt: threading.Event
) -> None:
    train = track.problem.train
    trained = train_many(
        stack([lanes[i].network for i in chosen]),
        train.X,
        train.Y,
        iterations=steps,
        learning_rate=track.state.rate,
        optimizer=track.state.optimizer,
        record=[t - moment.t for t in costs],
        tied=[track.tied[i] for i in chosen],
        memory=_joined([lanes[i].memory for i in chosen]),
        proceed=lambda done: not halt.is_set(),
    )
    for row, i in enumerate(chosen):
        parted = _first(lanes[i].parted, [at if at < 0 else moment.t + at for at in trained.parted[row].tolist()])
        memory = trained.memory[row : row + 1]
        lanes[i] = replace(lanes[i], network=trained.network[row], memory=memory, parted=parted)
        for at, value in zip(trained.iterations, trained.curve[row].tolist(), strict=True):
            if moment.t + at in costs:
                costs[moment.t + at][i] = value


def _first(one: Sequence[int], other: Sequence[int]) -> tuple[int, ...]:
    return tuple(b if a < 0 else a for a, b in zip(one, other, strict=True))


def _joined(memories: Sequence[Any]) -> Memory | None:
    if memories[0] is None:
        return None
    return Memory(*(np.concatenate([getattr(m, name) for m in memories]) for name in ("first", "second", "powers")))


def _by_reference(track: Track, moment: Moment, index: int, steps: int, costs: Costs, halt: threading.Event) -> Lane:
    """Train one network step by step in NumPy."""
    lane, entrant = moment.lanes[index], track.state.networks[index]
    rule, train = optimizers.get(track.state.optimizer), track.problem.train
    network, memory = lane.network, lane.memory
    if not isinstance(memory, optimizers.State):
        memory = rule.start(network.parameters)
    parted, tied = lane.parted, track.tied[index]
    for t in range(moment.t, moment.t + steps + 1):
        value = cost_of(track, index, network)
        if t in costs:
            costs[t][index] = value
        if t == moment.t + steps or not np.isfinite(value) or halt.is_set():
            break
        with np.errstate(all="ignore"):
            passed, gradient = passes(network, train.X, train.Y, entrant, track.state.seed, t)
            if -1 in parted:
                held = lemmas.holding(network, tied, passed, gradient)[1:]
                parted = _first(parted, [-1 if holds else t for holds in held])
            changed, memory = rule.update(network.parameters, gradient.parameters, memory, track.state.rate)
        network = network.with_parameters(changed)
    return replace(lane, network=network, memory=memory, parted=parted)


def passes(network: Network, x: Array, y: Array, entrant: Entrant, seed: int, t: int) -> tuple[Forward, Backward]:
    """Return the passes of which the update of step t is made: with dropout, those that its masks let through."""
    if entrant.dropout:
        network = replace(network, activation=_thinned(network, x.shape[1], entrant.dropout, seed, t))
    passed = forward(network, x, arithmetic=entrant.arithmetic)
    return passed, backward(network, passed, y, arithmetic=entrant.arithmetic)


def _thinned(network: Network, examples: int, chance: float, seed: int, t: int) -> Activation:
    """Return g times a mask of 0 and 1 / (1 - chance), one for each hidden layer: good for one pass up and one down.

    The passes meet the hidden layers in order, and then in the opposite order. The masks depend on seed, step and
    layer alone.
    """
    keep, g = 1 - chance, network.activation
    masks = [
        (random.uniform((units, examples), seed=seed, name=f"dropout/{t}/{layer}") < keep) / keep
        for layer, units in enumerate(network.sizes[1:-1], 1)
    ]
    up, down = iter(masks), iter(masks[::-1])

    def slope(z: Array, _: Array, math: Math) -> Array:
        return np.asarray(next(down) * g.derivative(z, math=math))

    return replace(g, evaluate=lambda z, math: next(up) * g.evaluate(z, math), slope=slope)


def cost_of(track: Track, index: int, network: Network) -> float:
    """Return a network's cost on all training examples, nothing dropped, in its own arithmetic."""
    arithmetic, train = track.state.networks[index].arithmetic, track.problem.train
    with np.errstate(all="ignore"):
        passed = forward(network, train.X, arithmetic=arithmetic)
        return float(cost(network, passed, train.Y, arithmetic=arithmetic))


def _with_merged(track: Track, lane: Lane, steps: int, halt: threading.Event) -> Lane:
    """Train the smaller network beside, by gradient descent whose rate differs from weight to weight."""
    merged, train = lane.merged, track.problem.train
    if merged is None:
        return lane
    with np.errstate(all="ignore"):
        for _ in range(steps):
            if halt.is_set():
                break
            passed = forward(merged.network, train.X, arithmetic="unitwise")
            gradient = backward(merged.network, passed, train.Y, arithmetic="unitwise")
            merged = merged.updated(gradient.parameters, track.state.rate)
    return replace(lane, merged=merged)
