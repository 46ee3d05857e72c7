"""A chunk of a map -> its records. Nothing else enters: not the other chunks, the threads, or the machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.experiments import measures
from symbreak.experiments.map.cell import Cell, start
from symbreak.experiments.map.grid import Chunk
from symbreak.experiments.map.records import COLUMNS, Records
from symbreak.experiments.map.settings import MapSettings
from symbreak.experiments.running import Problem, checkpoints
from symbreak.network import Network, Trained, backward, forward, stack, train_many

Array = NDArray[np.floating[Any]]

# Networks whose activations are looked at together: they fit a second-level cache if the networks are small.
AT_ONCE = 32


@dataclass(frozen=True, eq=False)
class Job:
    """What every worker needs: the settings, and the data as the networks see it."""

    settings: MapSettings
    problem: Problem


def train_chunk(job: Job, chunk: Chunk, proceed: Callable[[int], bool] | None = None) -> Records | None:
    """Train and measure the networks of a chunk on one thread; None if `proceed` ended it.

    `proceed` is called now and then with the updates done since, and says whether to go on.
    """
    xs, ys = job.settings.xs[chunk.left : chunk.right], job.settings.ys[chunk.top : chunk.bottom]
    cells = [job.settings.cell(x, y) for y in ys for x in xs]
    trained = _trained(job, cells, proceed)
    if not trained.complete:
        return None
    columns = _measured(job, trained)
    columns["hidden_units"] = [sum(one.layers) for one in cells]
    return Records(**{name: np.array(columns[name], kind).reshape(chunk.shape) for name, kind in COLUMNS.items()})


def _trained(job: Job, cells: list[Cell], proceed: Callable[[int], bool] | None) -> Trained:
    settings, problem = job.settings, job.problem
    marks = () if settings.batch_size is None else checkpoints(settings.iterations)
    return train_many(
        _starts(job, cells),
        problem.train.X,
        problem.train.Y,
        iterations=settings.iterations,
        learning_rate=[one.rates for one in cells],
        optimizer=[one.optimizer for one in cells],
        batch_size=settings.batch_size,
        record=marks,
        threshold=problem.base_rate_cost / 2,
        arithmetic=settings.arithmetic,
        threads=1,
        proceed=proceed,
    )


def _starts(job: Job, cells: list[Cell]) -> Network:
    """Return the networks of these points; points that differ in how they are trained share a start."""
    data, made = job.problem.train, dict[Cell, Network]()
    starts = []
    for one in cells:
        # What a start does not depend on is left out of its key.
        key = replace(one, rates=(), optimizer="")
        if key not in made:
            made[key] = start(
                one,
                n_x=data.n_x,
                n_y=data.n_y,
                activation=job.settings.activation,
                loss=job.problem.loss,
                dtype=np.dtype(job.settings.precision).type,
            )
        starts.append(made[key])
    return stack(starts)


def _measured(job: Job, trained: Trained) -> dict[str, Any]:
    """Return the columns but for `hidden_units`."""
    diverged = trained.diverged
    count = len(diverged)
    parts = [slice(first, first + AT_ONCE) for first in range(0, count, AT_ONCE)]
    looked = [_looked_at(job, _part(trained.network, part), diverged[part]) for part in parts]
    accuracy, units = (np.concatenate(column) for column in zip(*looked, strict=True))
    return {
        "final_cost": np.where(diverged, np.nan, trained.final_cost),
        "accuracy": accuracy,
        "steps_to_half": trained.reached,
        "diverged_at": trained.diverged_at,
        "effective_units": units,
    }


def _looked_at(job: Job, networks: Network, diverged: NDArray[np.bool_]) -> tuple[Array, NDArray[np.int64]]:
    """Return accuracy and effective units of these networks; nan and -1 where they diverged."""
    accuracy, units = np.full(len(diverged), np.nan), np.full(len(diverged), -1)
    sound = ~diverged
    if not sound.any():
        return accuracy, units
    networks, problem, arithmetic = _part(networks, sound), job.problem, job.settings.arithmetic
    regression = problem.train.task == "regression"
    with np.errstate(over="ignore", invalid="ignore"):
        passed = forward(networks, problem.train.X, arithmetic=arithmetic)
        gradient = backward(networks, passed, problem.train.Y, arithmetic=arithmetic)
        scored = passed
        if problem.scored is not problem.train:
            scored = forward(networks, problem.scored.X, arithmetic=arithmetic)
        score = measures.accuracy(networks, scored, problem.scored.Y, regression=regression)
        accuracy[sound] = np.where(np.isfinite(score), score, np.nan)
        units[sound] = measures.effective_units(networks, passed, gradient).sum(axis=1)
    return accuracy, units


def _part(networks: Network, chosen: slice | NDArray[np.bool_]) -> Network:
    return networks.with_parameters([array[chosen] for array in networks.parameters])
