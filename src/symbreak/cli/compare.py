"""`symbreak compare`: which initialization lets this network, or your own model, learn, and why."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symbreak.cli.exits import INTERRUPTED
from symbreak.cli.outputs import Advance, check_outputs, progress_bar
from symbreak.errors import InvalidInput, UnknownName

if TYPE_CHECKING:
    from symbreak.front.comparison import Comparison

Target = Annotated[
    str | None,
    typer.Argument(
        metavar="[pkg.mod:build_model]",
        help="What builds a PyTorch model of your own, to be trained on --batches.",
        show_default="the lesson's network",
    ),
]
Batches = Annotated[
    str | None,
    typer.Option(
        metavar="pkg.mod:batches", help="A model's batches: (x, y) each, or what makes them.", show_default=False
    ),
]
Steps = Annotated[int | None, typer.Option(help="Updates of a model, for each run.", show_default="300")]
Data = Annotated[
    str | None,
    typer.Option(help="A data set by name (planar, digits, ...) or a CSV, Parquet or NPZ file.", show_default="planar"),
]
Column = Annotated[
    str | None, typer.Option("--target", help="The column to learn, for CSV and Parquet.", show_default=False)
]
Task = Annotated[
    str | None,
    typer.Option(help="classification or regression, where targets can be read both ways.", show_default=False),
]
Impute = Annotated[bool, typer.Option("--impute", help="Fill missing values: medians, most frequent categories.")]
Init = Annotated[
    list[str] | None,
    typer.Option(
        help="A start, such as he or 'normal(0.01)'; repeat for more. Of a model also as-built, plan, calibrated, or a "
        "recipe, such as torch-default.",
        show_default="the lesson's seven; of a model as-built, torch-default, plan, calibrated",
    ),
]
Layers = Annotated[
    str | None, typer.Option(help="Sizes of the hidden layers: 4, or 64,64, or 0 for none.", show_default="4")
]
Activation = Annotated[
    str | None, typer.Option(help="Of the hidden layers: tanh, relu, sigmoid, gelu, ...", show_default="tanh")
]
Loss = Annotated[
    str | None,
    typer.Option(
        help="auto, cross-entropy, squared-error, 'squared-error(sigmoid)'; of a model cross-entropy, "
        "binary-cross-entropy, squared-error, or pkg.mod:function.",
        show_default="auto; the model's own",
    ),
]
Seeds = Annotated[
    int | None, typer.Option(help="Runs for each start: seeds 0, 1, ...", show_default="20; of a model 5")
]
Iterations = Annotated[int | None, typer.Option(help="Updates for each network.", show_default="2000")]
Rate = Annotated[
    float | None, typer.Option(help="Size of the steps, above 0.", show_default="1.2; of a model its optimizer's")
]
Optimizer = Annotated[
    str | None,
    typer.Option(
        help="gd, momentum, adam, ...; of a model adamw, adam, sgd, or pkg.mod:make_optimizer, a function of the "
        "parameters.",
        show_default="gd; of a model adamw",
    ),
]
Arithmetic = Annotated[
    str | None, typer.Option(help="unitwise (same bits everywhere) or blas.", show_default="unitwise")
]
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
    model: Target = None,
    batches: Batches = None,
    data: Data = None,
    target: Column = None,
    task: Task = None,
    impute: Impute = False,
    init: Init = None,
    layers: Layers = None,
    activation: Activation = None,
    loss: Loss = None,
    seeds: Seeds = None,
    iterations: Iterations = None,
    steps: Steps = None,
    learning_rate: Rate = None,
    optimizer: Optimizer = None,
    batch_size: Batch = None,
    arithmetic: Arithmetic = None,
    json_file: JsonFile = None,
    report: Report = None,
    plot: Plot = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no table.")] = False,
) -> None:
    """Train one network from several initializations and tell which learn, and why.

    Without options: the lesson's network (2-4-1, tanh, rate 1.2) on its flower data. With pkg.mod:build_model and
    --batches: a PyTorch model of your own, with your optimizer and loss; the current folder is importable.
    """
    from symbreak.report import files

    check_outputs((json_file, files.check_json_path), (report, files.check_html_path), (plot, files.check_figure_path))
    shared: dict[str, Any] = {"inits": init or None, "seeds": seeds, "learning_rate": learning_rate}
    own: dict[str, Any] = {"data": data, "target": target, "task": task, "impute": impute or None, "layers": layers}
    own |= {"activation": activation, "iterations": iterations, "batch_size": batch_size, "arithmetic": arithmetic}
    asked = {name: value for name, value in shared.items() if value is not None}
    with progress_bar("training", quiet=quiet or json_file == "-") as progress:
        if model is None:
            named = {"loss": loss, "optimizer": optimizer}
            asked |= {name: value for name, value in (own | named).items() if value is not None}
            comparison = _of_network(asked, progress, {"batches": batches, "steps": steps})
        else:
            request = Requested(model, batches, loss, optimizer, steps)
            comparison = _of_model(request, asked, progress, own)
    _deliver(comparison, json_file, report, plot, quiet)
    if comparison.result.interrupted:
        print("interrupted: only what is shown was finished", file=sys.stderr)  # noqa: T201
        raise typer.Exit(INTERRUPTED)


@dataclass(frozen=True)
class Requested:
    """What the command line says of a model, by name."""

    model: str
    batches: str | None
    loss: str | None
    optimizer: str | None
    steps: int | None


def _of_network(asked: dict[str, Any], progress: Advance | None, foreign: Mapping[str, Any]) -> Comparison:
    from symbreak.front.comparison import of_network

    _refuse(foreign, "these belong to a model of your own", "symbreak compare pkg.mod:build_model --batches ...")
    return of_network(**asked, progress=progress)


def _of_model(
    request: Requested, asked: dict[str, Any], progress: Advance | None, foreign: Mapping[str, Any]
) -> Comparison:
    from symbreak.cli import subject
    from symbreak.front.comparison import of_model

    _refuse(foreign, "these belong to the lesson's network", "leave the model out, or these options")
    if request.batches is None:
        raise InvalidInput(
            "a model is trained on batches of its own",
            got=f"{request.model} without --batches",
            allowed="--batches pkg.mod:batches",
            hint=f"symbreak compare {request.model} --batches pkg.mod:batches",
        )
    names = {"model": request.model, "batches": request.batches, "loss": request.loss, "optimizer": request.optimizer}
    if request.steps is not None:
        asked["steps"] = request.steps
    with subject.importable(Path.cwd()):
        build, batches = subject.load(request.model, "a model"), subject.load(request.batches, "batches")
        asked |= {"loss_fn": _loss(request.loss)} if request.loss is not None else {}
        asked |= {"optimizer": _optimizer(request.optimizer)} if request.optimizer is not None else {}
        given = {name: text for name, text in names.items() if text is not None}
        with subject.quoting(f"comparing {request.model}", "build and train it in Python first, in this folder"):
            return of_model(build, batches, **asked, names=given, progress=progress)


def _refuse(foreign: Mapping[str, Any], rule: str, hint: str) -> None:
    options = [f"--{name.replace('_', '-')}" for name, value in foreign.items() if value is not None]
    if options:
        raise InvalidInput(rule, got=" ".join(options), allowed="the options of one kind of network", hint=hint)


def _loss(name: str) -> Any:
    from symbreak.cli import subject
    from symbreak.torch.named_losses import LOSSES

    if name in LOSSES:
        return LOSSES[name]
    if ":" not in name:
        raise UnknownName.among("loss", name, [*LOSSES, "pkg.mod:function"])
    return subject.load(name, "a loss")


def _optimizer(name: str) -> Any:
    from symbreak.cli import subject

    return subject.load(name, "an optimizer") if ":" in name else name


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
