"""`symbreak compare`: which initialization lets this network learn, and why."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from symbreak.cli.exits import INTERRUPTED
from symbreak.errors import InvalidInput

if TYPE_CHECKING:
    from symbreak.front import Comparison

Progress = Callable[[int, int], None]


Data = Annotated[str, typer.Option(help="A data set by name (planar, digits, ...) or a CSV, Parquet or NPZ file.")]
Target = Annotated[str | None, typer.Option(help="The column to learn, for CSV and Parquet.", show_default=False)]
Task = Annotated[
    str | None,
    typer.Option(help="classification or regression, where targets can be read both ways.", show_default=False),
]
Impute = Annotated[bool, typer.Option("--impute", help="Fill missing values: medians, most frequent categories.")]
Init = Annotated[
    list[str] | None,
    typer.Option(
        help="An initialization, such as he or 'normal(0.01)'; repeat for more.", show_default="the lesson's seven"
    ),
]
Layers = Annotated[str, typer.Option(help="Sizes of the hidden layers: 4, or 64,64, or 0 for none.")]
Name = Annotated[str, typer.Option()]
Seeds = Annotated[int, typer.Option(help="Networks for each initialization: seeds 0, 1, ...")]
Batch = Annotated[int | None, typer.Option(help="Examples for each update.", show_default="all of them")]
JsonFile = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE", help="Write the result as JSON; - prints it alone.", show_default=False),
]
Report = Annotated[
    Path | None, typer.Option(metavar="FILE.html", help="Write a page that opens offline.", show_default=False)
]
Plot = Annotated[
    Path | None, typer.Option(metavar="FILE.png|.svg", help="Draw the comparison as a picture.", show_default=False)
]


def command(
    data: Data = "planar",
    target: Target = None,
    task: Task = None,
    impute: Impute = False,
    init: Init = None,
    layers: Layers = "4",
    activation: Annotated[str, typer.Option(help="Of the hidden layers: tanh, relu, sigmoid, gelu, ...")] = "tanh",
    loss: Annotated[str, typer.Option(help="auto, cross-entropy, squared-error, 'squared-error(sigmoid)'.")] = "auto",
    seeds: Seeds = 20,
    iterations: Annotated[int, typer.Option(help="Updates for each network.")] = 2000,
    learning_rate: Annotated[float, typer.Option(help="Size of the steps, above 0.")] = 1.2,
    optimizer: Annotated[str, typer.Option(help="gd, momentum, adam, ...")] = "gd",
    batch_size: Batch = None,
    arithmetic: Annotated[str, typer.Option(help="unitwise (same bits everywhere) or blas.")] = "unitwise",
    json_file: JsonFile = None,
    report: Report = None,
    plot: Plot = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no table.")] = False,
) -> None:
    """Train one network from several initializations and tell which learn, and why.

    Without options: the lesson's network (2-4-1, tanh, rate 1.2) on its flower data.
    """
    from symbreak.front import compare

    _check_outputs(json_file, report, plot)
    with _progress(quiet or json_file == "-") as progress:
        comparison = compare(
            data,
            target=target,
            task=task,
            impute=impute,
            inits=init or None,
            layers=layers,
            activation=activation,
            loss=loss,
            seeds=seeds,
            iterations=iterations,
            learning_rate=learning_rate,
            optimizer=optimizer,
            batch_size=batch_size,
            arithmetic=arithmetic,
            progress=progress,
        )
    _deliver(comparison, json_file, report, plot, quiet)
    if comparison.result.interrupted:
        print("interrupted: only what is shown was finished", file=sys.stderr)  # noqa: T201
        raise typer.Exit(INTERRUPTED)


def _check_outputs(json_file: str | None, report: Path | None, plot: Path | None) -> None:
    """Refuse a file that could not be written before the run, not after it."""
    from symbreak.report import files

    if json_file not in (None, "-"):
        files.check_json_path(str(json_file))
    if report is not None:
        files.check_html_path(report)
    if plot is not None:
        files.check_figure_path(plot)
    named = [Path(path).resolve() for path in (json_file, report, plot) if path not in (None, "-")]
    if len(set(named)) < len(named):
        raise InvalidInput(
            "every output needs a file of its own",
            got=", ".join(map(str, named)),
            allowed="different files",
            hint="r.json",
        )


@contextlib.contextmanager
def _progress(quiet: bool) -> Iterator[Progress | None]:
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("training"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("training")
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _deliver(
    comparison: Comparison, json_file: str | None, report: Path | None, plot: Path | None, quiet: bool
) -> None:
    """Write the files first: a terminal that cannot print must not cost them."""
    if json_file not in (None, "-"):
        comparison.to_json(json_file)
    if report is not None:
        comparison.to_html(report)
    if plot is not None:
        comparison.plot(plot)
    if json_file == "-":
        print(json.dumps(comparison.to_json(), allow_nan=False))  # noqa: T201
    elif not quiet:
        comparison.print()
