"""One run: a model built, given its start, trained on the batches, and measured on the way."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from symbreak.errors import InvalidInput
from symbreak.experiments import pictures
from symbreak.experiments.models.batches import Batch, Batches
from symbreak.experiments.models.optimizers import made
from symbreak.experiments.models.proof import prove
from symbreak.experiments.models.scoring import Level, score
from symbreak.experiments.models.settings import Task
from symbreak.experiments.models.starts import Start
from symbreak.experiments.proof import Proof
from symbreak.experiments.result import Detail, Ends, Run
from symbreak.experiments.running import checkpoints, finite
from symbreak.torch import calls
from symbreak.torch.builder import built
from symbreak.torch.nested import quoted
from symbreak.torch.snapshot import Layer, Snapshot, cost, snapshot
from symbreak.torch.states import reseed, seeded

Array = NDArray[np.floating[Any]]

# The paths of more units could not be told apart in a picture.
MOST_PATHS = 256


@dataclass(frozen=True, eq=False)
class Problem:
    """What is the same for all runs: the task, its batches, how long, what a model without inputs comes to."""

    task: Task
    batches: Batches
    steps: int
    level: Level
    layers: tuple[Layer, ...]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one run gave; pictures for the first seed."""

    run: Run
    proof: Proof
    detail: Detail | None


@dataclass(eq=False)
class _Path:
    """How a run went: costs and the first layer's weights at checkpoints, and where it ceased to be finite."""

    curve: list[tuple[int, float | None]] = field(default_factory=list)
    trail: list[tuple[int, Array]] = field(default_factory=list)
    overflowed: int | None = None


def begun(task: Task, start: Start, x: Any, seed: int) -> nn.Module:
    """Build a model and give it its start; call it with every random state seeded.

    Raises:
        InvalidInput: the builder fails, or the model cannot take this start.
    """
    model = built(task.build)[0]
    reseed(seed)
    try:
        start.apply(model, x, seed)
    except InvalidInput as error:
        raise InvalidInput(
            f"the start {start.text}: {error.rule}", got=error.got, allowed=error.allowed, hint=error.hint
        ) from error
    return model


def train(problem: Problem, start: Start, seed: int, on_step: Callable[[], None]) -> Outcome:
    """Train and measure one model; every random state is as before afterwards.

    Raises:
        InvalidInput: the model, the loss or the optimizer fails on a batch.
    """
    first = problem.batches.at(0).copied()
    task = problem.task
    with seeded(seed):
        model = begun(task, start, first.copied().x, seed)
        before = snapshot(model, first.x, first.y, task.loss_fn, seed=seed)
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        optimizer = made(task.make_optimizer, trained)
        proof = prove(model, first, task.loss_fn, optimizer, [layer.weight for layer in problem.layers], seed=seed)
        # Whatever the start has drawn, the noise of training is the same for all of them.
        reseed(seed)
        path = _descend(model, optimizer, problem, seed, on_step)
        after = None if path.overflowed is not None else snapshot(model, first.x, first.y, task.loss_fn, seed=seed)
        run = _run(problem, model, seed, path, before, after)
    return Outcome(run, proof, _detail(problem, seed, path, before, after) if seed == 0 else None)


def _descend(model: nn.Module, optimizer: Optimizer, problem: Problem, seed: int, on_step: Callable[[], None]) -> _Path:
    marks, path = checkpoints(problem.steps), _Path()
    calls.in_training(model)
    for iteration in range(problem.steps + 1):
        if path.overflowed is None and iteration in marks:
            _look(model, problem, path, iteration, seed)
        elif iteration in marks:
            path.curve.append((iteration, None))
        if path.overflowed is None and iteration < problem.steps:
            loss = _step(model, optimizer, problem.batches.at(iteration).copied(), problem.task)
            if not math.isfinite(loss):
                path.overflowed = iteration
                path.curve = [(t, None if t >= iteration else value) for t, value in path.curve]
        on_step()
    return path


def _look(model: nn.Module, problem: Problem, path: _Path, iteration: int, seed: int) -> None:
    measured = mean_cost(model, problem.batches.measured, problem.task.loss_fn, seed)
    path.curve.append((iteration, finite(measured)))
    if not math.isfinite(measured):
        path.overflowed = iteration
    if seed == 0 and problem.layers:
        path.trail.append((iteration, _first_weights(model, problem.layers[0])))


