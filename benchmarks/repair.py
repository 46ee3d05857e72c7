"""Does the start decide? Eight tasks trained from PyTorch's default, from the package `lsuv`, and from our starts.

Each start has the best of three learning rates (by the median over seeds), so none profits from the rate. The loss is
measured on one fixed batch after a fixed number of steps; nan and inf count as inf. Tasks, steps, rates and seeds are
fixed in `repair_tasks.py`. Verdicts on our starts: "best" (the lowest median), "within noise" (the median lies inside
the range of the best start's seeds), "behind".

    pip install lsuv
    python benchmarks/repair.py                    # all tasks, some minutes on two cores
    python benchmarks/repair.py --task xor-lesson
    python benchmarks/repair.py --quick            # two seeds, a fifth of the steps: whether it runs, not what is best
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
import warnings
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import torch
from repair_starts import OURS, STARTS
from repair_tasks import TASKS, Task

# Seeds of the batches that training, calibration and measuring see, apart from those of the models.
TRAINING, CALIBRATING, MEASURING = 10_000, 20_000, 30_000
CALIBRATED_ON = 256
Key = tuple[str, str, float, int]


def train(task: Task, start: str, rate: float, seed: int) -> float:
    """Return the loss after the task's steps."""
    model = started(task, start, seed)
    optimizer = _optimizer(task, model, rate)
    generator = torch.Generator().manual_seed(TRAINING + seed)
    for _ in range(task.steps):
        x, y = task.sample(task.batch, generator)
        loss = task.loss(model(x), y)
        if not math.isfinite(loss.item()):
            return math.inf
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return measure(task, model)


def started(task: Task, start: str, seed: int) -> torch.nn.Module:
    """Return the model, built and started."""
    torch.manual_seed(seed)
    model = task.build()
    x, _ = task.sample(min(CALIBRATED_ON, task.measured), torch.Generator().manual_seed(CALIBRATING + seed))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lsuv warns of layers that it cannot reach
        STARTS[start](model, x, seed)
    return model


def measure(task: Task, model: torch.nn.Module) -> float:
    x, y = task.sample(task.measured, torch.Generator().manual_seed(MEASURING))
    with torch.no_grad():
        loss = float(task.loss(model(x), y))
    return loss if math.isfinite(loss) else math.inf


def _optimizer(task: Task, model: torch.nn.Module, rate: float) -> torch.optim.Optimizer:
    if task.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), lr=rate)
    return torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9 if task.optimizer == "sgd" else 0.0)


def run(key: Key, quick: bool) -> tuple[Key, float]:
    name, start, rate, seed = key
    return key, train(chosen(name, quick), start, rate, seed)


def chosen(name: str, quick: bool) -> Task:
    task = next(task for task in TASKS if task.name == name)
    return replace(task, steps=max(2, task.steps // 5), seeds=2) if quick else task


def median(losses: Iterable[float]) -> float:
    return statistics.median(losses)


def best_rate(losses: Mapping[Key, float], task: Task, start: str) -> tuple[float, list[float]]:
    """Return the rate with the lowest median, and the losses of its seeds."""
    by_rate = {rate: [losses[task.name, start, rate, seed] for seed in range(task.seeds)] for rate in task.rates}
    rate = min(by_rate, key=lambda each: median(by_rate[each]))
    return rate, by_rate[rate]


def report(losses: Mapping[Key, float], task: Task) -> None:
    """Print a line for each start."""
    found = {start: best_rate(losses, task, start) for start in STARTS}
    best = min(found, key=lambda start: median(found[start][1]))
    untrained = median(measure(task, started(task, "torch's default", seed)) for seed in range(task.seeds))
    print(f"\n{task.name}: {task.optimizer}, {task.steps} steps, {task.seeds} seeds; {untrained:.4g} before the first")
    for start, (rate, seen) in found.items():
        middle = median(seen)
        lowest = middle == median(found[best][1])
        inside = middle <= max(found[best][1])
        verdict = "best" if lowest else "within noise" if inside else "behind"
        told = verdict if start in OURS or lowest else ""
        print(
            f"  {start:22} {middle:10.4g}  {min(seen):10.4g} .. {max(seen):<10.4g} rate {rate:<6g} {told}", flush=True
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", action="append", choices=[task.name for task in TASKS])
    parser.add_argument("--quick", action="store_true", help="two seeds and a fifth of the steps")
    parser.add_argument("--jobs", type=int, default=2, help="processes, of one thread each")
    options = parser.parse_args()
    begun = time.perf_counter()
    print(f"{'start':24} {'median':>10}  {'lowest':>10} .. highest loss")
    with ProcessPoolExecutor(options.jobs, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for name in options.task or [task.name for task in TASKS]:
            task = chosen(name, options.quick)
            keys = [(name, s, rate, seed) for s in STARTS for rate in task.rates for seed in range(task.seeds)]
            losses = dict(pool.map(run, keys, [options.quick] * len(keys), chunksize=4))
            report(losses, task)
    print(f"\n{time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
