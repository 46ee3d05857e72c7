"""The training of a race's networks, piece by piece: the same bits however it is cut."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak import random
from symbreak.lab import lemmas, merging
from symbreak.lab.pieces import Moment, Piece, Track, Trained
from symbreak.lab.state import Entrant
from symbreak.network import Backward, Forward, Memory, Network, backward, cost, forward, optimizers, stack, train_many
from symbreak.numerics import Activation
from symbreak.numerics.activations import Math

Array = NDArray[np.floating[Any]]
Costs = dict[int, list[float]]


def advanced(piece: Piece) -> tuple[Moment, Costs, Costs]:
    """Train all networks; return also what they, and the merged ones beside them, cost at the marks before the updates.

    Once the piece's `halt` is set it returns soon, with a moment that means nothing.
    """
    track, moment, lanes = piece.track, piece.moment, piece.moment.lanes
    compiled = [i for i in range(len(lanes)) if track.by_engine(i)]
    trained = _by_engine(piece, compiled) if compiled else {}
    trained |= {i: _by_reference(piece, i) for i in range(len(lanes)) if i not in trained}
    large = [trained[i] for i in range(len(lanes))]
    small = [merging.beside(piece, each) if each.lane.merged else Trained(each.lane, {}) for each in large]
    moved = Moment(moment.t + piece.steps, tuple(each.lane for each in small))
    return moved, _at_marks(piece, large), _at_marks(piece, small)


def _at_marks(piece: Piece, trained: Sequence[Trained]) -> Costs:
    return {t: [each.costs.get(t, math.nan) for each in trained] for t in piece.marks}


def _by_engine(piece: Piece, chosen: list[int]) -> dict[int, Trained]:
    track, moment, lanes = piece.track, piece.moment, piece.moment.lanes
    train = track.problem.train
    watched = [row for row, i in enumerate(chosen) if lanes[i].merged is not None]
    trained = train_many(
        stack([lanes[i].network for i in chosen]),
        train.X,
        train.Y,
        iterations=piece.steps,
        learning_rate=track.state.rate,
        optimizer=track.state.optimizer,
        record=range(piece.steps) if watched else [t - moment.t for t in piece.marks],
        watch=watched,
        tied=[track.tied[i] for i in chosen],
        memory=_joined([lanes[i].memory for i in chosen]),
        proceed=lambda done: not piece.halt.is_set(),
    )
    found = {}
    for row, i in enumerate(chosen):
        parted = _first(lanes[i].parted, [at if at < 0 else moment.t + at for at in trained.parted[row].tolist()])
        memory = trained.memory[row : row + 1]
        lane = replace(lanes[i], network=trained.network[row], memory=memory, parted=parted)
        noted = zip(trained.iterations, trained.curve[row].tolist(), strict=True)
        path = _networks(trained.parameters_at(row)) if row in watched else ()
        found[i] = Trained(lane, {moment.t + at: value for at, value in noted}, path)
    return found


def _networks(stacked: Network) -> list[Network]:
    return [stacked[k] for k in range(len(stacked.weights[0]))]


def _first(one: Sequence[int], other: Sequence[int]) -> tuple[int, ...]:
    return tuple(b if a < 0 else a for a, b in zip(one, other, strict=True))


def _joined(memories: Sequence[Any]) -> Memory | None:
    if memories[0] is None:
        return None
    return Memory(*(np.concatenate([getattr(m, name) for m in memories]) for name in ("first", "second", "powers")))


def _by_reference(piece: Piece, index: int) -> Trained:
    """Train one network step by step in NumPy."""
    track, first = piece.track, piece.moment.t
    lane, entrant = piece.moment.lanes[index], track.state.networks[index]
    rule, train = optimizers.get(track.state.optimizer), track.problem.train
    network, memory = lane.network, lane.memory
    if not isinstance(memory, optimizers.State):
        memory = rule.start(network.parameters)
    parted, tied = lane.parted, track.tied[index]
    costs, path = {}, []
    for t in range(first, first + piece.steps + 1):
        costs[t] = cost_of(track, index, network)
        path.append(network)
        if t == first + piece.steps or not np.isfinite(costs[t]) or piece.halt.is_set():
            break
        with np.errstate(all="ignore"):
            passed, gradient = passes(network, train.X, train.Y, entrant, track.state.seed, t)
            if -1 in parted:
                held = lemmas.holding(network, tied, passed, gradient)[1:]
                parted = _first(parted, [-1 if holds else t for holds in held])
            changed, memory = rule.update(network.parameters, gradient.parameters, memory, track.state.rate)
        network = network.with_parameters(changed)
    path = [*path, *[network] * (piece.steps + 1 - len(path))] if lane.merged else []
    return Trained(replace(lane, network=network, memory=memory, parted=parted), costs, path)


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
