"""`symbreak compare`: which initialization lets this network learn, and why."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from symbreak.cli.exits import INTERRUPTED
from symbreak.cli.outputs import check_outputs, progress_bar

if TYPE_CHECKING:
    from symbreak.front.comparison import Comparison

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
    from symbreak.front.comparison import compare
    from symbreak.report import files

    check_outputs((json_file, files.check_json_path), (report, files.check_html_path), (plot, files.check_figure_path))
    with progress_bar("training", quiet=quiet or json_file == "-") as progress:
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
