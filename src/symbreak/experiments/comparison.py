"""The main job: the same network, data, seeds and rate under several initializations."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

from symbreak import datasets, initializers
from symbreak._version import __version__
from symbreak.datasets import Dataset
from symbreak.errors import InvalidInput
from symbreak.experiments import measures
from symbreak.experiments.result import CompareResult, DataSummary, NetworkSummary, Row
from symbreak.experiments.rows import row
from symbreak.experiments.running import Group, Outcome, Problem, train
from symbreak.experiments.settings import Settings
from symbreak.experiments.verdict import Facts

Progress = Callable[[int, int], None]

# Networks of a group share passes over arrays of about this many numbers: they fit a second-level cache.
GROUP_NUMBERS = 2**16


def compare(settings: Settings, *, data: Dataset | None = None, progress: Progress | None = None) -> CompareResult:
    """Train every initialization under every seed and return what was measured.

    Args:
        settings: what to compare.
        data: a data set at hand; otherwise `settings.data` is loaded.
        progress: called now and then with (network-iterations done, in all).

    Ctrl-C ends it early: the result then holds what was finished, and says `interrupted`.

    Raises:
        InvalidInput: data, target and loss that do not fit each other, and whatever the data is refused for.
        KeyboardInterrupt: interrupted before anything was finished.
    """
    problem, standardized = prepare(settings, data)
    network = _network_summary(settings, problem)
    outcomes, interrupted = _run_groups(settings, problem, _groups(settings, problem), progress)
    if not outcomes:
        raise KeyboardInterrupt
    found = [_row(init, outcomes, network, problem) for init in settings.inits]
    return CompareResult(
        command=settings.command,
        version=__version__,
        data=_data_summary(problem, standardized, settings),
        network=network,
        rows=tuple(each for each in found if each is not None),
        interrupted=interrupted,
    )


def prepare(settings: Settings, data: Dataset | None = None) -> tuple[Problem, bool]:
    """Load, split and standardize; tell whether it was standardized.

    Data made by formula is neither split nor standardized, as in the lesson.
    """
    whole = data or datasets.load(
        settings.data, target=settings.target, task=settings.task, impute=settings.impute or None
    )
    train_part = scored = whole
    if not whole.made_by_formula:
        train_part, scored = datasets.standardize(*datasets.split(whole))
    loss = _loss(settings, whole)
    if settings.batch_size is not None and settings.batch_size > train_part.samples:
        raise InvalidInput(
            "a batch cannot be larger than the training split",
            got=settings.batch_size,
            allowed=f"1 to {train_part.samples}",
            hint="leave it out for the full batch",
        )
    base = measures.base_rate(train_part.Y, loss=loss)
    return Problem(train_part, scored, loss, base), not whole.made_by_formula


def _loss(settings: Settings, data: Dataset) -> str:
    fitting = "squared-error" if data.task == "regression" else "cross-entropy"
    if settings.loss == "auto":
        return fitting
    if data.task == "regression" and settings.loss != "squared-error":
        raise InvalidInput(
            "a regression needs a loss for numbers",
            got=settings.loss,
            allowed="squared-error",
            hint="--loss squared-error",
        )
    return settings.loss


def _groups(settings: Settings, problem: Problem) -> list[Group]:
    widest = max((problem.train.n_x, *settings.layers)) * (settings.batch_size or problem.train.samples)
    size = max(1, min(settings.seeds, GROUP_NUMBERS // max(1, widest)))
    seeds = range(settings.seeds)
    return [
        Group(init, tuple(seeds[start : start + size]))
        for init in dict.fromkeys(settings.inits)
        for start in range(0, settings.seeds, size)
    ]


def _run_groups(
    settings: Settings, problem: Problem, groups: Sequence[Group], progress: Progress | None
) -> tuple[list[Outcome], bool]:
    """Train groups on all cores; numerical work leaves the interpreter lock, so threads are enough."""
    stop = threading.Event()
    done = [0] * len(groups)
    total = sum(len(group.seeds) for group in groups) * (settings.iterations + 1)

    def run(index: int) -> Outcome | None:
        def on_progress(iterations: int) -> bool:
            done[index] += iterations
            return not stop.is_set()

        outcome = train(settings, problem, groups[index], on_progress)
        done[index] = len(groups[index].seeds) * (settings.iterations + 1)
        return outcome

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        futures = [pool.submit(run, index) for index in range(len(groups))]
        try:
            _wait(futures, lambda: progress(sum(done), total) if progress else None)
        except KeyboardInterrupt:
            stop.set()
            pool.shutdown(cancel_futures=True)
    finished = [future.result() for future in futures if not future.cancelled()]
    return [outcome for outcome in finished if outcome is not None], stop.is_set()


def _wait(futures: Sequence[Future[Outcome | None]], report: Callable[[], None]) -> None:
    pending = set(futures)
    while pending:
        finished, pending = wait(pending, timeout=0.1)
        for future in finished:
            future.result()
        report()


def _row(init: str, outcomes: Sequence[Outcome], network: NetworkSummary, problem: Problem) -> Row | None:
    own = sorted((outcome for outcome in outcomes if outcome.group.init == init), key=lambda o: o.group.seeds)
    if not own:
        return None
    runs = tuple(run for outcome in own for run in outcome.runs)
    facts = Facts(runs, [proof for outcome in own for proof in outcome.proofs], network, problem.base_rate_cost)
    detail = next((outcome.detail for outcome in own if outcome.detail is not None), None)
    return row(init, initializers.get(init).formula, facts, detail)


def _network_summary(settings: Settings, problem: Problem) -> NetworkSummary:
    return NetworkSummary(
        sizes=(problem.train.n_x, *settings.layers, problem.train.n_y),
        activation=settings.activation,
        loss=problem.loss,
        optimizer=settings.optimizer,
        learning_rate=settings.learning_rate,
        iterations=settings.iterations,
        batch_size=settings.batch_size,
        seeds=settings.seeds,
        arithmetic=settings.arithmetic,
    )


def _data_summary(problem: Problem, standardized: bool, settings: Settings) -> DataSummary:
    train_part, scored = problem.train, problem.scored
    plane = train_part.n_x == 2
    regression = train_part.task == "regression"
    labels = train_part.Y[0] if regression else train_part.labels()
    return DataSummary(
        name=train_part.name,
        features=train_part.features,
        classes=train_part.classes,
        training_samples=train_part.samples,
        held_out_samples=scored.samples if standardized else 0,
        standardized=standardized,
        score="r2" if regression else "accuracy",
        base_rate_cost=problem.base_rate_cost,
        base_rate_score=_base_rate_score(problem),
        notes=train_part.notes,
        points=tuple(tuple(point) for point in train_part.X.T.tolist()) if plane else (),
        labels=tuple(float(label) for label in labels) if plane else (),
    )


def _base_rate_score(problem: Problem) -> float:
    """Return the score, on the scored split, of the answer that is most frequent in training (or their mean)."""
    train_part, scored = problem.train, problem.scored
    if train_part.task == "regression":
        residual = ((scored.Y - train_part.Y.mean(axis=1, keepdims=True)) ** 2).sum()
        total = ((scored.Y - scored.Y.mean(axis=1, keepdims=True)) ** 2).sum()
        return float(1 - residual / total) if total > 0 else 0.0
    labels = train_part.labels().tolist()
    favourite = max(set(labels), key=labels.count)
    return float((scored.labels() == favourite).mean())
