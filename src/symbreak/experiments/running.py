"""Training one group of networks (one initialization, some seeds) and measuring them on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.datasets import Dataset
from symbreak.experiments import measures, pictures
from symbreak.experiments.proof import Proof, prove
from symbreak.experiments.result import Detail, Ends, Run
from symbreak.experiments.settings import Settings
from symbreak.network import Network, Step, stack, train_many
from symbreak.network import backward as backward_pass
from symbreak.network import cost as cost_of
from symbreak.network import forward as forward_pass

Array = NDArray[np.floating[Any]]

# So many points make a smooth curve in a picture a screen wide.
CHECKPOINTS = 60


@dataclass(frozen=True, eq=False)
class Problem:
    """The data as the networks see it, and what a model without inputs would cost."""

    train: Dataset
    scored: Dataset
    loss: str
    base_rate_cost: float


@dataclass(frozen=True)
class Group:
    """Networks that are trained together: one initialization under some seeds."""

    init: str
    seeds: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a group gave: its runs, what is proved of each start, and the pictures of the first seed."""

    group: Group
    runs: tuple[Run, ...]
    proofs: tuple[Proof | None, ...]
    detail: Detail | None


@dataclass(frozen=True, eq=False)
class _Trace:
    """How a group went: first and last step on all examples, costs at checkpoints, the path of the first network.

    `reached` holds the first iteration at which each cost was half of the base rate, `overflowed` the first at which
    it was no number any more. What comes after is no longer gradient descent, even if finite.
    """

    first: Step
    last: Step
    curve: list[tuple[int, Array]]
    reached: list[int | None]
    overflowed: list[int | None]
    trail: list[tuple[int, Array]]

    def sound(self, index: int, iteration: int) -> bool:
        overflow = self.overflowed[index]
        return overflow is None or iteration < overflow


def train(settings: Settings, problem: Problem, group: Group, on_progress: Callable[[int], bool]) -> Outcome | None:
    """Train and measure a group; None if it was stopped.

    `on_progress` is called now and then with the network-iterations done since, and says whether to go on.
    """
    start = _networks(settings, problem, group)
    trace = _traced(settings, problem, start, on_progress)
    return None if trace is None else _outcome(settings, problem, group, trace)


def _traced(settings: Settings, problem: Problem, start: Network, on_progress: Callable[[int], bool]) -> _Trace | None:
    """Train by the engine: a network that overflows is stopped."""
    trained = train_many(
        start,
        problem.train.X,
        problem.train.Y,
        iterations=settings.iterations,
        learning_rate=settings.learning_rate,
        optimizer=settings.optimizer,
        batch_size=settings.batch_size,
        record=checkpoints(settings.iterations),
        threshold=problem.base_rate_cost / 2,
        watch=(0,),
        arithmetic=settings.arithmetic,
        threads=1,
        proceed=on_progress,
    )
    if not trained.complete:
        return None
    path = trained.parameters_at(0).weights[0]
    return _Trace(
        first=_on_all(0, start, problem, settings.arithmetic),
        last=_on_all(settings.iterations, trained.network, problem, settings.arithmetic),
        curve=list(zip(trained.iterations, trained.curve.T, strict=True)),
        reached=[_happened(iteration) for iteration in trained.reached.tolist()],
        overflowed=[_happened(iteration) for iteration in trained.diverged_at.tolist()],
        trail=[(t, w) for t, w in zip(trained.iterations, path, strict=True) if not np.isnan(w).any()],
    )


def _happened(iteration: int) -> int | None:
    return None if iteration < 0 else iteration


def checkpoints(iterations: int) -> frozenset[int]:
    """Return about `CHECKPOINTS` iterations from 0 to the last: dense at first, where most happens, then even.

    >>> sorted(checkpoints(4))
    [0, 1, 2, 3, 4]
    """
    even = np.linspace(0, iterations, CHECKPOINTS // 2 + 1)
    dense = np.geomspace(1, max(1, iterations), CHECKPOINTS // 2)
    return frozenset({0, iterations, *np.rint(even).astype(int).tolist(), *np.rint(dense).astype(int).tolist()})


def _networks(settings: Settings, problem: Problem, group: Group) -> Network:
    sizes = (problem.train.n_x, *settings.layers, problem.train.n_y)
    return stack(
        [
            Network.initialize(sizes, group.init, seed=seed, activation=settings.activation, loss=problem.loss)
            for seed in group.seeds
        ]
    )


def _on_all(iteration: int, network: Network, problem: Problem, arithmetic: str) -> Step:
    """Return a step as seen on all training examples."""
    with np.errstate(over="ignore", invalid="ignore"):
        passed = forward_pass(network, problem.train.X, arithmetic=arithmetic)
        gradient = backward_pass(network, passed, problem.train.Y, arithmetic=arithmetic)
        value = cost_of(network, passed, problem.train.Y, arithmetic=arithmetic)
    return Step(iteration, network, passed, gradient, value)


def _outcome(settings: Settings, problem: Problem, group: Group, trace: _Trace) -> Outcome:
    first, last = trace.first, trace.last
    with np.errstate(over="ignore", invalid="ignore"):
        scored = forward_pass(last.network, problem.scored.X, arithmetic=settings.arithmetic)
        regression = problem.train.task == "regression"
        accuracy = measures.accuracy(last.network, scored, problem.scored.Y, regression=regression)
        ends = _ends(trace)
        norms = measures.gradient_norm(first.gradient)
        pictured = group.seeds[0] == 0
        detail = pictures.detail(problem.train, first, last, trace.trail, group.seeds[0]) if pictured else None
    sound = [overflow is None for overflow in trace.overflowed]
    runs = tuple(
        Run(
            seed=seed,
            cost=tuple((t, finite(costs[i]) if trace.sound(i, t) else None) for t, costs in trace.curve),
            final_cost=finite(last.cost[i]) if sound[i] else None,
            accuracy=finite(accuracy[i]) if sound[i] else None,
            iterations_to_half_base_rate=trace.reached[i],
            gradient_norm=finite(norms[i]),
            overflowed_at=trace.overflowed[i],
            **{name: values[i] for name, values in ends.items()},
        )
        for i, seed in enumerate(group.seeds)
    )
    proofs = tuple(
        prove(first.network[i], settings.optimizer) if min(run.effective_units.start, default=2) == 1 else None
        for i, run in enumerate(runs)
    )
    return Outcome(group, runs, proofs, detail)


def _ends(trace: _Trace) -> dict[str, list[Ends]]:
    """Return what is measured at both ends of each run; what overflowed has no end."""
    return {
        name: [
            Ends(tuple(start), tuple(end) if overflow is None else (None,) * len(end))
            for start, end, overflow in zip(at_first.tolist(), at_last.tolist(), trace.overflowed, strict=True)
        ]
        for name, (at_first, at_last) in _measured(trace.first, trace.last).items()
    }


def _measured(first: Step, last: Step) -> dict[str, tuple[Array, Array]]:
    def both(measure: Callable[[Step], Any]) -> tuple[Array, Array]:
        return measure(first), measure(last)

    return {
        "effective_units": both(lambda s: measures.effective_units(s.network, s.forward, s.gradient)),
        "saturated": both(lambda s: measures.saturated_share(s.network, s.forward)),
        "dead": both(lambda s: measures.dead_share(s.network, s.forward)),
    }


def finite(value: Any) -> float | None:
    """Return the number, or None where it is inf or nan."""
    return float(value) if np.isfinite(value) else None
