"""`symbreak map`: one network at every point of two axes; which of them learn."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from symbreak.cli.compare import Batch, Impute, Target, Task
from symbreak.cli.exits import INTERRUPTED
from symbreak.cli.outputs import progress_bar

if TYPE_CHECKING:
    from symbreak.experiments.map.drawing import How
    from symbreak.experiments.map.settings import MapSettings
    from symbreak.front.map import Map

FOLDER = "symbreak-map"
# A page holds some 40 bytes for each network; browsers open 50 megabytes, not gigabytes.
PAGE_NETWORKS = 2**20

Data = Annotated[str, typer.Option(help="A data set by name (planar, digits, ...) or a CSV, Parquet or NPZ file.")]
Layers = Annotated[str, typer.Option(help="Sizes of the hidden layers: 4, or 64,64, or 0 for none.")]
X = Annotated[
    str,
    typer.Option(
        metavar="NAME:LOW:HIGH[:log|linear]",
        help="What varies from left to right: scale, mean, bias-scale, learning-rate, depth, width, momentum, epsilon, "
        "seed; scale-1, mean-1, learning-rate-1 for layer 1.",
    ),
]
Y = Annotated[str, typer.Option(metavar="NAME:LOW:HIGH[:log|linear]", help="What varies upwards.")]
Size = Annotated[str, typer.Option(metavar="COLUMNSxROWS", help="Networks along each axis.")]
Value = Annotated[
    str, typer.Option(help="What the picture shows: final-cost, accuracy, steps-to-half, diverged, effective-units.")
]
Zoom = Annotated[
    str | None,
    typer.Option(metavar="X0:X1,Y0:Y1", help="Draw this window at the same size, into a folder of its own."),
]
At = Annotated[str | None, typer.Option(metavar="X,Y", help="Train only the network at this point, and print it.")]
Arithmetic = Annotated[str, typer.Option(help="unitwise (same bits everywhere) or blas (large layers).")]
Output = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Where picture, page and store go.", show_default=FOLDER),
]
Resume = Annotated[bool, typer.Option(help="Go on with what the folder holds; --no-resume refuses such a folder.")]
WorkerCount = Annotated[
    int | None, typer.Option("--workers", help="Processes of this machine.", show_default="threads, on all cores")
]
Cluster = Annotated[str | None, typer.Option(metavar="tcp://HOST:PORT", help="A Dask scheduler; its workers compute.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Measure a sample; predict the time; draw nothing.")]
Cores = Annotated[int | None, typer.Option(help="For --dry-run: predict for so many.", show_default="this machine's")]


def command(
    data: Data = "planar",
    x: X = "scale:1e-3:1e3:log",
    y: Y = "learning-rate:1e-2:1e2:log",
    size: Size = "128x128",
    value: Value = "final-cost",
    zoom: Zoom = None,
    at: At = None,
    target: Target = None,
    task: Task = None,
    impute: Impute = False,
    init: Annotated[str, typer.Option(help="How weights start; the scale is a factor on it.")] = "normal(1)",
    bias_init: Annotated[str, typer.Option(help="How biases start.")] = "zeros",
    layers: Layers = "4",
    activation: Annotated[str, typer.Option(help="Of the hidden layers: tanh, relu, sigmoid, gelu, ...")] = "tanh",
    loss: Annotated[str, typer.Option(help="auto, cross-entropy, squared-error, 'squared-error(sigmoid)'.")] = "auto",
    seed: Annotated[int, typer.Option(help="Of the start, for every network.")] = 0,
    iterations: Annotated[int, typer.Option(help="Updates for each network.")] = 500,
    learning_rate: Annotated[float, typer.Option(help="Size of the steps, where it is no axis.")] = 1.2,
    optimizer: Annotated[str, typer.Option(help="gd, momentum, adam, ...")] = "gd",
    batch_size: Batch = None,
    precision: Annotated[str, typer.Option(help="float64 (as compare) or float32 (faster).")] = "float64",
    arithmetic: Arithmetic = "unitwise",
    output: Output = None,
    resume: Resume = True,
    workers: WorkerCount = None,
    cluster: Cluster = None,
    dry_run: DryRun = False,
    cores: Cores = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")] = False,
) -> None:
    """Train a network at every point of two axes and draw which learn.

    Without options: weight scale against learning rate for the lesson's network, 128 x 128, in less than two minutes
    on two cores. What is finished is kept: stop it in any way, and the same command goes on.
    """
    from symbreak.experiments.map.axes import Axis
    from symbreak.experiments.map.drawing import How
    from symbreak.experiments.map.settings import MapSettings, parse_point, parse_size, parse_window
    from symbreak.experiments.settings import parse_layers

    settings = MapSettings(
        x=Axis.parse(x),
        y=Axis.parse(y),
        size=parse_size(size),
        data=data,
        target=target,
        task=task,
        impute=impute,
        init=init,
        bias_init=bias_init,
        layers=parse_layers(layers),
        activation=activation,
        loss=loss,
        seed=seed,
        iterations=iterations,
        learning_rate=learning_rate,
        optimizer=optimizer,
        batch_size=batch_size,
        precision=precision,
        arithmetic=arithmetic,
    )
    if zoom is not None:
        settings = settings.window(*parse_window(zoom))
    if dry_run:
        return _predict(settings, cores)
    if at is not None:
        px, py = parse_point(at)
        return _one(settings.window((px, px), (py, py)))
    folder = output or Path(FOLDER if zoom is None else f"{FOLDER}-{settings.digest[:8]}")
    _draw(settings, How(folder, resume, workers, cluster), value, quiet=quiet)
    return None


def _one(settings: MapSettings) -> None:
    from symbreak.experiments.map.drawing import How
    from symbreak.front.map import draw

    draw(settings, How()).print()


def _draw(settings: MapSettings, how: How, value: str, *, quiet: bool) -> None:
    """Make the map in its folder, then the picture and the page beside it."""
    from dataclasses import replace

    from symbreak.experiments.map.result import check_value

    check_value(value)
    folder = how.folder or Path(FOLDER)
    with progress_bar("training", quiet=quiet) as progress:
        drawn = _drawn(settings, replace(how, progress=progress, tell=_tell))
    if drawn is None or not drawn.result.complete:
        _tell(_kept(folder))
        raise typer.Exit(INTERRUPTED)
    drawn.plot(folder / "map.png", value=value)
    paged = drawn.result.done.size <= PAGE_NETWORKS
    if paged:
        drawn.to_html(folder / "map.html")
    if not quiet:
        drawn.print()
        page = f"{folder / 'map.html'}, " if paged else f"no page for more than {PAGE_NETWORKS:,} networks: --zoom; "
        print(f"{page}{folder / 'map.png'}; the numbers: {folder / 'chunks'} (Parquet)")  # noqa: T201


def _drawn(settings: MapSettings, how: How) -> Map | None:
    from symbreak.front.map import draw

    try:
        return draw(settings, how)
    except KeyboardInterrupt:
        return None


def _kept(folder: Path) -> str:
    return f"interrupted: what was finished is kept in {folder}; the same command goes on with it"


def _predict(settings: MapSettings, cores: int | None) -> None:
    from symbreak.experiments.map.cost import sample
    from symbreak.random.sharing import cores as here

    count = cores or here()
    cost = sample(settings)
    lines = [
        f"{cost.networks:,} networks of {cost.updates:,} updates",
        f"{cost.sampled} of them, from all over the map, took {1e3 * cost.per_network:.3g} ms of one core each",
        f"all of them: {_duration(cost.total(1))} on 1 core, {_duration(cost.total(count))} on {count:,}",
    ]
    print("\n".join(lines))  # noqa: T201


def _duration(seconds: float) -> str:
    for unit, size in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.2g} seconds" if seconds < 10 else f"{seconds:.0f} seconds"


def _tell(words: str) -> None:
    print(words, file=sys.stderr)  # noqa: T201
