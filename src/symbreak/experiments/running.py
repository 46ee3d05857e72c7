"""Training one group of networks (one initialization, some seeds) and measuring them on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.datasets import Dataset
from symbreak.experiments import measures, pictures
from symbreak.experiments.proof import Proof, prove
from symbreak.experiments.result import Detail, Ends, Run
from symbreak.experiments.settings import Settings
from symbreak.network import Network, Step, descend, stack
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


@dataclass(eq=False)
class _Diary:
    """What is written down while a group trains."""

    size: int
    half: float
    curve: list[tuple[int, Array]] = field(default_factory=list)
    reached: list[int | None] = field(default_factory=list)
    overflowed: list[int | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reached = [None] * self.size
        self.overflowed = [None] * self.size

    def note(self, iteration: int, cost: Array) -> None:
        """Note the first time that each cost is half of the base rate, or no number any more."""
        for events, happened in ((self.reached, cost <= self.half), (self.overflowed, ~np.isfinite(cost))):
            for index in np.flatnonzero(happened):
                if events[index] is None:
                    events[index] = iteration

    def sound(self, index: int, iteration: int) -> bool:
        """Tell whether nothing had overflowed yet; what comes after is no longer gradient descent, even if finite."""
        overflow = self.overflowed[index]
        return overflow is None or iteration < overflow

    def all_overflowed(self) -> bool:
        return None not in self.overflowed


def train(settings: Settings, problem: Problem, group: Group, on_iteration: Callable[[], bool]) -> Outcome | None:
    """Train a group; `on_iteration` is called after each and says whether to go on. None if it was stopped."""
    start = _networks(settings, problem, group)
    marks = checkpoints(settings.iterations)
    diary = _Diary(len(group.seeds), problem.base_rate_cost / 2)
    trail = []
    first: Step | None = None
    last: Step | None = None
    for step in _descent(settings, problem, start):
        full = step if settings.batch_size is None else None
        if step.iteration in marks or step.iteration == settings.iterations:
            full = full or _on_all(step, problem, settings.arithmetic)
            diary.curve.append((step.iteration, full.cost))
            trail.append((step.iteration, full.network.weights[0][0]))
            first, last = first or full, full
        if full is not None:
            diary.note(step.iteration, full.cost)
        if not on_iteration():
            return None
        if diary.all_overflowed():
            break
    assert first, "iteration 0 is a checkpoint"
    assert last, "and so is the last"
    return _outcome(settings, problem, group, diary, first, last, trail)


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


def _descent(settings: Settings, problem: Problem, start: Network) -> Iterator[Step]:
    return descend(
        start,
        problem.train.X,
        problem.train.Y,
        iterations=settings.iterations,
        learning_rate=settings.learning_rate,
        optimizer=settings.optimizer,
        batch_size=settings.batch_size,
        arithmetic=settings.arithmetic,
    )


def _on_all(step: Step, problem: Problem, arithmetic: str) -> Step:
    """Return the step as seen on all training examples instead of a mini-batch."""
    with np.errstate(over="ignore", invalid="ignore"):
        passed = forward_pass(step.network, problem.train.X, arithmetic=arithmetic)
        gradient = backward_pass(step.network, passed, problem.train.Y, arithmetic=arithmetic)
        value = cost_of(step.network, passed, problem.train.Y, arithmetic=arithmetic)
    return Step(step.iteration, step.network, passed, gradient, value)


def _outcome(
    settings: Settings,
    problem: Problem,
    group: Group,
    diary: _Diary,
    first: Step,
    last: Step,
    trail: list[tuple[int, Array]],
) -> Outcome:
    with np.errstate(over="ignore", invalid="ignore"):
        scored = forward_pass(last.network, problem.scored.X, arithmetic=settings.arithmetic)
        regression = problem.train.task == "regression"
        accuracy = measures.accuracy(last.network, scored, problem.scored.Y, regression=regression)
        ends = {
            name: [
                Ends(tuple(start), tuple(end) if overflow is None else (None,) * len(end))
                for start, end, overflow in zip(at_first.tolist(), at_last.tolist(), diary.overflowed, strict=True)
            ]
            for name, (at_first, at_last) in _measured(first, last).items()
        }
        norms = measures.gradient_norm(first.gradient)
        detail = pictures.detail(problem.train, first, last, trail, group.seeds[0]) if group.seeds[0] == 0 else None
    runs = tuple(
        Run(
            seed=seed,
            cost=tuple(
                (iteration, finite(costs[i]) if diary.sound(i, iteration) else None) for iteration, costs in diary.curve
            ),
            final_cost=finite(last.cost[i]) if diary.overflowed[i] is None else None,
            accuracy=finite(accuracy[i]) if diary.overflowed[i] is None else None,
            iterations_to_half_base_rate=diary.reached[i],
            gradient_norm=finite(norms[i]),
            overflowed_at=diary.overflowed[i],
            **{name: values[i] for name, values in ends.items()},
        )
        for i, seed in enumerate(group.seeds)
    )
    proofs = tuple(
        prove(first.network[i], settings.optimizer) if min(run.effective_units.start, default=2) == 1 else None
        for i, run in enumerate(runs)
    )
    return Outcome(group, runs, proofs, detail)


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
