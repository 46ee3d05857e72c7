"""`symbreak.map`: which scale, which rate, which depth learns. A thin view over the result and its store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from symbreak.datasets import Dataset
from symbreak.experiments import prepare
from symbreak.experiments.map import drawing
from symbreak.experiments.map.axes import Axis
from symbreak.experiments.map.drawing import How, Progress
from symbreak.experiments.map.result import MapResult
from symbreak.experiments.map.settings import RATE, SCALE, MapSettings, parse_size
from symbreak.experiments.settings import activation_text, init_text, layer_sizes
from symbreak.experiments.theory import Line, lines
from symbreak.initializers import Initializer
from symbreak.numerics import Activation
from symbreak.report import files
from symbreak.report.format import number, percent, promise, setting


@dataclass(frozen=True)
class Map:
    """The result of `map`: arrays of what was measured, and ways to show them."""

    result: MapResult
    data: Dataset | None = field(default=None, repr=False)

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """What theory says of these axes; nothing where it is silent."""
        return lines(self.result.settings, prepare(self.result.settings.compared, self.data)[0])

    def print(self) -> None:
        """Print what was found, in a few lines."""
        from symbreak.report.terminal import terminal

        terminal().print(str(self), markup=False, soft_wrap=True)

    def plot(self, path: str | Path | None = None, *, value: str = "final_cost") -> Any:
        """Return the Matplotlib figure; write it (.png, .svg, .pdf) if a path is given."""
        from symbreak.report import map_picture

        if path is not None:
            target = files.check_figure_path(path)
            kind = target.suffix[1:].lower()
            files.write_whole(target, map_picture.image(self.result, value, self.lines, kind=kind))
        return map_picture.figure(self.result, value, self.lines)

    def to_html(self, path: str | Path | None = None) -> str:
        """Return the self-contained page; write it if a path is given."""
        from symbreak.report import map_page

        page = map_page.page(self.result, self.lines)
        if path is not None:
            files.write_whole(files.check_html_path(path), page.encode())
        return page

    def __str__(self) -> str:
        result = self.result
        found = _one(result) if result.shape == (1, 1) else _found(result)
        return "\n".join([_headline(result), *found, *_arithmetic(result)])


def map(
    data: str | Path | Dataset = "planar",
    *,
    x: str | Axis = SCALE,
    y: str | Axis = RATE,
    size: int | str | Sequence[int] = (128, 128),
    at: tuple[float, float] | None = None,
    target: str | None = None,
    task: str | None = None,
    impute: bool = False,
    init: str | Initializer = "normal(1)",
    bias_init: str | Initializer = "zeros",
    layers: int | str | Sequence[int] = (4,),
    activation: str | Activation = "tanh",
    loss: str = "auto",
    seed: int = 0,
    iterations: int = 500,
    learning_rate: float = 1.2,
    optimizer: str = "gd",
    batch_size: int | None = None,
    precision: str = "float64",
    arithmetic: str = "unitwise",
    output: str | Path | None = None,
    resume: bool = True,
    workers: int | None = None,
    cluster: str | None = None,
    progress: Progress | None = None,
) -> Map:
    """Train one network at every point of two axes and tell which learn.

    The defaults are the lesson's network on its flower data, weight scale against learning rate.

    Args:
        data: a data set's name, a path to CSV, Parquet or NPZ, or a `Dataset`.
        x, y: "NAME:LOW:HIGH[:log|linear]"; names are scale, mean, bias-scale, learning-rate, depth, width, momentum,
            epsilon, seed; scale-1, mean-1, learning-rate-1 are those of layer 1.
        size: columns and rows; one number for a square. An axis of whole numbers may have fewer.
        at: only the network at (x, y).
        target, task, impute, layers, activation, loss, iterations, learning_rate, optimizer, batch_size: as in
            `compare`.
        init: how weights start; a scale is a factor on it.
        bias_init: how biases start.
        seed: of the start.
        precision: "float64" or "float32".
        arithmetic: "unitwise" (same bits everywhere), or "blas" for large layers: the promise of bits ends there.
        output: the folder of the store, which a later run goes on with; None keeps the map in memory.
        resume: if False, a folder that holds a map is refused.
        workers: processes of this machine; None computes in this one, on all cores.
        cluster: address of a Dask scheduler.
        progress: called with (networks trained, to train).

    Raises:
        InvalidInput: whatever cannot be used, with the rule, what it got, what is allowed and what to try.

    >>> drawn = map(x="scale:0.01:100", size=4, iterations=20)
    >>> drawn.result.final_cost.shape, drawn.result.command(0, 3)[:37]
    ((4, 4), "symbreak compare --init 'normal(100)'")
    """
    settings = MapSettings(
        x=x if isinstance(x, Axis) else Axis.parse(x),
        y=y if isinstance(y, Axis) else Axis.parse(y),
        size=_size(size),
        data=data.name if isinstance(data, Dataset) else str(data),
        target=target,
        task=task,
        impute=impute,
        init=init_text(init),
        bias_init=init_text(bias_init),
        layers=layer_sizes(layers),
        activation=activation_text(activation),
        loss=loss,
        seed=seed,
        iterations=iterations,
        learning_rate=learning_rate,
        optimizer=optimizer,
        batch_size=batch_size,
        precision=precision,
        arithmetic=arithmetic,
        in_memory=isinstance(data, Dataset),
    )
    if at is not None:
        settings = settings.window((at[0], at[0]), (at[1], at[1]))
    how = How(None if output is None else Path(output), resume, workers, cluster, progress=progress)
    return draw(settings, how, data=data if isinstance(data, Dataset) else None)


def draw(settings: MapSettings, how: How, *, data: Dataset | None = None) -> Map:
    """Return the map of these settings, made that way."""
    return Map(drawing.draw(settings, how, data=data), data)


def _size(size: int | str | Sequence[int]) -> tuple[int, int]:
    if isinstance(size, str):
        return parse_size(size)
    # The settings refuse what is no pair.
    return tuple(size) if isinstance(size, Iterable) else (size, size)  # type: ignore[return-value]


def _headline(result: MapResult) -> str:
    settings, (rows, columns) = result.settings, result.shape
    where = f"{settings.x.text} ({columns}) against {settings.y.text} ({rows})"
    if (rows, columns) == (1, 1):
        at = f"{settings.x.name} {result.x[0]!s}, {settings.y.name} {result.y[0]!s}"
        return f"1 network: {at}; {settings.iterations} iterations"
    part = "" if result.complete else f", {int(result.done.sum()):,} of them trained"
    return f"{rows * columns:,} networks{part}: {where}; {settings.iterations} iterations"


def _one(result: MapResult) -> list[str]:
    """Everything that is known of the only network, its cost to the last bit."""
    steps = "never" if np.isnan(result.steps_to_half[0, 0]) else f"{int(result.steps_to_half[0, 0])}"
    if result.diverged[0, 0]:
        return [f"diverged at step {int(result.diverged_at[0, 0])}", f"steps to half the base-rate cost: {steps}"]
    return [
        f"final cost: {float(result.final_cost[0, 0])!r}",
        f"{result.score}: {float(result.accuracy[0, 0])!r}",
        f"steps to half the base-rate cost: {steps}",
        f"effective units: {int(result.effective_units[0, 0])} of {int(result.hidden_units[0, 0])}",
    ]


def _found(result: MapResult) -> list[str]:
    done = max(1, int(result.done.sum()))
    halved = int(np.isfinite(result.steps_to_half).sum()) / done
    lines = [
        f"cost half of the base rate's {number(result.base_rate_cost)}: {percent(halved)};"
        f" diverged: {percent(int(result.diverged.sum()) / done)}"
    ]
    if np.isfinite(result.final_cost).any():
        i, j = np.unravel_index(int(np.nanargmin(result.final_cost)), result.shape)
        best = f"lowest cost {number(float(result.final_cost[i, j]))} at {_place(result, int(i), int(j))}"
        lines += [best, f"  {result.command(int(i), int(j))}"]
    return lines


def _arithmetic(result: MapResult) -> list[str]:
    """Say where the promise of bits ends."""
    return (
        [f"training again gives {promise(result.settings.arithmetic)}"] if result.settings.arithmetic == "blas" else []
    )


def _place(result: MapResult, i: int, j: int) -> str:
    settings = result.settings
    at = [(settings.x, float(result.x[j])), (settings.y, float(result.y[i]))]
    return ", ".join(f"{axis.name} {setting(value, whole=axis.kind.whole)}" for axis, value in at)
