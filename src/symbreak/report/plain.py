"""A comparison in plain text: what was run, and what each initialization came to."""

from __future__ import annotations

from symbreak.experiments.result import CompareResult
from symbreak.report.format import plural


def headline(result: CompareResult) -> str:
    """Return what was run in two or three lines."""
    data, network = result.data, result.network
    sizes = "-".join(map(str, network.sizes))
    batch = "full batch" if network.batch_size is None else f"batches of {network.batch_size}"
    split = f"{data.training_samples} examples"
    if data.held_out_samples:
        split += f" to learn from, {data.held_out_samples} held out"
    lines = [
        f"{data.name}: {split}; base-rate cost {data.base_rate_cost:.3g},"
        f" base-rate {data.score} {data.base_rate_score:.3g}",
        f"network {sizes}, {network.activation}, {network.loss}; {network.optimizer}, learning rate"
        f" {network.learning_rate:g}, {network.iterations} iterations, {batch}, {plural(network.seeds, 'seed')}",
        *data.notes,
    ]
    return "\n".join(lines)


def verdicts(result: CompareResult) -> str:
    """Return a line for each initialization: its name and its verdict."""
    width = max((len(row.init) for row in result.rows), default=0)
    return "\n".join(f"{row.init:<{width}}  {row.verdict}" for row in result.rows)
