"""`symbreak.compare`: which start lets this network, or your own model, learn. A thin view over the result."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

from symbreak import experiments, report
from symbreak.datasets import Dataset
from symbreak.errors import InvalidInput, MissingDependency
from symbreak.experiments import CompareResult, Settings
from symbreak.experiments.comparison import Progress
from symbreak.experiments.settings import DEFAULT_INITS, activation_text, init_text, layer_sizes
from symbreak.initializers import Initializer
from symbreak.numerics import Activation
from symbreak.report import files, plain
from symbreak.report.table import html_table

Starts = str | Initializer | Sequence[str | Initializer] | None


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


@overload
def compare(
    data: str | Path | Dataset = "planar",
    batches: None = None,
    *,
    target: str | None = None,
    task: str | None = None,
    impute: bool = False,
    inits: Starts = None,
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
) -> Comparison: ...
@overload
def compare(
    data: Callable[[], Any],
    batches: Any,
    *,
    inits: Starts = None,
    steps: int = 300,
    seeds: int = 5,
    optimizer: str | Callable[[list[Any]], Any] = "adamw",
    learning_rate: float | None = None,
    loss_fn: Callable[[Any, Any], Any] | None = None,
    progress: Progress | None = None,
) -> Comparison: ...
def compare(data: Any = "planar", batches: Any = None, **options: Any) -> Comparison:
    """Train one model from several starts, over several seeds, and tell which learn and why.

    `compare(data, ...)` trains the lesson's network on a data set; the defaults are the lesson: a 2-4-1 tanh network on
    its flower data. `compare(build_model, batches, ...)` trains a PyTorch model of your own on your batches, with your
    optimizer and loss. The table, the verdicts and the page are the same.

    Args:
        data: a data set's name, a path to CSV, Parquet or NPZ, or a `Dataset`; or a function that builds a
            `torch.nn.Module`, whose randomness is seeded for every run.
        batches: for a model: an iterable of (x, y), such as a list or a `DataLoader`, or of dicts for a model with a
            loss of its own, or a function that returns one. Every start and seed is trained on the same batches in the
            same order; where there are fewer than steps, they come again from the first.
        options: of the lesson's network, then of a model.
        target: the column to learn, for CSV and Parquet.
        task: "classification" or "regression", where the targets could be read both ways.
        impute: fill missing values in files.
        inits: initializers or their text forms, such as "he", "normal(0.01)"; the lesson's seven if left out. For a
            model also "as-built", "plan", "calibrated" and the recipes, such as "torch-default"; these four if left
            out. A law of the catalogue is given to every weight, and biases are zero then.
        layers: sizes of the hidden layers; 0 or () for none.
        activation: of the hidden layers.
        loss: "auto" (cross-entropy for classes, squared error for numbers), "cross-entropy", "squared-error",
            "squared-error(sigmoid)".
        seeds: runs for each start: 20, or 5 for a model.
        iterations: updates for each network; `steps` for a model.
        learning_rate: > 0; for a model, of an optimizer by name.
        optimizer: "gd", "momentum", "adam", ...; for a model "adamw" (rate 0.001), "adam" (0.001), "sgd" (0.1), or a
            function that takes the list of trainable parameters and returns a `torch.optim.Optimizer`.
        batch_size: examples for each update; all if None.
        arithmetic: "unitwise" keeps tied units tied to the last bit, the same on every machine; or "blas".
        loss_fn: takes the model's output and y; the model's own loss, or the usual one for such targets, if left out.
        progress: called with (network-iterations done, in all).

    Raises:
        InvalidInput: whatever cannot be used, with the rule, what it got, what is allowed and what to try.

    >>> comparison = compare(inits=["zeros", "normal(1)"], seeds=2, iterations=50)
    >>> comparison.rows[0].verdict
    '4 units are one unit: identical in every forward and backward pass, for ever (proved); nothing but b2 ever moves'
    """
    if batches is not None or (callable(data) and not isinstance(data, (str, Path))):
        return of_model(data, batches, **options)
    return of_network(data, **options)


def of_network(
    data: str | Path | Dataset = "planar",
    *,
    target: str | None = None,
    task: str | None = None,
    impute: bool = False,
    inits: Starts = None,
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
    """Compare initializations of the lesson's network; see `compare`."""
    settings = Settings(
        data=data.name if isinstance(data, Dataset) else str(data),
        in_memory=isinstance(data, Dataset),
        target=target,
        task=task,
        impute=impute,
        inits=_inits(inits),
        layers=layer_sizes(layers),
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


def of_model(
    build: Callable[[], Any],
    batches: Any,
    *,
    inits: Starts = None,
    steps: int = 300,
    seeds: int = 5,
    optimizer: str | Callable[[list[Any]], Any] = "adamw",
    learning_rate: float | None = None,
    loss_fn: Callable[[Any, Any], Any] | None = None,
    names: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare starts of a PyTorch model; see `compare`.

    Args:
        build: builds the model.
        batches: what it is trained on.
        inits: starts.
        steps: updates for each run.
        seeds: runs for each start.
        optimizer: a name, or a function of the parameters.
        learning_rate: of an optimizer by name.
        loss_fn: takes the model's output and y.
        names: what the command line calls `model`, `batches`, `optimizer` and `loss`.
        progress: called with (steps done, in all).
    """
    _require_torch()
    from symbreak.experiments import models

    _check_builder(build, batches)
    if not isinstance(optimizer, str) and learning_rate is not None:
        raise InvalidInput(
            "a function that makes the optimizer sets its learning rate",
            got=f"learning_rate={learning_rate} and a function",
            allowed="one of them",
            hint="optimizer='adamw', learning_rate=0.001",
        )
    given = dict(names or {})
    settings = models.Settings(
        model=given.get("model", "build_model"),
        batches=given.get("batches", "batches"),
        inits=models.DEFAULT_STARTS if inits is None else tuple(models.start_text(init) for init in _listed(inits)),
        steps=steps,
        seeds=seeds,
        optimizer=optimizer if isinstance(optimizer, str) else given.get("optimizer", "given"),
        learning_rate=learning_rate,
        loss=given.get("loss", getattr(loss_fn, "__name__", "given") if loss_fn is not None else ""),
        in_memory=names is None,
    )
    make = models.named_optimizer(optimizer, learning_rate) if isinstance(optimizer, str) else optimizer
    task = models.Task(build, batches, loss_fn, make)
    return Comparison(models.compare(settings, task, progress=progress))


def _require_torch() -> None:
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingDependency(
            "comparing starts of a model needs PyTorch\n  got: no torch\n  allowed: torch\n  try: pip install torch"
        ) from error


def _check_builder(build: Any, batches: Any) -> None:
    if callable(build) and not (hasattr(build, "named_parameters") and not isinstance(build, type)):
        if batches is not None:
            return
        raise InvalidInput(
            "a model is compared on batches of its own",
            got="no batches",
            allowed="an iterable of (x, y), or a function that returns one",
            hint="symbreak.compare(build_model, [(x, y)])",
        )
    raise InvalidInput(
        "a model is built anew for every run",
        got=f"{type(build).__name__}, which is no function" if not callable(build) else f"a {type(build).__name__}",
        allowed="a function without arguments that returns a torch.nn.Module",
        hint="symbreak.compare(lambda: copy.deepcopy(model), batches)",
    )


def _inits(inits: Starts) -> tuple[str, ...]:
    return DEFAULT_INITS if inits is None else tuple(init_text(init) for init in _listed(inits))


def _listed(inits: str | Initializer | Sequence[str | Initializer]) -> Sequence[str | Initializer]:
    return [inits] if isinstance(inits, (str, Initializer)) else inits