def mean_cost(model: nn.Module, batches: tuple[Batch, ...], loss_fn: calls.LossFunction | None, seed: int) -> float:
    """Return the mean loss over the samples of some batches."""
    costs = [cost(model, batch.x, batch.y, loss_fn, seed=seed) * batch.samples for batch in batches]
    return sum(costs) / sum(batch.samples for batch in batches)


def _step(model: nn.Module, optimizer: Optimizer, batch: Batch, task: Task) -> float:
    """Take one step and return the loss before it; optimizers that look several times are given the means to.

    Raises:
        InvalidInput: autograd or the optimizer cannot.
    """
    seen: list[float] = []

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = calls.needed_loss(calls.forward(model, batch.x), batch.y, task.loss_fn).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        seen.append(float(loss.detach()))
        return loss

    try:
        optimizer.step(closure)  # type: ignore[arg-type]
    except InvalidInput:
        raise
    except (RuntimeError, TypeError, ValueError) as error:
        raise InvalidInput(
            "a step of training must run",
            got=quoted(error),
            allowed="loss.backward() and optimizer.step(closure) that work on this model",
            hint="train it for one step in Python first",
        ) from error
    return seen[0] if seen else math.nan


def _first_weights(model: nn.Module, layer: Layer) -> Array:
    """Return two weights of each unit of the first hidden layer."""
    weight = dict(model.named_parameters(remove_duplicate=False)).get(layer.weight)
    if weight is None or layer.units > MOST_PATHS or layer.units not in weight.shape[:2]:
        return np.zeros((0, 2))
    table = weight.detach() if weight.shape[0] == layer.units else weight.detach().transpose(0, 1)
    found: Array = table.reshape(layer.units, -1)[:, :2].float().cpu().numpy().copy()
    return found


def _run(problem: Problem, model: nn.Module, seed: int, path: _Path, before: Snapshot, after: Snapshot | None) -> Run:
    final = path.curve[-1][1]
    half = [t for t, value in path.curve if value is not None and value <= problem.level.cost / 2]
    scored: float | None = final
    if problem.level.score != "cost" and after is not None:
        fn = problem.task.loss_fn
        scored = finite(score(model, problem.batches.measured, before.loss, loss_fn=fn, seed=seed))
    return Run(
        seed=seed,
        cost=tuple(path.curve),
        final_cost=final,
        accuracy=scored,
        iterations_to_half_base_rate=half[0] if half else None,
        gradient_norm=finite(before.gradient_norm),
        overflowed_at=path.overflowed,
        **{name: _ends(problem, name, before, after) for name in ("effective_units", "saturated", "dead")},
    )


def _ends(problem: Problem, name: str, before: Snapshot, after: Snapshot | None) -> Ends:
    field = {"effective_units": "effective"}.get(name, name)
    start = tuple(_of(layer, field, before) for layer in problem.layers)
    if after is None:
        return Ends(start, (None,) * len(start))
    return Ends(start, tuple(_of(layer, field, after) for layer in problem.layers))


def _of(layer: Layer, field: str, shot: Snapshot) -> float:
    """Return a layer's number; a layer that a model leaves out at random shows what it did when it was there."""
    found = next((each for each in shot.layers if each.weight == layer.weight), layer)
    return float(getattr(found, field))


def _detail(problem: Problem, seed: int, path: _Path, before: Snapshot, after: Snapshot | None) -> Detail:
    last = after or before
    pairs = list(zip(before.layers, last.layers, strict=False))
    ends = [(a.gradient, b.gradient if after else _nothing()) for a, b in pairs]
    ends.append((before.output, last.output if after else _nothing()))
    trail = [(t, weights) for t, weights in path.trail if len(weights) and np.isfinite(weights).all()]
    return Detail(
        seed=seed,
        trajectory_iterations=tuple(t for t, _ in trail),
        trajectory_weights=tuple(tuple(tuple(unit) for unit in weights.tolist()) for _, weights in trail),
        activations=tuple(
            pictures.histogram(place, a.values, b.values if after else _nothing())
            for place, (a, b) in enumerate(pairs, 1)
        ),
        gradients=tuple(pictures.histogram(place, *pair) for place, pair in enumerate(ends, 1)),
        boundary=None,
    )


def _nothing() -> Array:
    return np.zeros(0)
