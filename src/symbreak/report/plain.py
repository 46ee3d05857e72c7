"""A comparison in plain text: what was run, and what each initialization came to."""

from __future__ import annotations

from symbreak.experiments.result import CompareResult, NetworkSummary
from symbreak.report.format import plural
from symbreak.report.table import scored


def headline(result: CompareResult) -> str:
    """Return what was run in two or three lines."""
    data, network = result.data, result.network
    batch = "full batch" if network.batch_size is None else f"batches of {network.batch_size}"
    split = f"{data.training_samples} examples"
    if data.held_out_samples:
        split += f" to learn from, {data.held_out_samples} held out"
    score = f", base-rate {data.score} {data.base_rate_score:.3g}" if scored(data) else ""
    lines = [
        f"{data.name}: {split}; {data.base} cost {data.base_rate_cost:.3g}{score}",
        f"{what(network)}, {network.loss}; {network.optimizer}, learning rate"
        f" {network.learning_rate:g}, {network.iterations} iterations, {batch}, {plural(network.seeds, 'seed')}",
        *data.notes,
    ]
    return "\n".join(lines)


def what(network: NetworkSummary) -> str:
    """Return what was trained: the lesson's network by its sizes, a model by its name.

    >>> lesson = NetworkSummary((2, 4, 1), "tanh", "cross-entropy", "gd", 1.2, 2000, None, 20, "unitwise")
    >>> what(lesson)
    'network 2-4-1, tanh'
    """
    if network.model:
        return ", ".join([network.model, plural(network.parameters, "parameter"), *filter(None, [network.activation])])
    return f"network {'-'.join(map(str, network.sizes))}, {network.activation}"


def verdicts(result: CompareResult) -> str:
    """Return a line for each initialization: its name and its verdict."""
    width = max((len(row.init) for row in result.rows), default=0)
    return "\n".join(f"{row.init:<{width}}  {row.verdict}" for row in result.rows)
