"""`symbreak.compare`: which start lets this network learn. A thin view over the result."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symbreak import experiments, report
from symbreak.datasets import Dataset
from symbreak.experiments import CompareResult, Settings
from symbreak.experiments.comparison import Progress
from symbreak.experiments.settings import DEFAULT_INITS, activation_text, init_text, parse_layers
from symbreak.initializers import Initializer
from symbreak.numerics import Activation
from symbreak.report import files, plain
from symbreak.report.table import html_table


@dataclass(frozen=True)
class Comparison:
    """The result of `compare`: `rows`, one for each initialization, and ways to show them."""

    result: CompareResult

    @property
    def rows(self) -> tuple[Any, ...]:
        """One `Row` for each initialization: spreads over seeds, units, verdict, runs."""
        return self.result.rows

    def print(self) -> None:
        """Print the table and the verdicts."""
        from symbreak.report.terminal import print_comparison

        print_comparison(self.result)

    def to_json(self, path: str | Path | None = None) -> dict[str, Any]:
        """Return the result as plain data (schema symbreak/compare/1); write it if a path is given."""
        data = self.result.to_json()
        if path is not None:
            files.write_whole(files.check_json_path(path), json.dumps(data, allow_nan=False).encode())
        return data

    def to_html(self, path: str | Path | None = None) -> str:
        """Return the self-contained page; write it if a path is given."""
        page = report.comparison_html(self.result)
        if path is not None:
            files.write_whole(files.check_html_path(path), page.encode())
        return page

    def plot(self, path: str | Path | None = None) -> Any:
        """Return the Matplotlib figure; write it (.png, .svg) if a path is given."""
        if path is not None:
            report.write_figure(self.result, Path(path))
        return report.comparison_figure(self.result)

    def __str__(self) -> str:
        return f"{plain.headline(self.result)}\n\n{plain.verdicts(self.result)}"

    def _repr_html_(self) -> str:
        return str(html_table(self.result))


def compare(
    data: str | Path | Dataset = "planar",
    *,
    target: str | None = None,
    task: str | None = None,
    impute: bool = False,
    inits: str | Initializer | Sequence[str | Initializer] | None = None,
    layers: int | str | Sequence[int] = (4,),
    activation: str | Activation = "tanh",
    loss: str = "auto",
    seeds: int = 20,
    iterations: int = 2000,
    learning_rate: float = 1.2,
    optimizer: str = "gd",
    batch_size: int | None = None,
    arithmetic: str = "unitwise",
    progress: Progress | None = None,
) -> Comparison:
    """Train one network from several initializations, over several seeds, and tell which learn and why.

    The defaults are the lesson: a 2-4-1 tanh network on its flower data.

    Args:
        data: a data set's name, a path to CSV, Parquet or NPZ, or a `Dataset`.
        target: the column to learn, for CSV and Parquet.
        task: "classification" or "regression", where the targets could be read both ways.
        impute: fill missing values in files.
        inits: initializers or their text forms, such as "he", "normal(0.01)"; the lesson's seven if left out.
        layers: sizes of the hidden layers; 0 or () for none.
        activation: of the hidden layers.
        loss: "auto" (cross-entropy for classes, squared error for numbers), "cross-entropy", "squared-error",
            "squared-error(sigmoid)".
        seeds: networks for each initialization.
        iterations: updates for each network.
        learning_rate: > 0.
        optimizer: "gd", "momentum", "adam", ...
        batch_size: examples for each update; all if None.
        arithmetic: "unitwise" keeps tied units tied to the last bit, the same on every machine; or "blas".
        progress: called with (network-iterations done, in all).

    Raises:
        InvalidInput: whatever cannot be used, with the rule, what it got, what is allowed and what to try.

    >>> comparison = compare(inits=["zeros", "normal(1)"], seeds=2, iterations=50)
    >>> comparison.rows[0].verdict
    '4 units are one unit: identical in every forward and backward pass, for ever (proved); nothing but b2 ever moves'
    """
    settings = Settings(
        data=data.name if isinstance(data, Dataset) else str(data),
        in_memory=isinstance(data, Dataset),
        target=target,
        task=task,
        impute=impute,
        inits=_inits(inits),
        layers=_layers(layers),
        activation=activation_text(activation),
        loss=loss,
        seeds=seeds,
        iterations=iterations,
        learning_rate=learning_rate,
        optimizer=optimizer,
        batch_size=batch_size,
        arithmetic=arithmetic,
    )
    return Comparison(
        experiments.compare(settings, data=data if isinstance(data, Dataset) else None, progress=progress)
    )


def _inits(inits: str | Initializer | Sequence[str | Initializer] | None) -> tuple[str, ...]:
    if inits is None:
        return DEFAULT_INITS
    return tuple(init_text(init) for init in ([inits] if isinstance(inits, (str, Initializer)) else inits))


def _layers(layers: int | str | Sequence[int]) -> tuple[int, ...]:
    if isinstance(layers, str):
        return parse_layers(layers)
    if isinstance(layers, Iterable):
        return tuple(layers)
    return () if layers == 0 else (layers,)
