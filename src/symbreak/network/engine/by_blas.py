"""Many networks by the products of a BLAS library: one after the other, as `descend` trains each."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.network import optimizers, propagation
from symbreak.network.blas_threads import one_thread
from symbreak.network.engine import layout
from symbreak.network.engine.job import Job
from symbreak.network.network import Network, stack
from symbreak.network.optimizers import Optimizer, State
from symbreak.network.training import Step, descend
from symbreak.random.sharing import share

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Task:
    """What is trained, as `descend` takes it: a stack, its data, an update rule for each network, mini-batches."""

    networks: Network
    x: Array
    y: Array
    rules: Sequence[str | Optimizer]
    batch_size: int | None
    batch_seed: int


def run(task: Task, job: Job, threads: int, proceed: Callable[[int], bool] | None) -> bool:
    """Train all networks, write down what the job asks for, and tell whether all of them came to their end."""
    halt = threading.Event()

    def take(pieces: Iterator[int]) -> None:
        try:
            for n in pieces:
                for done in _train(task, job, n):
                    if halt.is_set():
                        return
                    if proceed is not None and not proceed(done):
                        halt.set()
        except BaseException:
            halt.set()
            raise

    count = len(job.state.p)
    # Several networks share our threads; one alone has those of BLAS.
    with contextlib.nullcontext() if count == 1 < threads else one_thread():
        share(take, range(count), min(count, threads))
    return not halt.is_set()


def _train(task: Task, job: Job, n: int) -> Iterator[int]:
    """Train network n; yield after each step how many were done."""
    rule = _own_rule(task, job, n)
    for step in descend(
        task.networks[n],
        task.x,
        task.y,
        iterations=job.notes.iterations,
        learning_rate=1.0,
        optimizer=rule,
        batch_size=task.batch_size,
        batch_seed=task.batch_seed,
        arithmetic="blas",
    ):
        _note(task, job, n, step)
        stopped = job.notes.stop and job.notes.diverged[n] >= 0
        if stopped or step.iteration == job.notes.iterations:
            # Before the next update, which `descend` would make once it is asked to go on.
            _keep(job, n, step.network, rule.states[-1])
        yield 1
        if stopped:
            return


@dataclass(frozen=True, eq=False)
class _OwnRule(Optimizer):
    """An update rule that begins with a memory and shows what it remembers: the last of `states`."""

    states: list[State]

    def start(self, parameters: Sequence[Array]) -> State:
        return self.states[-1]


def _own_rule(task: Task, job: Job, n: int) -> _OwnRule:
    """Return the rule of network n with a rate for each parameter, times the common one."""
    rule, network, memory = optimizers.get(task.rules[n]), task.networks[n], job.state
    rates = np.stack([job.rule.rates[n], job.rule.bias_rates[n]], axis=1).ravel().tolist()
    first, second = (layout.network(network, rows[n]).parameters for rows in (memory.first, memory.second))
    states = [State(tuple(first), tuple(second), (float(memory.powers[n, 0]), float(memory.powers[n, 1])))]

    def update(parameters: Sequence[Array], gradients: Sequence[Array], state: State, rate: Any) -> Any:
        each = [
            rule.update([p], [g], State((v,), (s,), state.powers), rate * own)
            for p, g, v, s, own in zip(parameters, gradients, state.first, state.second, rates, strict=True)
        ]
        firsts, seconds = (tuple(getattr(after, name)[0] for _, after in each) for name in ("first", "second"))
        states[:] = [State(firsts, seconds, each[0][1].powers)]
        return [parameter for (parameter,), _ in each], states[0]

    return _OwnRule(rule.text, update, states)


def _note(task: Task, job: Job, n: int, step: Step) -> None:
    """Write down what is asked for of a step, by the rules of the compiled engine."""
    notes, t, full = job.notes, step.iteration, task.batch_size is None
    place, cost = notes.places[t], step.cost
    if notes.costs.size:
        notes.costs[n, t] = cost
    if place >= 0:
        if not full:
            cost = _cost_on_all(task, step.network)
        notes.curve[n, place] = cost
        if notes.watched[n] >= 0:
            notes.paths[notes.watched[n], place] = _row(step.network)
    if (full or place >= 0) and notes.reached[n] < 0 and cost <= cost.dtype.type(notes.thresholds[n]):
        notes.reached[n] = t
    if notes.diverged[n] < 0 and not (np.isfinite(step.cost) and np.isfinite(cost)):
        notes.diverged[n] = t


def _cost_on_all(task: Task, network: Network) -> Array:
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        passed = propagation.forward(network, task.x, arithmetic="blas")
        return propagation.cost(network, passed, task.y, arithmetic="blas")


def _keep(job: Job, n: int, network: Network, memory: State) -> None:
    state = job.state
    state.p[n] = _row(network)
    state.first[n], state.second[n] = (_row(network.with_parameters(part)) for part in (memory.first, memory.second))
    state.powers[n] = memory.powers


def _row(network: Network) -> Array:
    row: Array = layout.rows(stack([network]))[0]
    return row
