"""The main job for a model of the user's own: the same batches, seeds and optimizer under several starts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import nn

from symbreak._version import __version__
from symbreak.experiments.models.batches import Batches, shapes, taken
from symbreak.experiments.models.optimizers import made
from symbreak.experiments.models.running import Outcome, Problem, begun, mean_cost, train
from symbreak.experiments.models.scoring import Level, level
from symbreak.experiments.models.settings import Settings, Task
from symbreak.experiments.models.starts import Start, start
from symbreak.experiments.result import CompareResult, DataSummary, NetworkSummary, Row
from symbreak.experiments.rows import row
from symbreak.experiments.verdict import Facts
from symbreak.torch.snapshot import Snapshot, snapshot
from symbreak.torch.states import seeded

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class _Model:
    """What is told of the model, whatever its start."""

    kind: str
    parameters: int
    dtype: str
    optimizer: str
    learning_rate: float
    shots: tuple[Snapshot, ...]


def compare(settings: Settings, task: Task, *, progress: Progress | None = None) -> CompareResult:
    """Train the model from every start under every seed and return what was measured.

    All starts are tried before the first run. Random states are as before afterwards.

    Args:
        settings: what to compare.
        task: the builder, the batches, the loss and the optimizer.
        progress: called after every step with (steps done, in all).

    Ctrl-C ends it early: the result then holds the runs that were finished, and says `interrupted`.

    Raises:
        InvalidInput: a builder, batches, loss, optimizer or start that cannot be used.
        KeyboardInterrupt: interrupted before anything was finished.
    """
    starts = tuple(start(text) for text in dict.fromkeys(settings.inits))
    batches = taken(task.batches, settings.steps)
    model = _looked_at(task, batches)
    known = level(model.shots, batches.measured)
    found = known or _starting(_first_costs(task, starts, batches))
    if known is not None:
        _first_costs(task, starts, batches)
    problem = Problem(task, batches, settings.steps, found, model.shots[0].layers)
    outcomes, interrupted = _all(problem, starts, settings, progress)
    if not outcomes:
        raise KeyboardInterrupt
    network = _network_summary(settings, problem, model)
    rows = [_row(each, outcomes.get(each.text, []), network, problem.level) for each in starts]
    return CompareResult(
        command=settings.command,
        version=__version__,
        data=_data_summary(settings, problem),
        network=network,
        rows=tuple(each for each in rows if each is not None),
        interrupted=interrupted,
    )


def _looked_at(task: Task, batches: Batches) -> _Model:
    """Build the model once and see what it is: its layers and its loss on the batches that will be measured."""
    as_built = start("as-built")
    with seeded(0):
        model = begun(task, as_built, None, 0)
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        shots = [snapshot(model, b.x, b.y, task.loss_fn) for b in (each.copied() for each in batches.measured)]
        optimizer = made(task.make_optimizer, trained)
        rate = optimizer.param_groups[0].get("lr", math.nan)
        count = sum(parameter.numel() for parameter in model.parameters())
    return _Model(type(model).__name__, count, _dtype(model), type(optimizer).__name__, float(rate), tuple(shots))


def _dtype(model: nn.Module) -> str:
    return ", ".join(sorted({str(p.dtype).removeprefix("torch.") for p in model.parameters()}))


def _first_costs(task: Task, starts: Sequence[Start], batches: Batches) -> list[float]:
    """Try every start once, so that one that cannot be had is told before hours of training."""
    costs = []
    for each in starts:
        with seeded(0):
            model = begun(task, each, batches.at(0).copied().x, 0)
            costs.append(mean_cost(model, tuple(b.copied() for b in batches.measured), task.loss_fn, 0))
    return costs


def _starting(costs: Sequence[float]) -> Level:
    """Return the lowest cost at step 0, where no base rate is known; the cost is its own score then."""
    lowest = min((cost for cost in costs if math.isfinite(cost)), default=1.0)
    return Level("starting", lowest, "cost", lowest)


def _all(
    problem: Problem, starts: Sequence[Start], settings: Settings, progress: Progress | None
) -> tuple[dict[str, list[Outcome]], bool]:
    """Train one run after the other: PyTorch uses all cores for each, and its random state is one for all."""
    found: dict[str, list[Outcome]] = {}
    total, done = len(starts) * settings.seeds * (settings.steps + 1), 0

    def on_step() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    try:
        for each in starts:
            for seed in range(settings.seeds):
                outcome = train(problem, each, seed, on_step)
                found.setdefault(each.text, []).append(outcome)
    except KeyboardInterrupt:
        return found, True
    return found, False


def _row(each: Start, outcomes: Sequence[Outcome], network: NetworkSummary, level: Level) -> Row | None:
    if not outcomes:
        return None
    runs, proofs = [outcome.run for outcome in outcomes], [outcome.proof for outcome in outcomes]
    facts = Facts(runs, proofs, network, level.cost, base=level.base, score=level.score)
    return row(each.text, each.law, facts, outcomes[0].detail)


def _network_summary(settings: Settings, problem: Problem, model: _Model) -> NetworkSummary:
    layers, first = problem.layers, problem.batches.at(0)
    prediction = model.shots[0].prediction
    return NetworkSummary(
        sizes=(
            first.samples,
            *(layer.units for layer in layers),
            prediction.shape[-1] if prediction is not None and prediction.dim() else 1,
        ),
        activation=", ".join(dict.fromkeys(layer.activation for layer in layers if layer.activation)),
        loss=settings.loss or model.shots[0].loss.kind,
        optimizer=model.optimizer,
        learning_rate=model.learning_rate,
        iterations=settings.steps,
        batch_size=None if len(problem.batches.items) == 1 else first.samples,
        seeds=settings.seeds,
        arithmetic=model.dtype,
        model=model.kind if settings.in_memory else f"{settings.model} ({model.kind})",
        parameters=model.parameters,
        layers=tuple(layer.weight for layer in layers),
    )


def _data_summary(settings: Settings, problem: Problem) -> DataSummary:
    batches, found = problem.batches, problem.level
    notes = [f"a batch is {', '.join(shapes(batches.at(0)))}"]
    if len(batches.measured) < len(batches.items):
        notes.append(f"costs are means over {len(batches.measured)} of the {len(batches.items)} batches")
    if found.base == "starting":
        notes.append("this loss has no base rate that is known: the lowest cost at step 0 stands for it")
    return DataSummary(
        name=settings.batches,
        features=(),
        classes=(),
        training_samples=sum(batch.samples for batch in batches.measured),
        held_out_samples=0,
        standardized=False,
        score=found.score,
        base_rate_cost=found.cost,
        base_rate_score=found.base_score,
        notes=tuple(notes),
        points=(),
        labels=(),
        base=found.base,
    )
